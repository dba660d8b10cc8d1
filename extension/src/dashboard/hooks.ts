import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { problemOf, type Connection } from "./connection";
import type { Done, Problem, Traits } from "./contract";
import { Clock } from "./model/clock";

/** What every part of the panel can reach. */
export interface Surroundings {
  connection: Connection;
  clock: Clock;
  /** Say what was done, with its undo. */
  say: (done: Done) => void;
  /** How often something was done from here: afterwards one looks again. */
  acts: number;
  /** A start for ids: there may be several panels on a page. */
  prefix: string;
}

export const PanelContext = createContext<Surroundings | null>(null);

export function useSurroundings(): Surroundings {
  const found = useContext(PanelContext);
  if (found === null) {
    throw new Error("a part of the panel stands outside of it");
  }
  return found;
}

/** The present value of what is kept in step; null while there is none. */
export function useTrait<Name extends keyof Traits>(name: Name, connection: Connection): Traits[Name] | null {
  const [value, setValue] = useState(() => connection.get(name));
  useEffect(() => {
    const changed = (): void => setValue(connection.get(name));
    changed();
    return connection.on(name, changed);
  }, [connection, name]);
  return value;
}

/** How a question stands. */
export interface Asked<Answer> {
  answer: Answer | null;
  problem: Problem | null;
  busy: boolean;
  /** Nothing has come for a while: the kernel may be busy or gone. */
  slow: boolean;
}

const PATIENCE = 2500;

/**
 * The answer to a question, asked again whenever it or the key changes; the former answer stays until then.
 *
 * @param method - What to ask; null asks nothing.
 * @param args - With which arguments.
 * @param key - Something else on which the answer depends.
 */
export function useAsk<Answer>(method: string | null, args: object, key: unknown = ""): Asked<Answer> {
  const { connection } = useSurroundings();
  const [asked, setAsked] = useState<Asked<Answer>>({
    answer: null,
    problem: null,
    busy: method !== null,
    slow: false,
  });
  const question = JSON.stringify([method, args]);
  const before = useRef(question);
  useEffect(() => {
    if (method === null) {
      setAsked({ answer: null, problem: null, busy: false, slow: false });
      return undefined;
    }
    let wanted = true;
    const same = before.current === question;
    before.current = question;
    setAsked((was) => ({ answer: same ? was.answer : null, problem: null, busy: true, slow: false }));
    const timer = setTimeout(() => wanted && setAsked((was) => ({ ...was, slow: true })), PATIENCE);
    const settle = (now: Pick<Asked<Answer>, "answer" | "problem">): void => {
      clearTimeout(timer);
      if (wanted) {
        setAsked({ ...now, busy: false, slow: false });
      }
    };
    connection.ask<Answer>(method, args).then(
      (answer) => settle({ answer, problem: null }),
      (error: unknown) => settle({ answer: null, problem: problemOf(error) }),
    );
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [connection, question, key]);
  return asked;
}

/** The time over there, told anew each second while something goes on and the page is seen. */
export function useNow(clock: Clock, active: boolean): number {
  const [now, setNow] = useState(() => clock.now());
  useEffect(() => {
    setNow(clock.now());
    if (!active) {
      return undefined;
    }
    const timer = setInterval(() => document.hidden || setNow(clock.now()), 1000);
    return () => clearInterval(timer);
  }, [clock, active]);
  return now;
}

const ATTENTION = 15_000;

/** Say now and then that somebody looks: where nobody does, nothing is worked out. */
export function useAttention(connection: Connection, shown: { current: HTMLElement | null }): void {
  useEffect(() => {
    const look = (): void => {
      if (!document.hidden && (shown.current?.getClientRects().length ?? 0) > 0) {
        // Who gives no answer has no news either: the next question tells what is wrong.
        connection.ask("watching").catch(() => undefined);
      }
    };
    const timer = setInterval(look, ATTENTION);
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [connection]);
}

/** Bring the keyboard, and if need be the page, to something that has just appeared. */
export function comeTo(element: HTMLElement | null): void {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: "nearest" });
}

/** A value once it has stayed the same for a while. */
export function useSettled<Value>(value: Value, milliseconds: number): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

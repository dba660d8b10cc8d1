import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { problemOf } from "../connection";
import type { Done, Foretold, Problem } from "../contract";
import { comeTo, useAsk, useSettled, useSurroundings } from "../hooks";
import { isHarsh } from "../model/steps";
import { Awaiting, ProblemStrip } from "./pieces";
import type { Wish } from "./step_item";

/** What an action will do, said before it is done. */
export function Confirm({ step, wish, close }: { step: string; wish: Wish; close: () => void }): VNode {
  const { connection, say } = useSurroundings();
  const [values, setValues] = useState<Record<string, string>>({});
  const isValued = Object.keys(values).length > 0;
  const request = { do: wish.action.do, step, args: isValued ? { ...wish.args, values } : wish.args };
  const settled = useSettled(JSON.stringify(request), isValued ? 300 : 0);
  const foretold = useAsk<Foretold>("foretell", JSON.parse(settled) as object);
  const [wants, setWants] = useState<readonly string[]>([]);
  const wanted = foretold.answer?.wants;
  useEffect(() => wanted && setWants((was) => [...new Set([...was, ...wanted])]), [wanted?.join()]);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  const strip = useRef<HTMLDivElement>(null);
  useEffect(() => comeTo(strip.current), []);
  const act = (): void => {
    setBusy(true);
    connection.ask<Done>("act", request).then(
      (done) => {
        if (done.problem) {
          setBusy(false);
          setRefused(done.problem);
          return;
        }
        say(done);
        close();
      },
      (error: unknown) => {
        setBusy(false);
        setRefused(problemOf(error));
      },
    );
  };
  const problem = refused ?? foretold.problem ?? foretold.answer?.problem ?? null;
  const isBlocked = problem !== null && (problem.kind ?? "error") === "error";
  return (
    <div
      class="confirm"
      role="group"
      aria-label={`${wish.action.title} ${step}`}
      tabIndex={-1}
      ref={strip}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <div class="confirm-text" aria-live="polite">
        <p>
          <b>{wish.action.title}</b> {foretold.answer?.text ?? ""}
        </p>
        {foretold.busy ? <Awaiting slow={foretold.slow} /> : null}
        {foretold.answer?.undo === false && isHarsh(wish.action.do) ? <p class="soft">This cannot be undone.</p> : null}
        {problem === null ? null : <ProblemStrip problem={problem} />}
        {wants.length > 0 ? <Values names={wants} values={values} type={setValues} /> : null}
      </div>
      <div class="buttons">
        <button type="button" class="button" onClick={close}>
          Not now
        </button>
        <button
          type="button"
          class={`button ${isHarsh(wish.action.do) ? "harsh" : "main"}`}
          disabled={busy || isBlocked || foretold.busy}
          onClick={act}
        >
          {busy ? "Working…" : wish.action.title}
        </button>
      </div>
    </div>
  );
}

/** Values that only the person who decides can know. */
function Values(props: {
  names: readonly string[];
  values: Record<string, string>;
  type: (values: Record<string, string>) => void;
}): VNode {
  return (
    <div class="fields">
      {props.names.map((name) => (
        <label key={name} class="labelled">
          <span>
            <code>{name}</code> is
          </span>
          <input
            class="input mono"
            value={props.values[name] ?? ""}
            placeholder="0.5, true, [1, 2], or any text"
            onInput={(event) => props.type({ ...props.values, [name]: event.currentTarget.value })}
          />
        </label>
      ))}
    </div>
  );
}

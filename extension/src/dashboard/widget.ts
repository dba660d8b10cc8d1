import { AskError, type Connection } from "./connection";
import type { Problem, Traits } from "./contract";

/** What anywidget hands to a view of a widget, as far as it is needed here. */
export interface WidgetModel {
  get(name: string): unknown;
  on(event: string, callback: (...args: unknown[]) => void): void;
  off(event: string, callback: (...args: unknown[]) => void): void;
  send(content: unknown): void;
}

interface Answer {
  id: number;
  ok?: unknown;
  problem?: Problem;
}

function isAnswer(message: unknown): message is Answer {
  return (
    typeof message === "object" && message !== null && "id" in message && ("ok" in message || "problem" in message)
  );
}

let lastId = Date.now();

/** The panel's way to its kernel: traits, and custom messages for questions. */
export class WidgetConnection implements Connection {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private readonly received = (message: unknown): void => {
    if (isAnswer(message)) {
      this.waiting.get(message.id)?.(message);
    }
  };

  constructor(private readonly model: WidgetModel) {
    model.on("msg:custom", this.received);
  }

  get<Name extends keyof Traits>(name: Name): Traits[Name] | null {
    const value = this.model.get(name) as Traits[Name] | null | undefined;
    const isThere = value !== null && value !== undefined && Object.keys(value).length > 0;
    return isThere ? value : null;
  }

  on<Name extends keyof Traits>(name: Name, changed: () => void): () => void {
    const event = `change:${name}`;
    this.model.on(event, changed);
    return () => this.model.off(event, changed);
  }

  ask<Result>(method: string, args: object = {}): Promise<Result> {
    // Every view of a widget sees all answers: ids must not meet those of another view.
    lastId += 1 + Math.floor(Math.random() * 1000);
    const id = lastId;
    return new Promise<Result>((resolve, reject) => {
      this.waiting.set(id, (answer) => {
        this.waiting.delete(id);
        if (answer.problem !== undefined) {
          reject(new AskError(answer.problem));
        } else {
          resolve(answer.ok as Result);
        }
      });
      this.model.send({ id, ask: method, args });
    });
  }

  /** Listen no more. */
  close(): void {
    this.model.off("msg:custom", this.received);
    this.waiting.clear();
  }
}

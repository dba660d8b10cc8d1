import { AskError } from "../../dashboard/connection";
import type { Problem } from "../../dashboard/contract";
import type { Answer, Question } from "./wire";

interface Pending {
  question: Question;
  sent: boolean;
  resolve: (answer: unknown) => void;
  reject: (error: AskError) => void;
}

/** Questions to a kernel that have no answer yet. */
export class Asking {
  private readonly pending = new Map<number, Pending>();
  private send: ((question: Question) => void) | null = null;
  private lastId = 0;

  constructor(private readonly client: string) {}

  /** Whether questions are sent on, and not kept. */
  get isOpen(): boolean {
    return this.send !== null;
  }

  /** Ask; kept until there is a way to the kernel. */
  ask<Result>(method: string, args: object): Promise<Result> {
    this.lastId += 1;
    const question = { client: this.client, id: this.lastId, ask: method, args };
    return new Promise<Result>((resolve, reject) => {
      const entry = { question, sent: false, resolve: resolve as (answer: unknown) => void, reject };
      this.pending.set(question.id, entry);
      this.pass(entry);
    });
  }

  /** There is a way to the kernel: these are asked first, then all that has been kept. */
  open(send: (question: Question) => void, first: () => void): void {
    const kept = [...this.pending.values()].filter((entry) => !entry.sent);
    this.send = send;
    first();
    kept.forEach((entry) => this.pass(entry));
  }

  /** There is no way to the kernel any more; what was sent will have no answer. */
  close(problem: Problem): void {
    this.send = null;
    this.refuse(problem, (entry) => entry.sent);
  }

  /** Nothing will be answered. */
  refuseAll(problem: Problem): void {
    this.refuse(problem, () => true);
  }

  /** An answer has come; those to others are none of our business. */
  take(answer: Answer): void {
    const entry = answer.client === this.client ? this.pending.get(answer.id) : undefined;
    if (entry === undefined) {
      return;
    }
    this.pending.delete(answer.id);
    if (answer.problem !== undefined) {
      entry.reject(new AskError(answer.problem));
    } else {
      entry.resolve(answer.ok);
    }
  }

  private pass(entry: Pending): void {
    if (this.send === null) {
      return;
    }
    entry.sent = true;
    this.send(entry.question);
  }

  private refuse(problem: Problem, which: (entry: Pending) => boolean): void {
    for (const [id, entry] of this.pending) {
      if (which(entry)) {
        this.pending.delete(id);
        entry.reject(new AskError(problem));
      }
    }
  }
}

import type { Problem, Traits } from "./contract";

/** How the panel reaches what knows everything; the panel itself knows no kernel, comm or server. */
export interface Connection {
  /** The present value; null while nothing has come yet. */
  get<Name extends keyof Traits>(name: Name): Traits[Name] | null;
  /** Call back after each change; gives what ends it. */
  on<Name extends keyof Traits>(name: Name, changed: () => void): () => void;
  /** Ask something; a refusal is an {@link AskError}. */
  ask<Answer>(method: string, args?: object): Promise<Answer>;
}

/** What was asked could not be done; says why, and what to do next. */
export class AskError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.text);
    this.name = "AskError";
  }
}

/** Any error as a problem to show. */
export function problemOf(error: unknown): Problem {
  if (error instanceof AskError) {
    return error.problem;
  }
  return { kind: "error", text: error instanceof Error ? error.message : String(error), next: "" };
}

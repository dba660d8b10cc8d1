import type { State } from "../../dashboard/contract";

/** What a person has to look at. */
const TROUBLED: ReadonlySet<State> = new Set(["failed", "interrupted", "waiting"]);

/** A step in the notebook: the place of its cell, and how it stands. */
export interface Placed {
  step: string;
  index: number;
  state: State;
}

/** The next step below a cell that failed, was interrupted or waits for a person; from the top again after the last. */
export function nextTroubled(steps: readonly Placed[], active: number): Placed | null {
  const found = steps.filter((one) => TROUBLED.has(one.state)).sort((one, other) => one.index - other.index);
  return found.find((one) => one.index > active) ?? found[0] ?? null;
}

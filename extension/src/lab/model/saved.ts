import type { State } from "../../dashboard/contract";
import { digestOf } from "./digest";
import { findMarker } from "./marker";
import { snapshotOf } from "./snapshot";

/** A cell as far as it is needed here. */
export interface KeptCell {
  id: string;
  type: string;
  source: string;
  /** What durable_nb has written into its metadata. */
  snapshot: unknown;
}

/** A step as its notebook tells of it, without a kernel. */
export interface SavedStep {
  step: string;
  cell: string;
  state: State;
  seconds: number | null;
  /** When that was; null where it was never run. */
  at: number | null;
  /** Whether its cell is another one since. */
  edited: boolean;
}

/** The steps of a notebook, each as it was when that was saved. */
export function savedSteps(cells: readonly KeptCell[]): SavedStep[] {
  return cells.flatMap(({ id, type, source, snapshot }): SavedStep[] => {
    const marker = type === "code" ? findMarker(source) : null;
    const kept = snapshotOf(snapshot);
    const step = marker?.name || kept?.step;
    if (marker === null || step === undefined) {
      return [];
    }
    if (kept === null) {
      return [{ step, cell: id, state: "pending", seconds: null, at: null, edited: false }];
    }
    const { state, seconds, at } = kept;
    return [{ step, cell: id, state, seconds, at, edited: kept.digest !== digestOf(source) }];
  });
}

const LOADS = /^[ \t]*%(?:re)?load_ext[ \t]+durable_nb[ \t]*(?:#.*)?$/m;

/** Whether one of the cells loads durable_nb. */
export function loadsItself(cells: readonly KeptCell[]): boolean {
  return cells.some(({ type, source }) => type === "code" && LOADS.test(source));
}

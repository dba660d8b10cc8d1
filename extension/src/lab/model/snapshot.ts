/** How a step stood when its notebook was saved, in the metadata of its cell. */
import type { State, StepRow } from "../../dashboard/contract";
import { digestOf } from "./digest";
import { ENDED } from "./wire";

/** Key of the metadata. */
export const KEY = "durable_nb";

export interface Snapshot {
  step: string;
  /** One in which a step stays, or that it was running. */
  state: State;
  seconds: number | null;
  /** When that was seen, in seconds since the epoch. */
  at: number;
  /** Of the cell as it ran. */
  digest: string;
}

/** A snapshot out of a cell's metadata; null where there is none that can be understood. */
export function snapshotOf(found: unknown): Snapshot | null {
  if (typeof found !== "object" || found === null) {
    return null;
  }
  const { step, state, seconds, at, digest } = found as Record<string, unknown>;
  const isKept = state === "running" || ENDED.has(state as State);
  if (typeof step !== "string" || !isKept || typeof at !== "number" || typeof digest !== "string") {
    return null;
  }
  return { step, state: state as State, seconds: typeof seconds === "number" ? seconds : null, at, digest };
}

/** What a step was when it was last looked at. */
export interface Seen {
  state: State;
  startedAt: number | null;
  /** Whether another process was at it. */
  elsewhere: boolean;
}

/** A step as it is seen now. */
export function seen(row: StepRow): Seen {
  return { state: row.state, startedAt: row.started_at, elsewhere: row.elsewhere !== "" };
}

/**
 * The snapshot to write after a step went from one state to another; null where nothing is to be written.
 *
 * Only what happened before the eyes of this page is written: to open a notebook leaves it as it is, and what another
 * process does is its own affair.
 *
 * @param before - How the step was seen before; null where it is seen for the first time.
 * @param row - How it stands.
 * @param ranAt - When its cell was run from this page since the last snapshot of its end; null where it was not.
 * @param kept - What is in the metadata.
 * @param source - The cell.
 * @param now - The time where the kernel is.
 */
export function snapshotAfter(
  before: Seen | null,
  row: StepRow,
  ranAt: number | null,
  kept: Snapshot | null,
  source: string,
  now: number,
): Snapshot | null {
  if (row.elsewhere !== "" || !hasHappened(before, row, ranAt)) {
    return null;
  }
  const start = { step: row.step, state: row.state, digest: digestOf(source) };
  if (row.state === "running") {
    return { ...start, seconds: null, at: row.started_at ?? now };
  }
  if (!ENDED.has(row.state)) {
    return null;
  }
  // The cell may have been edited while it ran.
  const digest = kept?.state === "running" && kept.step === row.step ? kept.digest : start.digest;
  return { ...start, seconds: row.seconds, at: now, digest };
}

/** Clocks are taken to agree to so many seconds. */
const TOLERANCE = 2;

function hasHappened(before: Seen | null, row: StepRow, ranAt: number | null): boolean {
  if (before === null) {
    return ranAt !== null && row.started_at !== null && row.started_at >= ranAt - TOLERANCE;
  }
  const isSame = before.state === row.state && before.startedAt === row.started_at;
  return !isSame && (ranAt !== null || (before.state === "running" && !before.elsewhere));
}

import type { State, Stretch } from "../contract";

/** A stretch of time in its place; both numbers are parts of the whole width, from 0 to 1. */
export interface Bar {
  left: number;
  width: number;
  state: State;
  attempt: number;
  seconds: number;
}

interface Interval {
  start: number;
  end: number;
}

const PAUSE = 0.03;
/** A pause longer than this part of the busy time is drawn as if it were this part. */

/** From a time to a place between 0 and 1; pauses in which nothing ran are short. */
export type Scale = (at: number) => number;

export function scaleOf(rows: readonly (readonly Stretch[])[], now: number): Scale {
  const busy = merged(rows.flat().map((one) => ({ start: one.start, end: Math.max(one.end ?? now, one.start) })));
  const total = busy.reduce((sum, one) => sum + one.end - one.start, 0);
  if (total <= 0) {
    return () => 0;
  }
  const longest = total * PAUSE;
  const places: { at: number; place: number }[] = [];
  let place = 0;
  let before: number | null = null;
  for (const { start, end } of busy) {
    place += before === null ? 0 : Math.min(start - before, longest);
    places.push({ at: start, place });
    place += end - start;
    places.push({ at: end, place });
    before = end;
  }
  return (at) => between(places, at) / place;
}

function merged(intervals: Interval[]): Interval[] {
  const found: Interval[] = [];
  for (const one of [...intervals].sort((a, b) => a.start - b.start)) {
    const last = found[found.length - 1];
    if (last !== undefined && one.start <= last.end) {
      last.end = Math.max(last.end, one.end);
    } else {
      found.push({ ...one });
    }
  }
  return found;
}

function between(places: { at: number; place: number }[], at: number): number {
  const after = places.findIndex((one) => one.at >= at);
  const right = places[after === -1 ? places.length - 1 : after];
  const left = after > 0 ? places[after - 1] : right;
  if (left === undefined || right === undefined || right.at === left.at) {
    return right?.place ?? 0;
  }
  const part = Math.min(1, Math.max(0, (at - left.at) / (right.at - left.at)));
  return left.place + part * (right.place - left.place);
}

/** The stretches of one row, in their places. */
export function barsOf(stretches: readonly Stretch[], scale: Scale, now: number): Bar[] {
  return stretches.map((one) => {
    const end = Math.max(one.end ?? now, one.start);
    const left = scale(one.start);
    return { left, width: scale(end) - left, state: one.state, attempt: one.attempt, seconds: end - one.start };
  });
}

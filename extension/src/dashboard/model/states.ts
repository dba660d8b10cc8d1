import type { Counts, State } from "../contract";

/** In the order in which they are told: what needs a person first, what is done last. */
export const STATES: readonly State[] = [
  "failed",
  "waiting",
  "interrupted",
  "blocked",
  "running",
  "pending",
  "cancelled",
  "completed",
  "reused",
];

/** States with how many have each, in the order of {@link STATES}; none that nobody has. */
export function counted(counts: Counts): [State, number][] {
  return STATES.flatMap((state) => {
    const count = counts[state] ?? 0;
    return count > 0 ? [[state, count] as [State, number]] : [];
  });
}

/** How many have each state. */
export function countsOf(states: readonly State[]): Counts {
  const counts: Counts = {};
  for (const state of states) {
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** `3 failed, 2 completed`, for a title or a reader of the screen. */
export function spokenCounts(counts: Counts): string {
  return counted(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
}

/** What the card of a step says, in sentences. */
import type { StepRow } from "../../dashboard/contract";
import { isStale } from "../../dashboard/model/steps";
import { duration, plural, size } from "../../dashboard/model/wording";
import { isWrong, savedOf, type Sight } from "./badge";

/** How the step stands, and where that is known from. */
export function standing(sight: Sight, when: (at: number) => string): string {
  if (sight.link === "live" && sight.isKnown) {
    if (isWrong(sight)) {
      return "What its first line says cannot be understood.";
    }
    return sight.row === null ? "The kernel has not read this cell yet." : live(sight.row);
  }
  const saved = savedOf(sight);
  if (saved === null) {
    return `Nothing is known of it yet. ${source(sight)}`;
  }
  const edited = saved.digest === sight.digest ? "" : " The cell was edited since.";
  return `As saved with the notebook: ${saved.state} ${when(saved.at)}.${edited} ${source(sight)}`;
}

function source(sight: Sight): string {
  switch (sight.link) {
    case "no kernel":
      return "The notebook has no kernel.";
    case "absent":
      return "Run the cell with %load_ext durable_nb to see how it stands now.";
    default:
      return "The kernel has not told how it stands now.";
  }
}

function live(row: StepRow): string {
  if (row.queued === true) {
    return "It was asked for, and waits for its turn.";
  }
  switch (row.state) {
    case "running":
      return row.elsewhere ? `It runs in ${row.elsewhere}.` : "It runs now.";
    case "failed":
      return row.attempts > 1 ? `It failed ${row.attempts} times.` : "It failed.";
    case "blocked":
      return "It did not run: a step that it needs failed.";
    case "interrupted":
      return "Its process ended while it ran.";
    case "cancelled":
      return "It was cancelled.";
    case "waiting":
      return "It waits for a person to decide.";
    case "pending":
      return row.stale === false ? "Its results are stored: it would be reused." : "It has not run yet.";
    default:
      return isStale(row) ? "Its results are no longer what running the notebook would give." : done(row);
  }
}

function done(row: StepRow): string {
  return row.stale === false ? "Its results are up to date." : "Its results are there.";
}

/** Facts of a step, each a name and a value. */
export function factsOf(row: StepRow): [string, string][] {
  const facts: [string, string][] = [];
  if (row.seconds !== null && row.state !== "running") {
    facts.push(["took", duration(row.seconds)]);
  }
  if (row.usual_seconds !== null && row.usual_seconds !== row.seconds) {
    facts.push(["usually", duration(row.usual_seconds)]);
  }
  if (row.attempts > 1) {
    facts.push(["tried", plural(row.attempts, "time")]);
  }
  if (row.saved_seconds >= 0.001) {
    facts.push(["saved", duration(row.saved_seconds)]);
  }
  if (row.bytes > 0) {
    facts.push(["stored", size(row.bytes)]);
  }
  return facts;
}

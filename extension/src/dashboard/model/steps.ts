import type { Action, StepRow } from "../contract";

/** Whether what it left is no longer what running the notebook would give. */
export function isStale(row: StepRow): boolean {
  return row.stale === true && (row.state === "completed" || row.state === "reused");
}

/** Whether running all that is not up to date would run it, as far as is known; who is at it already would not. */
export function wouldRun(row: StepRow): boolean {
  const hasEnded = row.state === "completed" || row.state === "reused";
  return (row.stale ?? !hasEnded) && row.state !== "running" && row.queued !== true;
}

/** Those that belong to one output or to the options, and stand there. */
const ELSEWHERE: ReadonlySet<string> = new Set(["set_output", "restore_value", "edit_options"]);

/** The actions of a step as a whole, in the order in which the back end gives them. */
export function stepActions(row: StepRow): Action[] {
  const again = row.actions.some((action) => action.do === "retry");
  return row.actions.filter((action) => !ELSEWHERE.has(action.do) && !(again && action.do === "run"));
}

/** One that is asked for by name, if the step has it. */
export function actionOf(row: StepRow, name: string): Action | undefined {
  return row.actions.find((action) => action.do === name);
}

/** The one a person most likely wants of a step as it stands: it is offered without opening the row. */
export function nextAction(row: StepRow): Action | undefined {
  const wanted = likely(row);
  return row.actions.find((action) => action.do === wanted && action.why_not === "");
}

function likely(row: StepRow): string {
  if (row.queued === true) {
    return "";
  }
  switch (row.state) {
    case "running":
      return "cancel";
    case "failed":
    case "interrupted":
    case "cancelled":
      return row.actions.some((action) => action.do === "retry") ? "retry" : "run";
    case "pending":
      return "run";
    case "waiting":
    case "blocked":
      return "";
    default:
      return isStale(row) ? "run" : "";
  }
}

/** Whether doing it throws something away that is not easily had again. */
export function isHarsh(name: string): boolean {
  return name === "cancel" || name === "invalidate" || name === "resolve_again";
}

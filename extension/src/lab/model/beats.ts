import type { StepRow, Steps } from "../../dashboard/contract";
import { countsOf } from "../../dashboard/model/states";
import { rowOfBeat, type Beat } from "./wire";

/**
 * The table of steps with what a beat has told since.
 *
 * @param steps - The last table; null where none has come: after a page was loaded anew while a cell runs.
 * @param beat - The last beat.
 */
export function withBeat(steps: Steps | null, beat: Beat | null): Steps | null {
  if (beat === null || (steps !== null && steps.at > beat.at)) {
    return steps;
  }
  if (steps === null) {
    const rows = beat.rows.map(rowOfBeat);
    const totals = { counts: countsOf(rows.map((row) => row.state)), would: "" };
    return { at: beat.at, note: "", plan_at: null, totals, rows, graph: null, marks: [] };
  }
  const told = new Map(beat.rows.map((row) => [row.step, row]));
  const rows = steps.rows.map((row): StepRow => ({ ...row, ...told.get(row.step), cell: row.cell }));
  const totals = { ...steps.totals, counts: countsOf(rows.map((row) => row.state)) };
  return { ...steps, at: beat.at, rows, totals, graph: graphWith(steps, rows) };
}

function graphWith(steps: Steps, rows: readonly StepRow[]): Steps["graph"] {
  if (steps.graph === null) {
    return null;
  }
  const states = new Map(rows.map((row) => [row.step, row.state]));
  const nodes = steps.graph.nodes.map((node) => ({ ...node, state: states.get(node.step) ?? node.state }));
  return { ...steps.graph, nodes };
}

import type { StepRow } from "../../dashboard/contract";
import { findMarker } from "./marker";
import type { ShownCell } from "./telling";

/** Which row belongs to which cell. */
export interface Places {
  /** Id of a cell → its row. */
  rows: ReadonlyMap<string, StepRow>;
  /** Step → id of its cell. */
  cells: ReadonlyMap<string, string>;
}

/**
 * Find the cells of steps.
 *
 * @param rows - Where the kernel has not seen the notebook yet, because a cell runs, it knows steps but not their cells.
 * @param cells - Gives the cells of the notebook, of which the names are then taken.
 */
export function placesOf(rows: readonly StepRow[], cells: () => readonly ShownCell[]): Places {
  const homeless = rows.some((row) => row.cell === "");
  const named = homeless ? new Map(cells().flatMap(nameAndId)) : new Map<string, string>();
  const found = rows.map((row): [StepRow, string] => [row, row.cell || (named.get(row.step) ?? "")]);
  return {
    rows: new Map(found.flatMap(([row, id]) => (id === "" ? [] : [[id, row] as const]))),
    cells: new Map(found.flatMap(([row, id]) => (id === "" ? [] : [[row.step, id] as const]))),
  };
}

function nameAndId({ id, type, source }: ShownCell): [string, string][] {
  const name = type === "code" ? findMarker(source)?.name : undefined;
  return name ? [[name, id]] : [];
}

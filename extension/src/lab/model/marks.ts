import type { Mark } from "../../dashboard/contract";

/** A stretch of a cell's text that is wrong. */
export interface Stretch {
  from: number;
  to: number;
  text: string;
  next: string;
}

/**
 * Where marks stand in a text, in order. What lies outside of it, because it was edited since, is moved to its edge or
 * left out.
 *
 * @param marks - Of one cell.
 * @param lines - Line → where it begins and ends; null where there is no such line.
 */
export function stretchesOf(
  marks: readonly Mark[],
  lines: (line: number) => { from: number; to: number } | null,
): Stretch[] {
  const found = marks.flatMap(({ line, start, end, text, next }) => {
    const at = lines(line);
    if (at === null || at.from === at.to) {
      return [];
    }
    const to = Math.min(at.to, at.from + Math.max(end, start + 1));
    const from = Math.min(at.from + start, to - 1);
    return [{ from, to, text, next }];
  });
  return found.sort((one, other) => one.from - other.from || one.to - other.to);
}

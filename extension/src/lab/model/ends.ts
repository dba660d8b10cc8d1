/** What became of one cell: as the kernel answered, or aborted where it never ran. */
export type End = "ok" | "error" | "aborted";

/** How a cell's execution ended in the notebook: its value, or what it threw. */
export type Settled = { ran: boolean } | { error: unknown };

/**
 * What became of a cell.
 *
 * @param settled - How its execution ended. A kernel that has refused to run it, because one before it failed, names
 *   no error.
 */
export function endOf(settled: Settled): End {
  if ("ran" in settled) {
    return settled.ran ? "ok" : "aborted";
  }
  const { error } = settled;
  const isNamed = typeof error === "object" && error !== null && "errorName" in error && Boolean(error.errorName);
  return isNamed ? "error" : "aborted";
}

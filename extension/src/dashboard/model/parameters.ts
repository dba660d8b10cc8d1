import type { ParameterCell } from "../contract";

/** What is wrong with a text typed for a parameter, told at once; empty where nothing can be seen from here. */
export function typedError(cell: ParameterCell, text: string): string {
  const typed = text.trim();
  if (cell.optional === true && typed === "None") {
    return "";
  }
  if (cell.choices !== null) {
    return cell.choices.includes(text) ? "" : `one of ${cell.choices.join(", ")}`;
  }
  switch (cell.type) {
    case "int":
      return /^[+-]?\d[\d_]*$/.test(typed) ? outOfRange(cell, Number(typed.replaceAll("_", ""))) : "a whole number";
    case "float":
      return numberError(cell, typed);
    case "bool":
      return /^(true|false)$/i.test(typed) ? "" : "True or False";
    case "date":
      return isDay(typed) ? "" : "a date such as 2026-11-01";
    case "datetime":
      return Number.isNaN(Date.parse(typed)) ? "a date and time such as 2026-11-01 06:30" : "";
    case "json":
      return jsonError(typed);
    default:
      return "";
  }
}

function numberError(cell: ParameterCell, typed: string): string {
  const isNumber = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(typed);
  if (/^[+-]?(inf|infinity|nan)$/i.test(typed)) {
    return "";
  }
  return isNumber ? outOfRange(cell, Number(typed.replaceAll("_", ""))) : "a number";
}

function outOfRange(cell: ParameterCell, value: number): string {
  const [least, most] = cell.range ?? [null, null];
  if ((least !== null && value < least) || (most !== null && value > most)) {
    return rangeText(cell);
  }
  return "";
}

/** `from 0 to 1`, `at least 1`; empty without limits. */
export function rangeText(cell: ParameterCell): string {
  const [least, most] = cell.range ?? [null, null];
  if (least !== null && most !== null) {
    return `from ${least} to ${most}`;
  }
  if (least !== null) {
    return `at least ${least}`;
  }
  return most !== null ? `at most ${most}` : "";
}

function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return day !== undefined && date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
}

function jsonError(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return `JSON: ${(error as Error).message}`;
  }
}

/** Name → text typed, where it is another than the present value. */
export type Edits = Readonly<Record<string, string>>;

/** The edits after a key was pressed: what is as it was is no edit. */
export function edited(edits: Edits, cell: ParameterCell, text: string): Edits {
  const { [cell.name]: _, ...rest } = edits;
  return text === cell.value ? rest : { ...rest, [cell.name]: text };
}

/** The edits that are left when new values have come from the kernel. */
export function stillEdited(edits: Edits, cells: readonly ParameterCell[]): Edits {
  const values = new Map(cells.map((cell) => [cell.name, cell.value]));
  const left = Object.entries(edits).filter(([name, text]) => values.has(name) && values.get(name) !== text);
  return left.length === Object.keys(edits).length ? edits : Object.fromEntries(left);
}

/** The edits that are left when some values were applied. */
export function withoutApplied(edits: Edits, applied: Edits): Edits {
  return Object.fromEntries(Object.entries(edits).filter(([name, text]) => applied[name] !== text));
}

/** The value that runs take though the kernel has another one; null where both are the same. */
export function heldForRuns(cell: ParameterCell): { value: string; by: string } | null {
  return cell.edit && !cell.secret && cell.edit.value !== cell.value ? cell.edit : null;
}

/** Name → what is wrong, as far as it can be seen without the kernel. */
export function typedErrors(edits: Edits, cells: readonly ParameterCell[]): Record<string, string> {
  const found = cells.flatMap((cell) => {
    const text = edits[cell.name];
    const error = text === undefined ? "" : typedError(cell, text);
    return error ? [[cell.name, error]] : [];
  });
  return Object.fromEntries(found) as Record<string, string>;
}

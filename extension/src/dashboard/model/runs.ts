import type { RunRow, RunsQuery, SortColumn, State } from "../contract";

/** All runs, the latest first. */
export const ALL_RUNS: RunsQuery = {
  states: [],
  notebook: "",
  parameter: "",
  tag: "",
  since: null,
  text: "",
  sort: "started_at",
  descending: true,
  page: 1,
  size: 25,
  interactive: false,
};

/** Whether two queries ask for the same. */
export function isSame(one: RunsQuery, other: RunsQuery): boolean {
  const names = Object.keys(ALL_RUNS) as (keyof RunsQuery)[];
  return names.every(
    (name) => JSON.stringify(one[name] ?? ALL_RUNS[name]) === JSON.stringify(other[name] ?? ALL_RUNS[name]),
  );
}

/** The query with other filters, on its first page again. */
export function filtered(query: RunsQuery, change: Partial<RunsQuery>): RunsQuery {
  return { ...query, ...change, page: 1 };
}

/** The query with one state more or less. */
export function toggled(query: RunsQuery, state: State): RunsQuery {
  const states = query.states.includes(state) ? query.states.filter((one) => one !== state) : [...query.states, state];
  return filtered(query, { states });
}

/** The query sorted by a column: the other way round if it is already; names begin at A, numbers at the largest. */
export function sorted(query: RunsQuery, sort: SortColumn): RunsQuery {
  const descending = query.sort === sort ? !query.descending : sort === "started_at" || sort === "seconds";
  return filtered(query, { sort, descending });
}

/** How many filters are set besides the states and the text, which are always seen. */
export function hiddenFilters(query: RunsQuery): number {
  return [query.notebook, query.parameter, query.tag, query.since, query.interactive].filter(Boolean).length;
}

/** Whether anything is filtered. */
export function isFiltered(query: RunsQuery): boolean {
  return hiddenFilters(query) > 0 || query.text !== "" || query.states.length > 0;
}

/** Tags as `name=value`, whichever way they come. */
export function tagsOf(run: RunRow): string[] {
  return Array.isArray(run.tags)
    ? run.tags
    : Object.entries(run.tags).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
}

/** What the chosen runs have in common of a parameter: null where they differ. */
export interface SharedParameter {
  name: string;
  value: string | null;
  values: string[];
}

/** Each parameter of the chosen runs, with its value if all have the same. */
export function sharedParameters(runs: readonly RunRow[]): SharedParameter[] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.parameters)))];
  return names.map((name) => {
    const values = [...new Set(runs.flatMap((run) => (name in run.parameters ? [run.parameters[name] ?? ""] : [])))];
    return { name, value: values.length === 1 ? (values[0] ?? "") : null, values };
  });
}

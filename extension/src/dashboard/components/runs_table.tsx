import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { RunRow, Runs, RunsQuery, SortColumn } from "../contract";
import { useSurroundings } from "../hooks";
import { sorted, tagsOf } from "../model/runs";
import { duration, elapsed, fileName, grouped, plainText } from "../model/wording";
import { Sign } from "./icons";
import { Ago, CountsLine, Pill } from "./pieces";
import { RunDetailPanel } from "./run_detail";

/** The runs of one page; each opens. */
export function RunsTable(props: {
  rows: RunRow[];
  now: number;
  query: RunsQuery;
  setQuery: (query: RunsQuery) => void;
  chosen: ReadonlySet<string>;
  choose: (rows: RunRow[], isChosen: boolean) => void;
}): VNode {
  const { rows, chosen, query, setQuery } = props;
  const [opened, open] = useState<string | null>(null);
  const all = rows.every((row) => chosen.has(row.run_id));
  const some = rows.some((row) => chosen.has(row.run_id));
  const column = (name: SortColumn, title: string): VNode => (
    <SortButton name={name} title={title} query={query} setQuery={setQuery} />
  );
  return (
    <div class="runs-list">
      <div class="run-columns">
        <span class="at-pick">
          <input
            type="checkbox"
            aria-label="Choose all runs of this page"
            checked={all}
            indeterminate={some && !all}
            onChange={() => props.choose(rows, !all)}
          />
        </span>
        <span class="at-notebook">{column("notebook", "Notebook")}</span>
        <span class="at-state">{column("state", "State")}</span>
        <span class="at-started">{column("started_at", "Started")}</span>
        <span class="at-took">{column("seconds", "Took")}</span>
        <span class="at-counts">Steps</span>
        <span class="at-parameters">Parameters</span>
      </div>
      <ul class="rows">
        {rows.map((run) => (
          <RunItem
            key={run.run_id}
            run={run}
            now={props.now}
            chosen={chosen.has(run.run_id)}
            choose={(isChosen) => props.choose([run], isChosen)}
            opened={opened === run.run_id}
            open={(isOpen) => open(isOpen ? run.run_id : null)}
          />
        ))}
      </ul>
    </div>
  );
}

function SortButton(props: {
  name: SortColumn;
  title: string;
  query: RunsQuery;
  setQuery: (query: RunsQuery) => void;
}): VNode {
  const { query } = props;
  const isBy = query.sort === props.name;
  const way = query.descending ? "descending" : "ascending";
  return (
    <button
      type="button"
      class={`sort ${isBy ? "by" : ""}`}
      aria-pressed={isBy}
      aria-label={`Sort by ${props.title.toLowerCase()}${isBy ? `, now ${way}` : ""}`}
      onClick={() => props.setQuery(sorted(query, props.name))}
    >
      {props.title}
      {isBy ? <Sign name={query.descending ? "down" : "up"} /> : null}
    </button>
  );
}

function RunItem(props: {
  run: RunRow;
  now: number;
  chosen: boolean;
  choose: (isChosen: boolean) => void;
  opened: boolean;
  open: (isOpen: boolean) => void;
}): VNode {
  const { run, opened, now } = props;
  const { prefix } = useSurroundings();
  const id = `${prefix}-run-${run.run_id}`;
  return (
    <li
      class={`item tone-${run.state} ${opened ? "opened" : ""} ${props.chosen ? "chosen" : ""}`}
      data-run={run.run_id}
    >
      <div class="run-row">
        <span class="at-pick">
          <input
            type="checkbox"
            aria-label={`Choose run ${run.run_id}`}
            checked={props.chosen}
            onChange={(event) => props.choose(event.currentTarget.checked)}
          />
        </span>
        <button
          type="button"
          class="row-open"
          aria-expanded={opened}
          aria-controls={`${id}-detail`}
          onClick={() => props.open(!opened)}
        >
          <Sign name="chevron" />
          <span class="name" title={run.notebook}>
            {fileName(run.notebook) || "a notebook"}
          </span>
          <span class="run-id soft">{run.run_id}</span>
        </button>
        <span class="at-state">
          <Pill state={run.state} />
        </span>
        <span class="at-started">
          <span class="soft resumed">{run.resumed_at ? "resumed " : ""}</span>
          <Ago at={run.resumed_at ?? run.started_at} now={now} />
        </span>
        <span class="at-took">{tookOf(run, now)}</span>
        <span class="at-counts">
          <CountsLine counts={run.counts} />
        </span>
        <RunParameters run={run} />
        {run.error ? (
          <span class="at-error error-line" title={run.error}>
            {plainText(run.error)}
          </span>
        ) : null}
      </div>
      {opened ? (
        <div class="detail" id={`${id}-detail`}>
          <RunDetailPanel run={run} now={now} />
        </div>
      ) : null}
    </li>
  );
}

function tookOf(run: RunRow, now: number): string {
  if (run.state === "running") {
    return elapsed(now - run.started_at);
  }
  return run.seconds === null ? "" : duration(run.seconds);
}

function RunParameters({ run }: { run: RunRow }): VNode {
  const parameters = Object.entries(run.parameters);
  const spoken = parameters.map(([name, value]) => `${name} = ${value}`).join("\n");
  return (
    <span class="at-parameters" title={spoken}>
      {parameters.map(([name, value]) => (
        <span key={name} class="pair">
          <span class="soft">{name}</span> {value}
        </span>
      ))}
      {tagsOf(run).map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
    </span>
  );
}

/** Which page is shown, and the way to the others. */
export function Pages(props: { runs: Runs; query: RunsQuery; setQuery: (query: RunsQuery) => void }): VNode {
  const { runs, query, setQuery } = props;
  const first = (runs.page - 1) * runs.query.size + 1;
  const last = first + runs.rows.length - 1;
  const go = (page: number): void => setQuery({ ...query, page });
  return (
    <nav class="pages" aria-label="pages of runs">
      <p class="soft">
        {grouped(first)}–{grouped(last)} of <b class="ink">{grouped(runs.total)}</b>
      </p>
      <div class="buttons">
        <button type="button" class="button small" disabled={runs.page <= 1} onClick={() => go(runs.page - 1)}>
          <Sign name="back" />
          Previous
        </button>
        <button type="button" class="button small" disabled={runs.page >= runs.pages} onClick={() => go(runs.page + 1)}>
          Next
          <Sign name="chevron" />
        </button>
      </div>
    </nav>
  );
}

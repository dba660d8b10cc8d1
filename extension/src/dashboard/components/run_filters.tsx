import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Counts, RunsQuery } from "../contract";
import { useSurroundings } from "../hooks";
import { ALL_RUNS, filtered, hiddenFilters, isFiltered, toggled } from "../model/runs";
import { STATES } from "../model/states";
import { grouped } from "../model/wording";
import { Sign, StateIcon } from "./icons";

/** Which runs are listed. */
export function RunFilters(props: {
  query: RunsQuery;
  setQuery: (query: RunsQuery) => void;
  states: Counts;
  busy: boolean;
}): VNode {
  const { query, setQuery } = props;
  const hidden = hiddenFilters(query);
  const [opened, open] = useState(hidden > 0);
  const { prefix } = useSurroundings();
  return (
    <div class="filters" role="search" aria-label="runs" aria-busy={props.busy}>
      <div class="filters-line">
        <label class="search">
          <Sign name="search" />
          <input
            type="search"
            placeholder="Search in errors"
            aria-label="Search in the errors of runs"
            value={query.text}
            onInput={(event) => setQuery(filtered(query, { text: event.currentTarget.value }))}
          />
        </label>
        <button
          type="button"
          class="button"
          aria-expanded={opened}
          aria-controls={`${prefix}-filters`}
          onClick={() => open(!opened)}
        >
          <Sign name="filter" />
          Filters{hidden > 0 ? <span class="number">{hidden}</span> : null}
        </button>
        {isFiltered(query) ? (
          <button
            type="button"
            class="button quiet"
            onClick={() => setQuery({ ...ALL_RUNS, sort: query.sort, descending: query.descending })}
          >
            Clear
          </button>
        ) : null}
      </div>
      {opened ? <MoreFilters query={query} setQuery={setQuery} id={`${prefix}-filters`} /> : null}
      <div class="chips" role="group" aria-label="only runs in these states">
        {STATES.filter((state) => (props.states[state] ?? 0) > 0 || query.states.includes(state)).map((state) => (
          <button
            key={state}
            type="button"
            class={`chip tone-${state}`}
            aria-pressed={query.states.includes(state)}
            onClick={() => setQuery(toggled(query, state))}
          >
            <StateIcon state={state} />
            <b>{grouped(props.states[state] ?? 0)}</b> {state}
          </button>
        ))}
      </div>
    </div>
  );
}

const SINCE = [
  ["any time", 0],
  ["the last hour", 3600],
  ["the last 24 hours", 86400],
  ["the last 7 days", 7 * 86400],
  ["the last 30 days", 30 * 86400],
] as const;

function MoreFilters(props: { query: RunsQuery; setQuery: (query: RunsQuery) => void; id: string }): VNode {
  const { query, setQuery } = props;
  const { clock } = useSurroundings();
  const [span, setSpan] = useState(() => nearest(query.since, clock.now()));
  const field = (name: "notebook" | "parameter" | "tag", title: string, example: string): VNode => (
    <label class="labelled">
      <span>{title}</span>
      <input
        class="input"
        value={query[name]}
        placeholder={example}
        onInput={(event) => setQuery(filtered(query, { [name]: event.currentTarget.value }))}
      />
    </label>
  );
  return (
    <div class="more-filters" id={props.id}>
      {field("notebook", "Notebook", "flights.ipynb")}
      {field("parameter", "Parameter", "day=2026-11-01")}
      {field("tag", "Tag", "team=ops")}
      <label class="labelled">
        <span>Started</span>
        <select
          class="input"
          value={String(span)}
          onChange={(event) => {
            const seconds = Number(event.currentTarget.value);
            setSpan(seconds);
            setQuery(filtered(query, { since: seconds === 0 ? null : Math.floor(clock.now() - seconds) }));
          }}
        >
          {SINCE.map(([title, seconds]) => (
            <option key={seconds} value={String(seconds)}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label class="checked">
        <input
          type="checkbox"
          checked={query.interactive === true}
          onChange={(event) => setQuery(filtered(query, { interactive: event.currentTarget.checked }))}
        />
        Also notebooks' own kernels
      </label>
    </div>
  );
}

/** The span that a time in a query was made of, which may have been a while ago. */
function nearest(since: number | null, now: number): number {
  if (since === null) {
    return 0;
  }
  return SINCE.find(([, seconds]) => seconds > 0 && now - since < seconds * 1.5)?.[1] ?? 30 * 86400;
}

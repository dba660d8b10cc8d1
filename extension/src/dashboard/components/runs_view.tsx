import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { RunRow, Runs, RunsQuery } from "../contract";
import { useAsk, useNow, useSettled, useSurroundings, useTrait } from "../hooks";
import { ALL_RUNS, filtered, isFiltered, isSame } from "../model/runs";
import { plural } from "../model/wording";
import { ComparisonPanel } from "./comparison";
import { JobsList } from "./jobs";
import { Awaiting, Empty, ProblemStrip } from "./pieces";
import { ResumePanel } from "./resume";
import { RunFilters } from "./run_filters";
import { Pages, RunsTable } from "./runs_table";

/** Run → its row, as it was when it was chosen: it may be on another page by now. */
type Chosen = ReadonlyMap<string, RunRow>;
type Doing = "look" | "compare" | "resume";

/** All batch runs of the store. */
export function RunsView({ runs }: { runs: Runs | null }): VNode {
  const { connection } = useSurroundings();
  const jobs = useTrait("jobs", connection);
  const [query, setQuery] = useState<RunsQuery>(runs?.query ?? ALL_RUNS);
  const [chosen, setChosen] = useState<Chosen>(new Map());
  const [doing, setDoing] = useState<Doing>("look");
  const settled = useSettled(query, 250);
  const isKept = runs !== null && isSame(runs.query, settled);
  const asked = useAsk<Runs>(isKept ? null : "runs", { query: settled });
  const [last, keep] = useState<Runs | null>(runs);
  const shown = isKept ? runs : (asked.answer ?? last);
  if (shown !== last) {
    keep(shown);
  }
  const clear = (): void => {
    setChosen(new Map());
    setDoing("look");
  };
  const begun = (): void => {
    clear();
    // What goes on now has another state than the one it was looked for by.
    setQuery(filtered(query, { states: [] }));
  };
  const picked = [...chosen.values()];
  return (
    <div class="runs">
      {jobs !== null && jobs.length > 0 ? <JobsList jobs={jobs} /> : null}
      <RunFilters query={query} setQuery={setQuery} states={shown?.states ?? {}} busy={asked.busy} />
      {asked.problem === null ? null : <ProblemStrip problem={asked.problem} />}
      {doing === "compare" && picked.length === 2 ? (
        <ComparisonPanel left={older(picked).run_id} right={newer(picked).run_id} close={() => setDoing("look")} />
      ) : null}
      {doing === "resume" && picked.length > 0 ? (
        <ResumePanel runs={picked} close={() => setDoing("look")} done={begun} />
      ) : null}
      {shown === null ? (
        asked.problem === null ? (
          <Awaiting slow={asked.slow} />
        ) : null
      ) : shown.rows.length === 0 ? (
        <NoRuns query={query} clear={() => setQuery(ALL_RUNS)} />
      ) : (
        <FoundRuns runs={shown} query={query} setQuery={setQuery} chosen={chosen} choose={setChosen} />
      )}
      {picked.length > 0 && doing === "look" ? (
        <ChosenBar runs={picked} clear={clear} compare={() => setDoing("compare")} resume={() => setDoing("resume")} />
      ) : null}
    </div>
  );
}

function older(runs: RunRow[]): RunRow {
  return runs.reduce((one, other) => (other.started_at < one.started_at ? other : one));
}

function newer(runs: RunRow[]): RunRow {
  return runs.reduce((one, other) => (other.started_at >= one.started_at ? other : one));
}

function FoundRuns(props: {
  runs: Runs;
  query: RunsQuery;
  setQuery: (query: RunsQuery) => void;
  chosen: Chosen;
  choose: (chosen: Chosen) => void;
}): VNode {
  const { clock } = useSurroundings();
  const { runs, chosen } = props;
  const now = useNow(
    clock,
    runs.rows.some((run) => run.state === "running"),
  );
  const choose = (rows: RunRow[], isChosen: boolean): void => {
    const next = new Map(chosen);
    rows.forEach((row) => (isChosen ? next.set(row.run_id, row) : next.delete(row.run_id)));
    props.choose(next);
  };
  return (
    <>
      <RunsTable
        rows={runs.rows}
        now={now}
        query={props.query}
        setQuery={props.setQuery}
        chosen={new Set(chosen.keys())}
        choose={choose}
      />
      <Pages runs={runs} query={props.query} setQuery={props.setQuery} />
    </>
  );
}

function NoRuns({ query, clear }: { query: RunsQuery; clear: () => void }): VNode {
  if (isFiltered(query)) {
    return (
      <Empty title="No run is like that">
        <button type="button" class="button" onClick={clear}>
          Show all runs
        </button>
      </Empty>
    );
  }
  return (
    <Empty title="No batch runs yet">
      <p>
        Run a notebook with <code>durable-nb run notebook.ipynb</code>, and it is listed here.
      </p>
    </Empty>
  );
}

/** What can be done with the chosen runs. */
function ChosenBar(props: { runs: RunRow[]; clear: () => void; compare: () => void; resume: () => void }): VNode {
  const { runs } = props;
  const running = runs.filter((run) => run.state === "running").length;
  const whyNot = running === 0 ? "" : `${plural(running, "chosen run")} ${running === 1 ? "is" : "are"} still running`;
  return (
    <div class="chosen-bar" role="group" aria-label="with the chosen runs">
      <p>
        <b>{runs.length}</b> chosen
      </p>
      <div class="buttons">
        <button type="button" class="button quiet" onClick={props.clear}>
          Clear
        </button>
        <button
          type="button"
          class="button"
          disabled={runs.length !== 2}
          title={runs.length === 2 ? undefined : "Choose two runs to compare"}
          onClick={props.compare}
        >
          Compare
        </button>
        <button
          type="button"
          class="button main"
          disabled={whyNot !== ""}
          title={whyNot || undefined}
          onClick={props.resume}
        >
          Resume…
        </button>
      </div>
    </div>
  );
}

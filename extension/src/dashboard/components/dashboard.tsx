import { render, type VNode } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { problemOf, type Connection } from "../connection";
import type { Done, Panel, Problem, ViewName } from "../contract";
import { PanelContext, useAttention, useSurroundings, useTrait } from "../hooks";
import { Clock } from "../model/clock";
import { fileName } from "../model/wording";
import { PlaceContext, usePlace, type Place, type Wanted } from "../place";
import { Sign, StateIcon } from "./icons";
import { ParametersView } from "./parameters_view";
import { Awaiting, ProblemStrip } from "./pieces";
import { RunsView } from "./runs_view";
import { StepsView } from "./steps_view";
import { Tabs } from "./tabs";
import { Toast } from "./toast";

const NOWHERE: Place = {};
let panels = 0;
let acted = 0;

/** Show the panel in an element; gives what takes it away again. */
export function mount(root: HTMLElement, connection: Connection): () => void {
  render(<Dashboard connection={connection} />, root);
  return () => render(null, root);
}

/** The whole panel. What its place can do may change; its connection stays the same. */
export function Dashboard({ connection, place = NOWHERE }: { connection: Connection; place?: Place }): VNode {
  const [said, setSaid] = useState<{ done: Done; number: number } | null>(null);
  const say = useCallback((done: Done) => setSaid({ done, number: ++acted }), []);
  const hush = useCallback(() => setSaid(null), []);
  const clock = useClock(connection);
  const prefix = useMemo(() => `durable-nb-${++panels}`, []);
  const acts = useActs(said);
  const surroundings = useMemo(
    () => ({ connection, clock, say, acts, prefix }),
    [connection, clock, say, acts, prefix],
  );
  const panel = useTrait("panel", connection);
  const section = useRef<HTMLElement>(null);
  useAttention(connection, section);
  return (
    <PanelContext.Provider value={surroundings}>
      <PlaceContext.Provider value={place}>
        <section class="panel" aria-label="durable_nb dashboard" ref={section}>
          {panel === null ? <Awaiting slow={false} /> : <Views panel={panel} connection={connection} />}
          {said === null ? null : <Toast key={said.number} done={said.done} close={hush} />}
        </section>
      </PlaceContext.Provider>
    </PanelContext.Provider>
  );
}

/** How many things were said to be done, those whose message is closed included. */
function useActs(said: { number: number } | null): number {
  const acts = useRef(0);
  acts.current = said?.number ?? acts.current;
  return acts.current;
}

function useClock(connection: Connection): Clock {
  const clock = useMemo(() => new Clock(), []);
  useMemo(() => {
    const kept = connection.get("steps");
    if (kept !== null) {
      clock.heard(kept.at, false);
    }
  }, [clock, connection]);
  useEffect(
    () => connection.on("steps", () => clock.heard(connection.get("steps")?.at ?? 0, true)),
    [clock, connection],
  );
  return clock;
}

/** What the panel shows; elsewhere than in a notebook's kernel, which notebook that is to be. */
function Title({ panel, name }: { panel: Panel; name: string }): VNode {
  const { connection, say } = useSurroundings();
  const notebooks = panel.notebooks ?? [];
  if (panel.here || notebooks.length < 2) {
    return (
      <>
        <h2 title={panel.notebook || panel.store}>{name}</h2>
        {panel.busy === true ? (
          <span class="busy soft">
            <StateIcon state="running" />a cell runs
          </span>
        ) : null}
      </>
    );
  }
  const choose = (path: string): void => {
    connection.ask("notebook", { path }).catch((error: unknown) => say({ text: problemOf(error).text, undo: null }));
  };
  return (
    <h2>
      <select
        class="input"
        aria-label="Notebook"
        value={panel.notebook}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {[...new Set([panel.notebook, ...notebooks])].filter(Boolean).map((path) => (
          <option key={path} value={path}>
            {fileName(path)}
          </option>
        ))}
      </select>
    </h2>
  );
}

/** The way to more room, where the panel's place has some. */
function OpenWide(): VNode | null {
  const { openWide } = usePlace();
  return openWide === undefined ? null : (
    <button
      type="button"
      class="plain open-wide"
      title="Open the dashboard"
      aria-label="Open dashboard"
      onClick={openWide}
    >
      <Sign name="wide" />
    </button>
  );
}

/** What keeps the panel from showing the present; a look at it again. */
function PanelProblem({ problem }: { problem: Problem }): VNode {
  const { connection, say } = useSurroundings();
  const [busy, setBusy] = useState(false);
  const look = (): void => {
    setBusy(true);
    connection
      .ask("refresh")
      .catch((error: unknown) => say({ text: problemOf(error).text, undo: null }))
      .finally(() => setBusy(false));
  };
  return (
    <ProblemStrip problem={problem}>
      <button type="button" class="button small" disabled={busy} onClick={look}>
        {busy ? "Looking…" : "Look again"}
      </button>
    </ProblemStrip>
  );
}

function Views({ panel, connection }: { panel: Panel; connection: Connection }): VNode {
  const [chosen, choose] = useState<ViewName | null>(null);
  const view = chosen !== null && panel.views.includes(chosen) ? chosen : (panel.views[0] ?? "runs");
  const steps = useTrait("steps", connection);
  const parameters = useTrait("parameters", connection);
  const runs = useTrait("runs", connection);
  const numbers: Record<ViewName, number | undefined> = {
    steps: steps?.rows.length,
    parameters: parameters?.cells.length,
    runs: runs === null ? undefined : Object.values(runs.states).reduce((sum, count) => sum + count, 0),
  };
  const words: Record<ViewName, string> = { steps: "Steps", parameters: "Parameters", runs: "Runs" };
  const name = panel.title || fileName(panel.notebook) || "Runs";
  const { wanted } = usePlace();
  const [due, setDue] = useState<Wanted | null>(null);
  useEffect(() => {
    if (wanted) {
      choose("steps");
      setDue(wanted);
    }
  }, [wanted?.number]);
  const met = useCallback(() => setDue(null), []);
  return (
    <>
      <header class="head">
        <div class="title">
          <Title panel={panel} name={name} />
        </div>
        <OpenWide />
        <Tabs
          label="views"
          chosen={view}
          choose={choose}
          tabs={panel.views.map((one) => ({ name: one, title: words[one], number: numbers[one] }))}
        />
      </header>
      {panel.problem === null ? null : <PanelProblem problem={panel.problem} />}
      <Tabs.Page name={view} label="views">
        {view === "steps" ? <StepsView steps={steps} here={panel.here} due={due} met={met} /> : null}
        {view === "parameters" ? <ParametersView parameters={parameters} here={panel.here} /> : null}
        {view === "runs" ? <RunsView runs={runs} /> : null}
      </Tabs.Page>
      <footer class="foot">
        <span class="path" title={panel.store}>
          {panel.store}
        </span>
        <span>{panel.user}</span>
        <span>durable_nb {panel.version}</span>
      </footer>
    </>
  );
}

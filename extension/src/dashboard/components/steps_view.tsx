import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { State, StepRow, Steps } from "../contract";
import { useNow, useSurroundings } from "../hooks";
import { counted } from "../model/states";
import { isStale } from "../model/steps";
import { scaleOf } from "../model/timeline";
import { plural } from "../model/wording";
import { usePlace, type Wanted } from "../place";
import { Confirm } from "./confirm";
import { Graph } from "./graph";
import { Sign, StateIcon } from "./icons";
import { Awaiting, Empty } from "./pieces";
import { RUN_STALE, RunStale } from "./run_stale";
import { StepItem } from "./step_item";

const WIDEST_BESIDE = 480;
/** A drawing that is wider than this stands above the table, where there is room for it. */
const MANY = 12;
/** From this number of steps on, one looks for a step by its name. */

interface Sought {
  /** A step that is to be shown. */
  due: Wanted | null;
  /** It is shown. */
  met: () => void;
}

/** The steps of this notebook. */
export function StepsView({ steps, here, due, met }: { steps: Steps | null; here: boolean } & Sought): VNode {
  const { makeStep } = usePlace();
  if (steps === null) {
    return <Awaiting slow={false} />;
  }
  if (steps.rows.length === 0) {
    return (
      <Empty title="No steps yet">
        <p>
          Write <code>%%step name</code> above a slow cell and run it. Its results are kept, and come back when the
          notebook runs again.
        </p>
        {makeStep === undefined ? null : (
          <button type="button" class="button" onClick={makeStep}>
            Make this cell a step
          </button>
        )}
      </Empty>
    );
  }
  return <StepsTable steps={steps} here={here} due={due} met={met} />;
}

interface Look {
  text: string;
  states: ReadonlySet<State>;
  stale: boolean;
}

const EVERYTHING: Look = { text: "", states: new Set(), stale: false };

function shownBy(look: Look): (row: StepRow) => boolean {
  const text = look.text.trim().toLowerCase();
  return (row) =>
    row.step.toLowerCase().includes(text) &&
    (look.states.size === 0 || look.states.has(row.state)) &&
    (!look.stale || isStale(row));
}

/** Step → the wish by which it was opened, where there was one. */
type Opened = ReadonlyMap<string, Wanted | null>;

function StepsTable({ steps, here, due, met }: { steps: Steps; here: boolean } & Sought): VNode {
  const { clock, prefix } = useSurroundings();
  const { current, reveal } = usePlace();
  const [opened, setOpened] = useState<Opened>(new Map());
  const [look, setLook] = useState(EVERYTHING);
  const [drawn, setDrawn] = useState(false);
  const [asking, ask] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const running = steps.rows.some((row) => row.state === "running");
  const now = useNow(clock, running);
  const scale = useMemo(
    () =>
      scaleOf(
        steps.rows.map((row) => row.timeline),
        now,
      ),
    [steps, now],
  );
  const rows = steps.rows.filter(shownBy(look));
  const open = (step: string, isOpen: boolean, wanted: Wanted | null = null): void =>
    setOpened((was) => new Map([...was, [step, wanted] as const].filter(([one]) => isOpen || one !== step)));
  const rowOf = (step: string): HTMLElement | null =>
    list.current?.querySelector<HTMLElement>(`[data-position="${positionOf(steps, step)}"] > .row`) ?? null;
  const show = (step: string, wanted: Wanted | null = null): void => {
    setLook(EVERYTHING);
    open(step, true, wanted);
    requestAnimationFrame(() => {
      const row = rowOf(step);
      row?.scrollIntoView({ block: "nearest" });
      row?.querySelector("button")?.focus({ preventScroll: true });
    });
  };
  const select = (step: string): void => {
    show(step);
    reveal?.(step);
  };
  useEffect(() => {
    if (due !== null) {
      show(due.step, due);
      met();
    }
  }, [due]);
  useEffect(() => {
    if (current) {
      rowOf(current)?.scrollIntoView({ block: "nearest" });
    }
  }, [current]);
  const hasGraph = (steps.graph?.nodes.length ?? 0) > 1;
  const isNarrow = (steps.graph?.width ?? 0) <= WIDEST_BESIDE;
  return (
    <div class={`steps ${hasGraph && isNarrow ? "with-graph" : ""} ${drawn ? "drawn" : ""}`}>
      <div class="steps-head">
        <Totals steps={steps} look={look} setLook={setLook} />
        <div class="steps-tools">
          {here ? <RunStale steps={steps} asking={asking} ask={() => ask(true)} /> : null}
          {steps.rows.length > MANY ? (
            <label class="search">
              <Sign name="search" />
              <input
                type="search"
                placeholder="Find a step"
                aria-label="Find a step by its name"
                value={look.text}
                onInput={(event) => setLook({ ...look, text: event.currentTarget.value })}
              />
            </label>
          ) : null}
          {hasGraph ? (
            <button type="button" class="button graph-button" aria-pressed={drawn} onClick={() => setDrawn(!drawn)}>
              <Sign name="graph" />
              Graph
            </button>
          ) : null}
        </div>
      </div>
      {asking ? <Confirm step="" wish={RUN_STALE} close={() => ask(false)} /> : null}
      <div class="steps-body">
        <div class="steps-list">
          <div class="columns" aria-hidden="true">
            <span class="at-name">Step</span>
            <span class="at-state">State</span>
            <span class="at-time">Timeline</span>
            <span class="at-took">Took</span>
            <span class="at-tries">Attempts</span>
            <span class="at-saved">Saved</span>
            <span class="at-size">Size</span>
          </div>
          <ul class="rows" ref={list} id={`${prefix}-steps`}>
            {rows.map((row) => (
              <StepItem
                key={row.step}
                row={row}
                here={here}
                now={now}
                scale={scale}
                opened={opened.has(row.step)}
                wanted={opened.get(row.step) ?? null}
                open={open}
                select={select}
              />
            ))}
          </ul>
          {rows.length === 0 ? (
            <Empty title="No step is like that">
              <button type="button" class="button" onClick={() => setLook(EVERYTHING)}>
                Show all {steps.rows.length}
              </button>
            </Empty>
          ) : null}
        </div>
        {hasGraph && steps.graph !== null ? (
          <aside class="graph-side" aria-label="Graph of the steps">
            <Graph graph={steps.graph} chosen={new Set(opened.keys())} select={select} />
          </aside>
        ) : null}
      </div>
    </div>
  );
}

function positionOf(steps: Steps, step: string): number {
  return steps.rows.find((row) => row.step === step)?.position ?? -1;
}

/** How many steps are how, each a filter; and what running the notebook would do. */
function Totals(props: { steps: Steps; look: Look; setLook: (look: Look) => void }): VNode {
  const { steps, look, setLook } = props;
  const stale = steps.rows.filter(isStale).length;
  const toggle = (state: State): void => {
    const states = new Set(look.states);
    if (!states.delete(state)) {
      states.add(state);
    }
    setLook({ ...look, states });
  };
  return (
    <div class="totals">
      <div class="chips" role="group" aria-label={`${plural(steps.rows.length, "step")} by state`}>
        {counted(steps.totals.counts).map(([state, count]) => (
          <button
            key={state}
            type="button"
            class={`chip tone-${state}`}
            aria-pressed={look.states.has(state)}
            onClick={() => toggle(state)}
          >
            <StateIcon state={state} />
            <b>{count}</b> {state}
          </button>
        ))}
        {stale > 0 ? (
          <button
            type="button"
            class="chip tone-stale"
            aria-pressed={look.stale}
            onClick={() => setLook({ ...look, stale: !look.stale })}
          >
            <b>{stale}</b> stale
          </button>
        ) : null}
      </div>
      {steps.totals.would ? (
        <p class="would soft">
          Running the notebook now <span class="ink">{steps.totals.would}</span>
          {steps.note ? `\u00a0· ${steps.note}` : null}
        </p>
      ) : null}
    </div>
  );
}

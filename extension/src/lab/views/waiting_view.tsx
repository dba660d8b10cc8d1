import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Sign } from "../../dashboard/components/icons";
import { Awaiting, Empty, ProblemStrip } from "../../dashboard/components/pieces";
import { problemOf } from "../../dashboard/connection";
import type { Problem } from "../../dashboard/contract";
import type { SavedStep } from "../model/saved";
import type { Standing } from "../model/standing";
import { SavedList } from "./saved_list";

/** What can be done about a notebook whose kernel tells nothing of its steps. */
export interface Remedies {
  load: () => Promise<void>;
  insertLoader: () => void;
  chooseKernel: (() => void) | null;
  reveal: (cell: string) => void;
}

export interface WaitingProps {
  name: string;
  standing: Exclude<Standing, "live">;
  saved: readonly SavedStep[];
  /** Whether a cell of the notebook loads durable_nb. */
  loadsItself: boolean;
  current: string;
  remedies: Remedies;
}

/** A notebook as long as its kernel tells nothing of its steps: why not, what to do, and what was saved with it. */
export function WaitingView(props: WaitingProps): VNode {
  const { name, saved, current, remedies } = props;
  return (
    <section class="panel" aria-label="durable_nb steps">
      <header class="head">
        <div class="title">
          <h2 title={name}>{name}</h2>
        </div>
      </header>
      <div class="page">
        <div class="waiting">
          <Words {...props} />
          {saved.length > 0 ? (
            <section class="saved">
              <h3 class="soft">As saved with the notebook</h3>
              <SavedList steps={saved} current={current} reveal={remedies.reveal} />
            </section>
          ) : null}
        </div>
      </div>
    </section>
  );
}

/** No notebook is open. */
export function NoNotebook(): VNode {
  return (
    <section class="panel" aria-label="durable_nb steps">
      <Empty title="No notebook is open">
        <p>Open one, and its steps are listed here.</p>
      </Empty>
    </section>
  );
}

function Words(props: WaitingProps): VNode {
  const { standing, saved, remedies } = props;
  switch (standing) {
    case "no kernel":
      return (
        <Notice title="No kernel">
          <p>{saved.length > 0 ? "Nothing runs here. With a kernel, steps that are up to date come back." : NOTHING}</p>
          {remedies.chooseKernel === null ? null : (
            <button type="button" class="button" onClick={remedies.chooseKernel}>
              Choose a kernel
            </button>
          )}
        </Notice>
      );
    case "connecting":
      return <Connecting />;
    case "silent":
      return (
        <Notice title="A cell runs">
          <p>The kernel tells of its steps as soon as it answers.</p>
        </Notice>
      );
    case "other language":
      return (
        <Notice title="Not a Python notebook">
          <p>durable_nb keeps the results of Python cells.</p>
        </Notice>
      );
    case "absent":
      return <Absent {...props} />;
  }
}

const NOTHING = "Mark a slow cell with %%step name: its results are kept, and come back when the notebook runs again.";

function Connecting(): VNode {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 2500);
    return () => clearTimeout(timer);
  }, []);
  return <Awaiting slow={slow} />;
}

function Absent({ saved, loadsItself, remedies }: WaitingProps): VNode {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = (): void => {
    setBusy(true);
    setProblem(null);
    remedies
      .load()
      .catch((error: unknown) => setProblem(problemOf(error)))
      .finally(() => setBusy(false));
  };
  return (
    <Notice title="durable_nb is not loaded in this kernel">
      <p>{saved.length > 0 ? "Once it is, steps that are up to date come back without running." : NOTHING}</p>
      <button type="button" class="button main" disabled={busy} onClick={load}>
        <Sign name="play" />
        {busy ? "Loading…" : "Load it in this kernel"}
      </button>
      {problem === null ? null : <ProblemStrip problem={problem} />}
      {loadsItself ? (
        <p class="soft">A cell of this notebook loads it too: to run that cell does the same.</p>
      ) : (
        <>
          <p class="soft">
            This kernel alone then has it. For each one to have it, the notebook says <code>%load_ext durable_nb</code>{" "}
            in its first cell.
          </p>
          <button type="button" class="link" onClick={remedies.insertLoader}>
            Insert a cell that loads it
          </button>
        </>
      )}
    </Notice>
  );
}

function Notice({ title, children }: { title: string; children: ComponentChildren }): VNode {
  return (
    <div class="notice" role="status">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

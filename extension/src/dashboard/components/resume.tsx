import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { problemOf } from "../connection";
import type { Done, Foretold, Problem, RunRow } from "../contract";
import { comeTo, useAsk, useSettled, useSurroundings } from "../hooks";
import { sharedParameters } from "../model/runs";
import { fileName, plural } from "../model/wording";
import { Sign } from "./icons";
import { Awaiting, ProblemStrip } from "./pieces";
import { ResumeParameters } from "./resume_parameters";

/** Go on with runs that did not finish: as they were, with another parameter, or with a fixed notebook. */
export function ResumePanel(props: { runs: RunRow[]; close: () => void; done: () => void }): VNode {
  const { runs } = props;
  const { connection, say } = useSurroundings();
  const shared = useMemo(() => sharedParameters(runs), [runs]);
  const [parameters, setParameters] = useState<Record<string, string>>({});
  const [notebook, setNotebook] = useState("");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  const request = { run_ids: runs.map((run) => run.run_id), parameters, notebook: notebook.trim(), set: {} };
  const asked = JSON.stringify(request);
  const settled = useSettled(asked, 350);
  const foretold = useAsk<Foretold>("foretell_resume", JSON.parse(settled) as object);
  const card = useRef<HTMLFormElement>(null);
  useEffect(() => comeTo(card.current), []);
  const resume = (): void => {
    setBusy(true);
    setRefused(null);
    connection.ask<Done>("resume", request).then(
      (done) => {
        say({ text: done.text ?? `Resuming ${plural(runs.length, "run")}`, undo: null });
        props.done();
      },
      (error: unknown) => {
        setBusy(false);
        setRefused(problemOf(error));
      },
    );
  };
  const problem = refused ?? foretold.problem ?? foretold.answer?.problem ?? null;
  return (
    <form
      class="card resume"
      aria-label="Resume runs"
      tabIndex={-1}
      ref={card}
      onSubmit={(event) => {
        event.preventDefault();
        resume();
      }}
      onKeyDown={(event) => event.key === "Escape" && props.close()}
    >
      <header class="card-head">
        <h3>Resume {runs.length === 1 ? fileName(runs[0]?.notebook ?? "") || "a run" : plural(runs.length, "run")}</h3>
        <button type="button" class="plain" aria-label="Close" onClick={props.close}>
          <Sign name="close" />
        </button>
      </header>
      <p class="soft">What is done stays done. Change what has to be another this time, or nothing.</p>
      <div class="fields">
        <ResumeParameters shared={shared} typed={parameters} type={setParameters} />
        <label class="labelled wide">
          <span>Fixed notebook</span>
          <input
            class="input mono"
            value={notebook}
            placeholder="the same notebook; or the path of a fixed one"
            spellcheck={false}
            onInput={(event) => setNotebook(event.currentTarget.value)}
          />
        </label>
      </div>
      <div class="apply">
        <div class="effect" aria-live="polite">
          {foretold.answer?.text ? <p class="lines">{foretold.answer.text}</p> : null}
          {foretold.busy && foretold.answer === null ? <Awaiting slow={foretold.slow} /> : null}
          {problem === null ? null : <ProblemStrip problem={problem} />}
        </div>
        <div class="buttons">
          <button type="button" class="button" onClick={props.close}>
            Not now
          </button>
          <button
            type="submit"
            class="button main"
            disabled={busy || settled !== asked || (problem !== null && refused === null)}
          >
            {busy ? "Starting…" : "Resume"}
          </button>
        </div>
      </div>
    </form>
  );
}

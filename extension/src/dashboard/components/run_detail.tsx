import type { VNode } from "preact";
import type { RunDetail, RunRow, RunStep } from "../contract";
import { useAsk } from "../hooks";
import { tagsOf } from "../model/runs";
import { duration, moment, plainText } from "../model/wording";
import { Block } from "./detail_pages";
import { Answered, Empty, Fold, Pill } from "./pieces";

/** All about one run. */
export function RunDetailPanel({ run, now }: { run: RunRow; now: number }): VNode {
  const beat = run.state === "running" ? Math.floor(now / 2) : run.finished_at;
  const asked = useAsk<RunDetail>("run", { run_id: run.run_id }, beat);
  return <Answered asked={asked}>{(detail) => <RunFacts run={detail} />}</Answered>;
}

function RunFacts({ run }: { run: RunDetail }): VNode {
  const isToldByStep = run.steps.some((step) => step.error);
  return (
    <>
      {isToldByStep || !run.error ? null : <p class="error-line">{plainText(run.error)}</p>}
      {run.steps.length === 0 ? <Empty title="It has come to no step" /> : <RunSteps steps={run.steps} />}
      <dl class="facts">
        <Fact name="Run" value={run.run_id} code />
        <Fact name="Started" value={moment(run.started_at)} />
        <Fact name="Ended" value={run.finished_at === null ? "not yet" : moment(run.finished_at)} />
        <Fact name="By" value={run.user ? `${run.user}${run.host ? ` on ${run.host}` : ""}` : ""} />
        <Fact name="Notebook" value={run.notebook} code />
        <Fact name="Output" value={run.output} code />
        <Fact name="Resumed" value={run.resumed_at ? moment(run.resumed_at) : ""} />
        <Fact name="Parent run" value={run.parent_run_id ?? ""} code />
        <Fact name="Git commit" value={run.git_commit ?? ""} code />
        <Fact name="Tags" value={tagsOf(run).join(", ")} />
        <Fact name="Parameters" value={named(effective(run))} code />
        <Fact name="Options" value={named(run.options ?? {})} />
        <Fact name="Versions" value={named(run.versions ?? {})} />
        <Fact name="Report" value={run.report ?? ""} code />
      </dl>
      {run.traceback ? (
        <Fold title="traceback">
          <Block text={run.traceback} kind="traceback" />
        </Fold>
      ) : null}
    </>
  );
}

function effective(run: RunDetail): Record<string, string> {
  const known = Object.entries(run.effective ?? {}).map(([name, { value }]) => [name, value]);
  return known.length > 0 ? (Object.fromEntries(known) as Record<string, string>) : run.parameters;
}

function named(values: Record<string, unknown>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== null && value !== "" && value !== false)
    .map(([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

function Fact({ name, value, code }: { name: string; value: string; code?: boolean }): VNode | null {
  if (!value) {
    return null;
  }
  return (
    <div>
      <dt>{name}</dt>
      <dd>{code ? <code>{value}</code> : value}</dd>
    </div>
  );
}

function RunSteps({ steps }: { steps: RunStep[] }): VNode {
  return (
    <ul class="run-steps">
      {steps.map((step) => (
        <li key={step.step} class={`tone-${step.state}`}>
          <span class="name" title={step.step}>
            {step.step}
          </span>
          <Pill state={step.state} />
          <span class="soft run-step-took">
            {step.seconds === null ? "" : duration(step.seconds)}
            {(step.attempts ?? 0) > 1 ? `\u00a0· ${step.attempts} attempts` : ""}
          </span>
          {step.error || step.reason ? (
            <span class={step.error ? "error-line" : "soft"}>{plainText(step.error || step.reason || "")}</span>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

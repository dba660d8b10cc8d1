import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ComparedRun, ComparedStep, Comparison } from "../contract";
import { comeTo, useAsk } from "../hooks";
import { duration, fileName, plainText } from "../model/wording";
import { Block, Reasons } from "./detail_pages";
import { Sign } from "./icons";
import { Answered, Pill } from "./pieces";

/** Two runs side by side. */
export function ComparisonPanel(props: { left: string; right: string; close: () => void }): VNode {
  const asked = useAsk<Comparison>("compare", { left: props.left, right: props.right });
  const card = useRef<HTMLElement>(null);
  useEffect(() => comeTo(card.current), []);
  return (
    <section
      class="card"
      aria-label="two runs side by side"
      tabIndex={-1}
      ref={card}
      onKeyDown={(event) => event.key === "Escape" && props.close()}
    >
      <header class="card-head">
        <h3>Two runs side by side</h3>
        <button type="button" class="plain" aria-label="Close the comparison" onClick={props.close}>
          <Sign name="close" />
        </button>
      </header>
      <Answered asked={asked}>{(comparison) => <Compared comparison={comparison} />}</Answered>
    </section>
  );
}

function Compared({ comparison }: { comparison: Comparison }): VNode {
  const same = comparison.steps.filter((step) => step.same);
  const other = comparison.steps.filter((step) => !step.same);
  return (
    <>
      <div class="two">
        <RunHead run={comparison.first} title="First" />
        <RunHead run={comparison.second} title="Second" />
      </div>
      <section class="compared-part">
        <h4>Parameters</h4>
        {comparison.parameters.length === 0 ? <p class="soft">The same.</p> : null}
        <ul class="changes">
          {comparison.parameters.map((change) => (
            <li key={change}>
              <code>{change}</code>
            </li>
          ))}
        </ul>
      </section>
      <section class="compared-part">
        <h4>Steps</h4>
        {other.length === 0 ? <p class="soft">Nothing differs.</p> : null}
        <ul class="compared-steps">
          {other.map((step) => (
            <StepCompared key={step.step} step={step} />
          ))}
        </ul>
        {same.length > 0 ? <p class="soft">The same in both: {same.map((step) => step.step).join(", ")}</p> : null}
      </section>
    </>
  );
}

function RunHead({ run, title }: { run: ComparedRun; title: string }): VNode {
  return (
    <div class="run-head">
      <p class="soft">{title}</p>
      <p class="run-head-name">
        <b title={run.notebook}>{fileName(run.notebook)}</b>
        <Pill state={run.state} />
      </p>
      <p class="soft">
        <code>{run.run_id}</code>
        {run.seconds === null ? "" : `\u00a0· ${duration(run.seconds)}`}
      </p>
    </div>
  );
}

type Side = ComparedStep["first"];

function StepCompared({ step }: { step: ComparedStep }): VNode {
  return (
    <li>
      <div class="compared-head">
        <b class="name">{step.step}</b>
        <SideOf side={step.first} missing="not in the first" />
        <span class="soft" aria-label="then">
          →
        </span>
        <SideOf side={step.second} missing="not in the second" />
        {step.compared && step.outputs.length === 0 ? <span class="soft">the same results</span> : null}
      </div>
      {step.causes.length > 0 ? <Reasons reasons={step.causes} /> : null}
      {step.outputs.map((output) => (
        <div key={output.name} class="compared-output">
          <p>{output.text}</p>
          {output.lines.length > 0 ? <Block text={output.lines.join("\n")} /> : null}
        </div>
      ))}
      {[step.first, step.second].map((side, index) =>
        side?.error ? (
          <p key={index} class="error-line">
            {index === 0 ? "first" : "second"}: {plainText(side.error).split("\n")[0]}
          </p>
        ) : null,
      )}
    </li>
  );
}

function SideOf({ side, missing }: { side: Side; missing: string }): VNode {
  if (side === null) {
    return <span class="soft">{missing}</span>;
  }
  return (
    <span class="side">
      <Pill state={side.state} />
      {side.seconds === null || side.state === "reused" ? null : <span class="soft">{duration(side.seconds)}</span>}
    </span>
  );
}

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Detail, Input, Reason, StepError, StepRow } from "../contract";
import { actionOf } from "../model/steps";
import { plainText, shortened } from "../model/wording";
import { Diff, Empty } from "./pieces";
import type { Wish } from "./step_item";

const LONGEST = 20_000;
/** Characters of one block of text. */

/** Text as it was printed. */
export function Block({ text, kind }: { text: string; kind?: string }): VNode {
  return (
    <pre class={`block ${kind ?? ""}`} tabIndex={0}>
      {shortened(plainText(text), LONGEST)}
    </pre>
  );
}

export function InputsPage({ inputs, select }: { inputs: Input[]; select: (step: string) => void }): VNode {
  if (inputs.length === 0) {
    return <Empty title="It used nothing from outside its cell" />;
  }
  return (
    <ul class="things">
      {inputs.map((input) => (
        <li key={`${input.kind} ${input.name}`} class="thing">
          <code class="thing-name">{input.name}</code>
          <span class="soft thing-kind">{input.kind}</span>
          <span class="thing-about">{input.summary}</span>
          {input.from ? (
            <button type="button" class="link" onClick={() => select(input.from)}>
              from {input.from}
            </button>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

export function ErrorPage({ error }: { error: StepError }): VNode {
  return (
    <>
      <p class="error-line">
        <b>{error.type}</b>
        {error.message ? `: ${plainText(error.message)}` : ""}
      </p>
      {error.traceback ? <Block text={error.traceback} kind="traceback" /> : null}
    </>
  );
}

/** Reasons of the one list, each with what differs in the code. */
export function Reasons({ reasons }: { reasons: readonly Reason[] }): VNode {
  return (
    <ul class="reasons">
      {reasons.map((reason, index) => (
        <li key={index}>
          {reason.text}
          <Diff lines={reason.lines} />
        </li>
      ))}
    </ul>
  );
}

const DECISIONS = {
  reuse: "Up to date: it would be reused.",
  execute: "It would be executed, because",
  depends: "It depends on what comes out of the steps before it:",
};

export function WhyPage({ why, row }: { why: Detail["why"]; row: StepRow }): VNode {
  const isKnown = why.known !== false;
  return (
    <div class="why">
      <section>
        <h4>Now</h4>
        <p class={isKnown && why.decision === "reuse" ? "tone-completed toned" : ""}>
          {isKnown ? DECISIONS[why.decision] : "Not known: its cell is not in the notebook as saved."}
        </p>
        {why.now.length > 0 ? <Reasons reasons={why.now} /> : null}
      </section>
      {why.last.length > 0 ? (
        <section>
          <h4>The last time</h4>
          <p>{row.state === "reused" ? "It was reused:" : "It was executed, because"}</p>
          <Reasons reasons={why.last} />
        </section>
      ) : null}
    </div>
  );
}

/** The cell, and the options that a person may change for this session. */
export function CodePage(props: {
  source: string;
  options: Detail["options"];
  edited: Record<string, unknown>;
  row: StepRow;
  wish: (wish: Wish) => void;
}): VNode {
  const { options } = props;
  const [editing, edit] = useState(false);
  const action = actionOf(props.row, "edit_options");
  const isDefault = (value: unknown): boolean => value === null || value === "" || value === false || value === 0;
  const told = Object.entries(options).filter(([name, value]) => !isDefault(value) && worthTelling(name, options));
  return (
    <>
      {editing && action !== undefined ? (
        <OptionsForm
          options={options}
          close={() => edit(false)}
          submit={(changed) => {
            edit(false);
            props.wish({ action: { ...action, title: "Change" }, args: { options: changed } });
          }}
        />
      ) : (
        <p class="options">
          {told.length === 0 ? <span class="soft">No retries, no timeout</span> : null}
          {told.map(([name, value]) => (
            <span key={name} class="option">
              <span class="soft">{name}</span> {value === true ? "yes" : String(value)}
              {name in props.edited ? <span class="soft"> (set by hand)</span> : null}
            </span>
          ))}
          {action !== undefined ? (
            <button
              type="button"
              class="link"
              aria-disabled={action.why_not !== ""}
              title={action.why_not || undefined}
              onClick={() => action.why_not === "" && edit(true)}
            >
              Change retries and timeout
            </button>
          ) : null}
        </p>
      )}
      {props.source ? <Block text={props.source} kind="code" /> : null}
    </>
  );
}

/** How long to wait between attempts means nothing where there is only one. */
function worthTelling(name: string, options: Detail["options"]): boolean {
  return !name.startsWith("backoff") || Number(options["retries"] ?? 0) > 0;
}

const EDITABLE = [
  ["retries", "Retries", "0"],
  ["backoff", "Backoff", "2 (seconds)"],
  ["timeout", "Timeout", "10m"],
] as const;

function OptionsForm(props: {
  options: Detail["options"];
  submit: (changed: Record<string, string>) => void;
  close: () => void;
}): VNode {
  const was = Object.fromEntries(EDITABLE.map(([name]) => [name, String(props.options[name] ?? "")]));
  const [typed, type] = useState(was);
  const changed = Object.fromEntries(Object.entries(typed).filter(([name, text]) => text !== was[name]));
  return (
    <form
      class="little-form"
      onSubmit={(event) => {
        event.preventDefault();
        props.submit(changed);
      }}
      onKeyDown={(event) => event.key === "Escape" && props.close()}
    >
      {EDITABLE.map(([name, title, example], index) => (
        <label key={name} class="labelled">
          <span>{title}</span>
          <input
            class="input short"
            value={typed[name]}
            placeholder={example}
            autoFocus={index === 0}
            onInput={(event) => type({ ...typed, [name]: event.currentTarget.value })}
          />
        </label>
      ))}
      <div class="buttons">
        <button type="submit" class="button main" disabled={Object.keys(changed).length === 0}>
          Set for this session
        </button>
        <button type="button" class="button" onClick={props.close}>
          Not now
        </button>
      </div>
    </form>
  );
}

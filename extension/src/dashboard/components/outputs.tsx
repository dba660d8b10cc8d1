import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Action, Detail, Output, Preview, StepRow } from "../contract";
import { useAsk } from "../hooks";
import { actionOf } from "../model/steps";
import { plural, size } from "../model/wording";
import { Sign } from "./icons";
import { Ago, Answered, Empty } from "./pieces";
import { PreviewOf } from "./preview";
import type { Wish } from "./step_item";

/** What the step made; each opens to its value. */
export function OutputsPage(props: { detail: Detail; row: StepRow; now: number; wish: (wish: Wish) => void }): VNode {
  const { detail } = props;
  const [opened, open] = useState<string | null>(() => firstWorthSeeing(detail.outputs));
  const shown = detail.shown ?? [];
  const seen = detail.outputs.filter(isSeen);
  const others = detail.outputs.filter((output) => !isSeen(output));
  if (detail.outputs.length === 0 && shown.length === 0) {
    return <Empty title="It has left nothing yet" />;
  }
  return (
    <>
      <ul class="things outputs">
        {seen.map((output) => (
          <OutputItem
            key={output.name}
            {...props}
            output={output}
            opened={opened === output.name}
            open={(isOpen) => open(isOpen ? output.name : null)}
          />
        ))}
      </ul>
      {others.length > 0 ? (
        <p class="soft others">
          Also {others.map((output) => output.name).join(", ")}: imported or defined again whenever the step is reused.
        </p>
      ) : null}
      {shown.length > 0 ? (
        <section class="shown">
          <h4>Shown below the cell</h4>
          {shown.map((piece, index) => (
            <PreviewOf key={index} preview={piece} name={`shown by ${detail.step}`} />
          ))}
        </section>
      ) : null}
    </>
  );
}

function firstWorthSeeing(outputs: Output[]): string | null {
  return outputs.find((output) => isSeen(output) && output.bytes > 0)?.name ?? null;
}

/** Whether it has a value to look at: imports and definitions have none. */
function isSeen(output: Output): boolean {
  return output.kind !== "module" && output.kind !== "definition";
}

interface ItemProps {
  detail: Detail;
  row: StepRow;
  now: number;
  wish: (wish: Wish) => void;
  output: Output;
  opened: boolean;
  open: (isOpen: boolean) => void;
}

function OutputItem(props: ItemProps): VNode {
  const { output, opened, now } = props;
  return (
    <li class={`output ${opened ? "opened" : ""}`}>
      <button type="button" class="output-head" aria-expanded={opened} onClick={() => props.open(!opened)}>
        <Sign name="chevron" />
        <code class="thing-name">{output.name === "_" ? "value of the cell" : output.name}</code>
        <span class="thing-about">
          {output.summary || output.type}
          {output.given === null ? null : (
            <span class="tag" title={`set by ${output.given.by}`}>
              <Sign name="hand" />
              set by {output.given.by}, <Ago at={output.given.at} now={now} />
            </span>
          )}
        </span>
        <span class="thing-size soft">{output.bytes > 0 ? size(output.bytes) : ""}</span>
      </button>
      {opened ? <OpenedOutput {...props} /> : null}
    </li>
  );
}

function OpenedOutput({ detail, row, now, wish, output }: ItemProps): VNode {
  const [trace, look] = useState<string | null>(null);
  const [setting, set] = useState(false);
  const asked = useAsk<Preview>(
    "preview",
    { step: detail.step, output: output.name, ...(trace === null ? {} : { trace_id: trace }) },
    [row.state, row.started_at, output.given?.at, output.summary].join("|"),
  );
  const giving = actionOf(row, "set_output");
  return (
    <div class="output-body">
      <Answered asked={asked}>{(preview) => <PreviewOf preview={preview} name={output.name} />}</Answered>
      <div class="output-tools">
        {giving !== undefined && !setting ? (
          <button
            type="button"
            class="button small"
            aria-disabled={giving.why_not !== ""}
            title={giving.why_not || undefined}
            onClick={() => giving.why_not === "" && set(true)}
          >
            Set by hand
          </button>
        ) : null}
        {output.traces.length > 0 ? (
          <OlderValues output={output} now={now} chosen={trace} look={look} wish={wish} />
        ) : null}
      </div>
      {setting && giving !== undefined ? (
        <SetForm
          name={output.name}
          close={() => set(false)}
          submit={(value) => {
            set(false);
            wish({ action: { ...giving, title: "Set by hand" }, args: { name: output.name, value } });
          }}
        />
      ) : null}
    </div>
  );
}

const RESTORE: Action = { do: "restore_value", title: "Restore", why_not: "" };

/** Values of the same output from other times: looked at, and restored if one is wanted. */
function OlderValues(props: {
  output: Output;
  now: number;
  chosen: string | null;
  look: (trace: string | null) => void;
  wish: (wish: Wish) => void;
}): VNode {
  const { output, chosen } = props;
  return (
    <details class="fold older">
      <summary>
        <Sign name="chevron" />
        {plural(output.traces.length, "older value")}
      </summary>
      <ul class="older-list">
        {output.traces.map((one) => (
          <li key={one.trace_id}>
            <button
              type="button"
              class="link"
              aria-pressed={chosen === one.trace_id}
              onClick={() => props.look(chosen === one.trace_id ? null : one.trace_id)}
            >
              {chosen === one.trace_id ? "Back to the present" : "View"}
            </button>
            <span>{one.summary}</span>
            <span class="soft">
              <Ago at={one.at} now={props.now} />
              {"\u00a0· "}run {one.run_id}
            </span>
            <button
              type="button"
              class="button small"
              onClick={() => props.wish({ action: RESTORE, args: { output: output.name, trace_id: one.trace_id } })}
            >
              Restore
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function SetForm(props: { name: string; submit: (value: string) => void; close: () => void }): VNode {
  const [value, type] = useState("");
  return (
    <form
      class="little-form"
      onSubmit={(event) => {
        event.preventDefault();
        props.submit(value);
      }}
      onKeyDown={(event) => event.key === "Escape" && props.close()}
    >
      <label class="labelled grow">
        <span>
          <code>{props.name}</code> is to be
        </span>
        <input
          class="input mono"
          value={value}
          placeholder="0.5, true, [1, 2], or any text"
          autoFocus
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="button main" disabled={value.trim() === ""}>
          Set by hand
        </button>
        <button type="button" class="button" onClick={props.close}>
          Not now
        </button>
      </div>
    </form>
  );
}

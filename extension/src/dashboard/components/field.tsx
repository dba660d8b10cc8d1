import type { VNode } from "preact";
import type { ParameterCell } from "../contract";
import { useSurroundings } from "../hooks";
import { heldForRuns, rangeText } from "../model/parameters";
import { Sign } from "./icons";

const MOST_LAST = 4;

interface FieldProps {
  cell: ParameterCell;
  text: string;
  changed: boolean;
  error: string;
  type: (text: string) => void;
  /** Takes back what holds for runs; null where that cannot be done now. */
  takeBack: (() => void) | null;
}

/** One parameter: its control, what is wrong with it, and the values it had. */
export function Field(props: FieldProps): VNode {
  const { cell, error } = props;
  const { prefix } = useSurroundings();
  const id = `${prefix}-parameter-${cell.name}`;
  const range = rangeText(cell);
  return (
    <div class={`field ${props.changed ? "changed" : ""} ${error ? "wrong" : ""} ${isWide(cell) ? "wide" : ""}`}>
      <label for={id}>
        <code title={cell.name}>{cell.name}</code>
        <span class="soft">
          {cell.secret ? "secret" : cell.type}
          {range ? `, ${range}` : ""}
        </span>
      </label>
      <Control {...props} id={id} />
      <p class="field-error" id={`${id}-error`} role={error ? "alert" : undefined}>
        {error}
      </p>
      {cell.help ? <p class="help soft">{cell.help}</p> : null}
      <Values {...props} />
      <Held {...props} />
    </div>
  );
}

/** What runs take, where this kernel has another value: since it was restarted, or because its code says so. */
function Held({ cell, text, type, takeBack }: FieldProps): VNode | null {
  const held = heldForRuns(cell);
  if (held === null) {
    return null;
  }
  return (
    <p class="values held">
      <span>
        Runs use <code>{held.value === "" ? "empty" : held.value}</code>
        {held.by ? `, set by ${held.by}` : ""}
      </span>
      {text === held.value ? null : (
        <button type="button" class="value" onClick={() => type(held.value)}>
          use it here
        </button>
      )}
      <button type="button" class="value" disabled={takeBack === null} onClick={() => takeBack?.()}>
        take it back
      </button>
    </p>
  );
}

function isWide(cell: ParameterCell): boolean {
  return cell.type === "json" || cell.value.length > 60 || cell.value.includes("\n");
}

/** The values at hand: the default and those used lately, and where the present one is from. */
function Values({ cell, text, type }: FieldProps): VNode | null {
  if (cell.secret) {
    return (
      <p class="values soft">
        {cell.value || cell.from !== "default" ? "A value is set; it stays in the kernel." : "It stays in the kernel."}
      </p>
    );
  }
  const last = cell.last.filter((value) => value !== cell.default && value !== text).slice(0, MOST_LAST);
  const isDefault = text === cell.default;
  const from = { default: "", edit: cell.by ? `set by ${cell.by}` : "set by hand", run: "given to this run" }[
    cell.from
  ];
  if (isDefault && last.length === 0 && !from) {
    return null;
  }
  return (
    <p class="values">
      {from ? <span class="soft">{from}</span> : null}
      {isDefault ? null : (
        <button
          type="button"
          class="value"
          title={`back to the default ${cell.default}`}
          onClick={() => type(cell.default)}
        >
          default <code>{cell.default === "" ? "empty" : cell.default}</code>
        </button>
      )}
      {last.map((value) => (
        <button key={value} type="button" class="value" title={`used lately: ${value}`} onClick={() => type(value)}>
          <code>{value === "" ? "empty" : value}</code>
        </button>
      ))}
    </p>
  );
}

function Control(props: FieldProps & { id: string }): VNode {
  const { cell, text, type, error, id } = props;
  const about = { id, "aria-invalid": error !== "", "aria-describedby": `${id}-error` };
  if (cell.type === "bool") {
    return <Switch {...about} text={text} type={type} />;
  }
  if (cell.choices !== null) {
    return (
      <select {...about} class="input" value={text} onChange={(event) => type(event.currentTarget.value)}>
        {[...new Set([...cell.choices, ...(cell.choices.includes(text) ? [] : [text])])].map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  }
  const input = {
    ...about,
    value: text,
    onInput: (event: { currentTarget: { value: string } }) => type(event.currentTarget.value),
  };
  if (isWide(cell)) {
    return (
      <textarea
        {...input}
        class="input mono"
        rows={Math.min(8, Math.max(2, text.split("\n").length))}
        spellcheck={false}
      />
    );
  }
  if (cell.secret) {
    return <input {...input} class="input" type="password" autocomplete="off" placeholder="••••••••" />;
  }
  return <PlainInput cell={cell} input={{ ...input, class: "input" }} text={text} type={type} />;
}

function PlainInput(props: {
  cell: ParameterCell;
  input: Record<string, unknown>;
  text: string;
  type: (text: string) => void;
}): VNode {
  const { cell, input } = props;
  const [least, most] = cell.range ?? [null, null];
  if (cell.type === "date") {
    return <DateInput {...props} />;
  }
  const isNumber = cell.type === "int" || cell.type === "float";
  const field = (
    <input {...input} type="text" inputMode={isNumber ? "decimal" : "text"} spellcheck={false} autocomplete="off" />
  );
  if (!isNumber || least === null || most === null) {
    return field;
  }
  return (
    <div class="ranged">
      {field}
      <input
        type="range"
        aria-label={`${cell.name}, by a slider`}
        min={least}
        max={most}
        step={cell.type === "int" ? 1 : "any"}
        value={props.text}
        onInput={(event) => props.type(rounded(event.currentTarget.value, most - least))}
      />
    </div>
  );
}

/** A date as it stands in the code, whatever the browser's language; the calendar is at hand. */
function DateInput(props: { input: Record<string, unknown>; text: string; type: (text: string) => void }): VNode {
  return (
    <div class="dated">
      <input {...props.input} type="text" placeholder="2026-11-01" spellcheck={false} autocomplete="off" />
      <span class="calendar" title="Choose a day">
        <Sign name="calendar" />
        <input
          type="date"
          tabIndex={-1}
          aria-hidden="true"
          value={props.text}
          onInput={(event) => event.currentTarget.value && props.type(event.currentTarget.value)}
        />
      </span>
    </div>
  );
}

/** As many digits as a slider can tell apart. */
function rounded(text: string, span: number): string {
  const digits = Math.max(0, 3 - Math.floor(Math.log10(span || 1)));
  return String(Number(Number(text).toFixed(Math.min(digits, 12))));
}

function Switch(props: { id: string; text: string; type: (text: string) => void }): VNode {
  const isOn = /^true$/i.test(props.text);
  return (
    <button
      type="button"
      id={props.id}
      class="switch"
      role="switch"
      aria-checked={isOn}
      onClick={() => props.type(isOn ? "false" : "true")}
    >
      <i aria-hidden="true" />
      {isOn ? "True" : "False"}
    </button>
  );
}

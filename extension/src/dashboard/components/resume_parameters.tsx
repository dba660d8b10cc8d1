import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { SharedParameter } from "../model/runs";

/** Name → text typed, where it is another than the runs have. */
type Typed = Record<string, string>;

/** The parameters of the chosen runs, and one more by its name. */
export function ResumeParameters(props: {
  shared: SharedParameter[];
  typed: Typed;
  type: (typed: Typed) => void;
}): VNode {
  const { shared, typed } = props;
  const known = new Set(shared.map((one) => one.name));
  const added = Object.keys(typed).filter((name) => !known.has(name));
  const all = [...shared, ...added.map((name) => ({ name, value: "", values: [] }))];
  return (
    <>
      {all.map((parameter) => (
        <ParameterField key={parameter.name} parameter={parameter} typed={typed} type={props.type} />
      ))}
      <OtherParameter add={(name) => props.type({ ...typed, [name]: typed[name] ?? "" })} />
    </>
  );
}

function ParameterField(props: { parameter: SharedParameter; typed: Typed; type: (typed: Typed) => void }): VNode {
  const { parameter, typed } = props;
  const isKnown = parameter.values.length > 0;
  const was = parameter.value ?? "";
  const change = (now: string): void => {
    const { [parameter.name]: _, ...rest } = typed;
    props.type(isKnown && now === was ? rest : { ...rest, [parameter.name]: now });
  };
  return (
    <label class={`labelled ${parameter.name in typed ? "changed" : ""}`}>
      <span>
        <code>{parameter.name}</code>
      </span>
      <input
        class="input"
        value={typed[parameter.name] ?? was}
        spellcheck={false}
        placeholder={
          isKnown && parameter.value === null ? `each its own: ${parameter.values.slice(0, 3).join(", ")}` : ""
        }
        onInput={(event) => change(event.currentTarget.value)}
      />
    </label>
  );
}

/** Defaults are not recorded with a run: another parameter is named. */
function OtherParameter({ add }: { add: (name: string) => void }): VNode {
  const [name, setName] = useState("");
  const take = (): void => {
    if (name.trim() !== "") {
      add(name.trim());
      setName("");
    }
  };
  return (
    <label class="labelled">
      <span>Another parameter</span>
      <span class="beside">
        <input
          class="input"
          value={name}
          placeholder="its name"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              take();
            }
          }}
        />
        <button type="button" class="button" disabled={name.trim() === ""} onClick={take}>
          Add
        </button>
      </span>
    </label>
  );
}

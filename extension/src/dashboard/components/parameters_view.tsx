import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { problemOf } from "../connection";
import type { Checked, Done, ParameterCell, Parameters, Problem } from "../contract";
import { useAsk, useSettled, useSurroundings, type Asked } from "../hooks";
import { edited, stillEdited, typedErrors, withoutApplied, type Edits } from "../model/parameters";
import { plural } from "../model/wording";
import { Field } from "./field";
import { Awaiting, Empty, ProblemStrip } from "./pieces";

/** The parameters of this notebook. */
export function ParametersView({ parameters, here }: { parameters: Parameters | null; here: boolean }): VNode {
  if (parameters === null) {
    return <Awaiting slow={false} />;
  }
  if (parameters.cells.length === 0) {
    return (
      <Empty title="No parameters yet">
        <p>
          Write <code>%%params</code> above a cell such as <code>day = "2026-11-01"</code>. Each name becomes a field
          here, and a batch run may give it another value.
        </p>
      </Empty>
    );
  }
  const whyNot = parameters.why_not ?? (here ? "" : NO_KERNEL);
  return (
    <ParametersForm cells={parameters.cells} whyNot={whyNot} whyNotRun={whyNot || (parameters.why_not_run ?? "")} />
  );
}

const NO_KERNEL = "Only a kernel of the notebook can take other values";

interface FormProps {
  cells: ParameterCell[];
  whyNot: string;
  whyNotRun: string;
}

function ParametersForm({ cells, whyNot, whyNotRun }: FormProps): VNode {
  const { connection, say } = useSurroundings();
  const [edits, setEdits] = useState<Edits>({});
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  useEffect(() => setEdits((was) => stillEdited(was, cells)), [cells]);
  const settled = useSettled(edits, 300);
  const seen = useMemo(() => typedErrors(edits, cells), [edits, cells]);
  const isChanged = Object.keys(edits).length > 0;
  const isSettled = settled === edits;
  const checked = useAsk<Checked>(isChanged && isSettled ? "check_parameters" : null, { values: settled });
  const errors = { ...(isSettled ? checked.answer?.errors : {}), ...seen };
  const apply = (values: Edits, run: boolean): void => {
    setBusy(true);
    setRefused(null);
    connection
      .ask<Done>("apply_parameters", { values, run })
      .then((done) => {
        if (done.problem) {
          setRefused(done.problem);
        } else {
          setEdits((was) => withoutApplied(was, values));
          say(done);
        }
      })
      .catch((error: unknown) => setRefused(problemOf(error)))
      .finally(() => setBusy(false));
  };
  const isWrong = Object.keys(errors).length > 0;
  return (
    <form
      class="parameters"
      onSubmit={(event) => {
        event.preventDefault();
        if (isChanged && !isWrong && !busy && whyNot === "") {
          apply(edits, false);
        }
      }}
    >
      <div class="fields">
        {cells.map((cell) => (
          <Field
            key={cell.name}
            cell={cell}
            text={edits[cell.name] ?? cell.value}
            changed={cell.name in edits}
            error={errors[cell.name] ?? ""}
            type={(text) => setEdits((was) => edited(was, cell, text))}
            takeBack={whyNot === "" && !busy ? () => apply({ [cell.name]: cell.default }, false) : null}
          />
        ))}
      </div>
      {whyNot === "" ? null : <ProblemStrip problem={{ kind: "info", text: whyNot, next: "" }} />}
      {refused === null ? null : <ProblemStrip problem={refused} />}
      <div class="apply">
        <Effect changed={Object.keys(edits).length} errors={errors} checked={checked} />
        <div class="buttons">
          {isChanged ? (
            <button type="button" class="button quiet" onClick={() => setEdits({})}>
              Discard
            </button>
          ) : null}
          <button
            type="submit"
            class="button"
            disabled={!isChanged || isWrong || busy || whyNot !== ""}
            title={whyNot || undefined}
          >
            Apply
          </button>
          <button
            type="button"
            class="button main"
            disabled={!isChanged || isWrong || busy || whyNotRun !== ""}
            title={whyNotRun || undefined}
            onClick={() => apply(edits, true)}
          >
            {busy ? "Working…" : "Apply and run"}
          </button>
        </div>
      </div>
    </form>
  );
}

/** What applying the changes would do. */
function Effect(props: { changed: number; errors: Record<string, string>; checked: Asked<Checked> }): VNode {
  const wrong = Object.keys(props.errors);
  const { answer, busy, problem } = props.checked;
  return (
    <div class="effect" aria-live="polite">
      {props.changed === 0 ? <p class="soft">Change a value to see which steps become stale.</p> : null}
      {props.changed > 0 && wrong.length > 0 ? (
        <p class="toned tone-failed">{plural(wrong.length, "value")} to correct</p>
      ) : null}
      {props.changed > 0 && wrong.length === 0 ? (
        <>
          <p>
            <b>{plural(props.changed, "change")}.</b> {answer?.text ?? (busy ? "…" : "")}
          </p>
          {answer !== null && answer.stale.length > 0 ? (
            <p class="stale-list">
              {answer.stale.slice(0, 12).map((step) => (
                <span key={step} class="tag tone-stale">
                  {step}
                </span>
              ))}
              {answer.stale.length > 12 ? <span class="soft">and {answer.stale.length - 12} more</span> : null}
            </p>
          ) : null}
        </>
      ) : null}
      {problem === null ? null : <ProblemStrip problem={problem} />}
    </div>
  );
}

import type { VNode } from "preact";
import { problemOf } from "../connection";
import type { Done, Steps } from "../contract";
import { useSurroundings } from "../hooks";
import { wouldRun } from "../model/steps";
import { plural } from "../model/wording";
import { usePlace } from "../place";
import { Sign } from "./icons";
import type { Wish } from "./step_item";

/** To run all that is not up to date. */
export const RUN_STALE: Wish = { action: { do: "run_stale", title: "Run stale", why_not: "" }, args: {} };

/**
 * The button that runs what is not up to date, where the panel's place offers it.
 *
 * @param props.asking - Whether it is being said what that is.
 * @param props.ask - Say it.
 */
export function RunStale(props: { steps: Steps; asking: boolean; ask: () => void }): VNode | null {
  const { connection, say } = useSurroundings();
  const { runStale } = usePlace();
  if (runStale === undefined) {
    return null;
  }
  const act = (): void => {
    connection.ask<Done>("act", { do: RUN_STALE.action.do, step: "", args: {} }).then(say, (error: unknown) => {
      const problem = problemOf(error);
      say({ text: [problem.text, problem.next].filter(Boolean).join(" "), undo: null });
    });
  };
  const stale = props.steps.rows.filter(wouldRun).length;
  return (
    <button
      type="button"
      class="button"
      disabled={stale === 0 || props.asking}
      title={stale === 0 ? "All steps are up to date" : `Run what is not up to date: ${plural(stale, "step")}`}
      onClick={runStale === "asks" ? props.ask : act}
    >
      <Sign name="play" />
      Run stale
    </button>
  );
}

import type { VNode } from "preact";
import { Ago, Pill } from "../../dashboard/components/pieces";
import { duration, elapsed } from "../../dashboard/model/wording";
import type { SavedStep } from "../model/saved";

/** Steps as they were when their notebook was saved: to look at, and to go to. */
export function SavedList(props: {
  steps: readonly SavedStep[];
  /** The id of the cell at which the person is. */
  current: string;
  reveal: (cell: string) => void;
}): VNode {
  const now = Date.now() / 1000;
  return (
    <ul class="rows saved-rows" aria-label="Steps as saved">
      {props.steps.map((saved) => (
        <li
          key={saved.cell}
          class={`item tone-${saved.state} ${saved.cell === props.current ? "current" : ""}`}
          aria-current={saved.cell === props.current || undefined}
          data-step={saved.step}
        >
          <div class="row">
            <button type="button" class="row-open" title={saved.step} onClick={() => props.reveal(saved.cell)}>
              <span class="name">{saved.step}</span>
            </button>
            <span class="at-state">
              <Pill state={saved.state} />
            </span>
            <SavedFacts saved={saved} now={now} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function SavedFacts({ saved, now }: { saved: SavedStep; now: number }): VNode | null {
  if (saved.at === null) {
    return <span class="facts-line">not run yet</span>;
  }
  if (saved.state === "running") {
    return <span class="facts-line">was running when this was saved, for {elapsed(now - saved.at)} by now</span>;
  }
  return (
    <span class="facts-line">
      {saved.seconds === null ? null : <span>{duration(saved.seconds)}</span>}
      <span>
        <Ago at={saved.at} now={now} />
      </span>
      {saved.edited ? <span class="toned tone-stale">edited since</span> : null}
    </span>
  );
}

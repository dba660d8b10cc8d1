import type { ComponentChildren, VNode } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { Confirm } from "../../dashboard/components/confirm";
import { Sign } from "../../dashboard/components/icons";
import { ProblemStrip } from "../../dashboard/components/pieces";
import type { Wish } from "../../dashboard/components/step_item";
import { Toast } from "../../dashboard/components/toast";
import type { Connection } from "../../dashboard/connection";
import type { Done, Foretold, StepRow } from "../../dashboard/contract";
import { PanelContext, useAsk, useNow } from "../../dashboard/hooks";
import type { Clock } from "../../dashboard/model/clock";
import { isHarsh, nextAction, stepActions } from "../../dashboard/model/steps";
import { ago, plainText } from "../../dashboard/model/wording";
import { badgeOf, isWrong, sinceText, type Sight } from "../model/badge";
import { factsOf, standing } from "../model/sentences";
import { BadgeMark } from "./badge_strip";

/** What the card stands on. */
export interface CardPlace {
  connection: Connection;
  clock: Clock;
  /** All that is known of the step now; null once its cell is none any more. */
  sight: () => Sight | null;
  /** Call back after each change; gives what ends it. */
  onChange: (changed: () => void) => () => void;
  /** Show the step in the panel; null where there is no panel. */
  showStep: ((step: string) => void) | null;
  /** Bring the keyboard to the card: what it was at is there no more. */
  focus: () => void;
  /** Somebody decides something in it: it is not to go away by itself. */
  hold: (isHeld: boolean) => void;
}

/** All about a step that one wants to know at its cell. */
export function Card({ place }: { place: CardPlace }): VNode | null {
  const sight = useSight(place);
  const [wish, setWish] = useState<Wish | null>(null);
  const [said, setSaid] = useState<{ done: Done; number: number } | null>(null);
  const say = useCallback((done: Done) => setSaid((was) => ({ done, number: (was?.number ?? 0) + 1 })), []);
  const { connection, clock } = place;
  const acts = said?.number ?? 0;
  const surroundings = useMemo(
    () => ({ connection, clock, say, acts, prefix: "durable-nb-card" }),
    [connection, clock, say, acts],
  );
  const isHeld = wish !== null || said !== null;
  useEffect(() => place.hold(isHeld), [place, isHeld]);
  const endWish = (): void => {
    setWish(null);
    place.focus();
  };
  if (sight === null) {
    return null;
  }
  const row = sight.link === "live" && !isWrong(sight) ? sight.row : null;
  return (
    <PanelContext.Provider value={surroundings}>
      <Head sight={sight} clock={clock} />
      <Why sight={sight} row={row} />
      {row === null ? null : <Ahead row={row} />}
      {row === null ? null : <Facts row={row} />}
      {said === null ? null : <Toast key={said.number} done={said.done} close={() => setSaid(null)} />}
      {row !== null && wish !== null ? (
        <Confirm step={row.step} wish={wish} close={endWish} />
      ) : (
        <Buttons row={row} step={badgeOf(sight).step} wish={setWish} showStep={place.showStep} />
      )}
    </PanelContext.Provider>
  );
}

function useSight(place: CardPlace): Sight | null {
  const [sight, setSight] = useState(place.sight);
  useEffect(() => place.onChange(() => setSight(place.sight)), [place]);
  return sight;
}

function Head({ sight, clock }: { sight: Sight; clock: Clock }): VNode {
  const badge = badgeOf(sight);
  const now = useNow(clock, badge.since !== null);
  const time = badge.since === null ? "" : sinceText(badge.since, now);
  return (
    <>
      <header class="card-title">
        <b class="card-step mono">{badge.step || "step"}</b>
        <span class={`pill tone-${badge.tone} ${badge.isSaved ? "badge-saved" : ""}`}>
          <BadgeMark icon={badge.icon} />
          {badge.word}
        </span>
        {time ? <span class="card-time soft">{time}</span> : null}
      </header>
      <p class="card-standing">{standing(sight, (at) => ago(at, now))}</p>
    </>
  );
}

function Why({ sight, row }: { sight: Sight; row: StepRow | null }): VNode | null {
  if (row === null) {
    return sight.mark !== null ? <ProblemStrip problem={{ text: sight.mark.text, next: sight.mark.next }} /> : null;
  }
  return (
    <>
      {row.error ? <p class="error-line mono card-error">{plainText(row.error)}</p> : null}
      {row.waits ? <p class="card-why">{plainText(row.waits)}</p> : null}
      {row.given.length > 0 ? <p class="soft">Set by hand: {row.given.join(", ")}.</p> : null}
    </>
  );
}

/** What running it would do: asked for when somebody looks. */
function Ahead({ row }: { row: StepRow }): VNode | null {
  const isAsked = row.state !== "running" && row.queued !== true;
  const foretold = useAsk<Foretold>(
    isAsked ? "foretell" : null,
    { do: "run", step: row.step, args: {} },
    `${row.state} ${row.stale} ${row.waits}`,
  );
  if (!isAsked) {
    return null;
  }
  const problem = foretold.problem ?? foretold.answer?.problem ?? null;
  return (
    <div class="card-ahead">
      <span class="card-label">If this cell alone is run now</span>
      <p aria-live="polite" class={foretold.busy && foretold.answer === null ? "soft" : ""}>
        {problem !== null
          ? [problem.text, problem.next].filter(Boolean).join(" ")
          : (foretold.answer?.text ?? (foretold.slow ? "The kernel has not answered yet: it may be busy." : "…"))}
      </p>
    </div>
  );
}

function Facts({ row }: { row: StepRow }): VNode | null {
  const facts = factsOf(row);
  return facts.length === 0 ? null : (
    <dl class="card-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt class="soft">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Buttons(props: {
  row: StepRow | null;
  step: string;
  wish: (wish: Wish) => void;
  showStep: ((step: string) => void) | null;
}): VNode {
  const { row, showStep } = props;
  const next = row === null ? undefined : nextAction(row);
  const buttons: ComponentChildren = (row === null ? [] : stepActions(row)).map((action) => (
    <button
      key={action.do}
      type="button"
      class={`button small ${action.do === next?.do ? "main" : ""} ${isHarsh(action.do) ? "quiet" : ""}`}
      disabled={action.why_not !== ""}
      title={action.why_not}
      onClick={() => props.wish({ action, args: {} })}
    >
      {action.title}
    </button>
  ));
  return (
    <div class="buttons card-buttons">
      {buttons}
      {showStep === null || props.step === "" ? null : (
        <button type="button" class="link card-open" onClick={() => showStep(props.step)}>
          Open in panel
          <Sign name="chevron" />
        </button>
      )}
    </div>
  );
}

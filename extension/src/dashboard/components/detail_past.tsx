import type { VNode } from "preact";
import type { Attempt, HistoryEntry } from "../contract";
import { duration, plainText } from "../model/wording";
import { STATES } from "../model/states";
import { Block, Reasons } from "./detail_pages";
import { Sign } from "./icons";
import { Ago, Empty, Fold, Pill } from "./pieces";

/** Each try, the latest first, and what it printed. */
export function AttemptsPage({ attempts, now }: { attempts: Attempt[]; now: number }): VNode {
  if (attempts.length === 0) {
    return <Empty title="It has not been tried yet" />;
  }
  return (
    <ol class="tries">
      {attempts.map((one, index) => (
        <li key={`${one.run_id} ${one.attempt} ${one.started_at}`} class={`try tone-${one.state}`}>
          <p class="try-head">
            <b>Attempt {one.attempt}</b>
            <Pill state={one.state} />
            <span class="soft">
              {one.seconds === null ? "" : `${duration(one.seconds)}\u00a0· `}
              {one.started_at === null ? "" : <Ago at={one.started_at} now={now} />}
              {one.run_id ? `\u00a0· run ${one.run_id}` : ""}
            </span>
          </p>
          {one.reason ? <p class="soft">{one.reason}</p> : null}
          {one.error ? <p class="error-line">{plainText(one.error)}</p> : null}
          {one.output.trim() ? (
            <Fold title="what it printed" open={index === 0}>
              <Block text={one.output.trimEnd()} />
            </Fold>
          ) : null}
        </li>
      ))}
    </ol>
  );
}

/** A state; or what a person decided. */
function Became({ what }: { what: string }): VNode {
  const state = STATES.find((one) => one === what);
  if (state !== undefined) {
    return <Pill state={state} />;
  }
  return (
    <span class="pill">
      <Sign name="hand" />
      {what}
    </span>
  );
}

/** What became of the step in each run, and what was changed between them. */
export function HistoryPage({ history, now }: { history: HistoryEntry[]; now: number }): VNode {
  if (history.length === 0) {
    return <Empty title="No run has had this step yet" />;
  }
  return (
    <ol class="history">
      {history.map((entry, index) => (
        <li key={index} class={`tone-${entry.state}`}>
          <p class="try-head">
            <Became what={entry.state} />
            <span>
              <Ago at={entry.at} now={now} />
            </span>
            <span class="soft">
              {entry.seconds === null ? "" : `${duration(entry.seconds)}\u00a0· `}
              {entry.run_id ? `run ${entry.run_id}` : ""}
              {entry.attempt > 1 ? `, attempt ${entry.attempt}` : ""}
            </span>
          </p>
          {entry.note && !entry.differences.some((one) => one.text === entry.note) ? (
            <p class="soft">{entry.note}</p>
          ) : null}
          {entry.differences.length > 0 ? <Reasons reasons={entry.differences} /> : null}
        </li>
      ))}
    </ol>
  );
}

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Action, StepRow } from "../contract";
import { useSurroundings } from "../hooks";
import { isStale, nextAction } from "../model/steps";
import { barsOf, type Scale } from "../model/timeline";
import { duration, elapsed, grouped, plainText, plural, size } from "../model/wording";
import { usePlace, type Wanted } from "../place";
import { Confirm } from "./confirm";
import { Detail } from "./detail";
import { Sign } from "./icons";
import { Pill } from "./pieces";

/** Something a person wants done, about which is told first what it will do. */
export interface Wish {
  action: Action;
  args: object;
}

/** One step: a row, and all about it where it is opened. */
export function StepItem(props: {
  row: StepRow;
  here: boolean;
  now: number;
  scale: Scale;
  opened: boolean;
  /** At which page somebody wants it. */
  wanted: Wanted | null;
  open: (step: string, isOpen: boolean) => void;
  select: (step: string) => void;
}): VNode {
  const { row, opened, now } = props;
  const { prefix } = useSurroundings();
  const [wish, setWish] = useState<Wish | null>(null);
  const next = nextAction(row);
  const { current, reveal } = usePlace();
  const isCurrent = current === row.step;
  const id = `${prefix}-step-${row.position}`;
  const press = (): void => {
    props.open(row.step, !opened);
    if (!opened) {
      reveal?.(row.step);
    }
  };
  return (
    <li
      class={`item tone-${row.state} ${opened ? "opened" : ""} ${isCurrent ? "current" : ""}`}
      aria-current={isCurrent || undefined}
      data-step={row.step}
      data-position={row.position}
    >
      <div class="row">
        <button
          type="button"
          class="row-open"
          aria-expanded={opened}
          aria-controls={`${id}-detail`}
          aria-describedby={`${id}-facts`}
          title={row.step}
          onClick={press}
        >
          <Sign name="chevron" />
          <span class="name">{row.step}</span>
        </button>
        <span class="at-state">
          <Pill state={row.state} />
        </span>
        <Remarks row={row} />
        <TimelineCell row={row} scale={props.scale} now={now} />
        <Facts row={row} now={now} id={`${id}-facts`} />
        <span class="at-act">
          {next !== undefined && wish === null && !opened ? (
            <button type="button" class="button small" onClick={() => setWish({ action: next, args: {} })}>
              {next.title}
              <span class="unseen"> {row.step}</span>
            </button>
          ) : null}
        </span>
        {row.state === "running" ? <RunningLine row={row} now={now} /> : null}
      </div>
      {wish === null ? null : <Confirm step={row.step} wish={wish} close={() => setWish(null)} />}
      {opened ? (
        <div class="detail" id={`${id}-detail`}>
          <Detail row={row} now={now} wanted={props.wanted} wish={setWish} select={props.select} />
        </div>
      ) : null}
    </li>
  );
}

/** Why it is as it is, in one line; and what a person or another process has to do with it. */
function Remarks({ row }: { row: StepRow }): VNode | null {
  const stale = isStale(row);
  const text = row.error || row.waits;
  if (!text && !stale && row.given.length === 0 && !row.elsewhere) {
    return null;
  }
  return (
    <span class="at-waits">
      {stale ? <span class="tag tone-stale">stale</span> : null}
      {row.given.length > 0 ? (
        <span class="tag" title={`set by hand: ${row.given.join(", ")}`}>
          <Sign name="hand" />
          {row.given.length === 1 ? `${row.given[0]} by hand` : `${row.given.length} by hand`}
        </span>
      ) : null}
      {row.elsewhere ? <span class="tag">in {row.elsewhere}</span> : null}
      {text ? (
        <span class={`waits ${row.error ? "error-line" : ""}`} title={text}>
          {plainText(text)}
        </span>
      ) : null}
    </span>
  );
}

function TimelineCell({ row, scale, now }: { row: StepRow; scale: Scale; now: number }): VNode {
  const bars = barsOf(row.timeline, scale, now);
  return (
    <span class="at-time track" aria-hidden="true">
      {bars.map((bar, index) => (
        <i
          key={index}
          class={`bar tone-${bar.state} bar-${bar.state}`}
          style={{
            left: `min(${(bar.left * 100).toFixed(2)}%, 100% - 4px)`,
            width: `${(bar.width * 100).toFixed(2)}%`,
          }}
          title={`attempt ${bar.attempt}: ${bar.state}, ${duration(bar.seconds)}`}
        />
      ))}
    </span>
  );
}

function Facts({ row, now, id }: { row: StepRow; now: number; id: string }): VNode {
  return (
    <span class="facts-line" id={id}>
      <span class="at-took">{took(row, now)}</span>
      <span class={`at-tries ${row.attempts > 1 ? "several" : ""}`}>
        {row.attempts > 0 ? (
          <>
            {row.attempts}
            <span class="unit"> {row.attempts === 1 ? "attempt" : "attempts"}</span>
          </>
        ) : null}
      </span>
      <span class="at-saved">
        {row.saved_seconds >= 0.001 ? (
          <>
            <span class="unit">saved </span>
            {duration(row.saved_seconds)}
          </>
        ) : null}
      </span>
      <span class="at-size">{row.bytes > 0 ? size(row.bytes) : null}</span>
    </span>
  );
}

function took(row: StepRow, now: number): string {
  if (row.state === "running" && row.started_at !== null) {
    return elapsed(now - row.started_at);
  }
  return row.seconds === null ? "" : duration(row.seconds);
}

/** How far a running step is: against its usual duration, and item by item. */
function RunningLine({ row, now }: { row: StepRow; now: number }): VNode | null {
  const been = row.started_at === null ? null : now - row.started_at;
  const usual = row.usual_seconds;
  const hasUsual = been !== null && usual !== null && usual > 0;
  if (!hasUsual && row.progress.length === 0) {
    return null;
  }
  return (
    <div class="at-progress">
      {hasUsual ? (
        <Meter
          part={Math.min(been / usual, 1)}
          late={been > usual}
          text={
            been > usual
              ? `${elapsed(been)}, usually ${duration(usual)}`
              : `${elapsed(been)} of about ${duration(usual)}`
          }
        />
      ) : null}
      {row.progress.map((one, index) => (
        <Meter
          key={index}
          part={one.total === null || one.total === 0 ? null : one.done / one.total}
          text={
            one.total === null
              ? `${one.label ? `${one.label}: ` : ""}${plural(one.done, "item")}`
              : `${one.label ? `${one.label}: ` : ""}${grouped(one.done)} of ${grouped(one.total)}`
          }
        />
      ))}
    </div>
  );
}

function Meter({ part, text, late }: { part: number | null; text: string; late?: boolean }): VNode {
  const percent = part === null ? 0 : Math.round(part * 1000) / 10;
  return (
    <div class={`meter ${late ? "late" : ""}`}>
      <span
        class="meter-track"
        role="progressbar"
        aria-label={text}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={part === null ? undefined : percent}
      >
        <i style={{ width: part === null ? "100%" : `${percent}%` }} class={part === null ? "open-ended" : ""} />
      </span>
      <span class="meter-text soft">{text}</span>
    </div>
  );
}

import type { ComponentChildren, VNode } from "preact";
import type { Asked } from "../hooks";
import type { Counts, Problem, State } from "../contract";
import { counted, spokenCounts } from "../model/states";
import { ago, moment } from "../model/wording";
import { Sign, StateIcon } from "./icons";

/** A state: its mark, its word and its colour. */
export function Pill({ state }: { state: State }): VNode {
  return (
    <span class={`pill tone-${state}`}>
      <StateIcon state={state} />
      {state}
    </span>
  );
}

/** How many have each state, in little. */
export function CountsLine({ counts }: { counts: Counts }): VNode {
  return (
    <span class="counts" title={spokenCounts(counts)}>
      {counted(counts).map(([state, count]) => (
        <span key={state} class={`count tone-${state}`}>
          <StateIcon state={state} />
          {count}
          <span class="unseen"> {state} </span>
        </span>
      ))}
    </span>
  );
}

/** A time, as long ago as it is. */
export function Ago({ at, now }: { at: number; now: number }): VNode {
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={moment(at)}>
      {ago(at, now)}
    </time>
  );
}

/** What is wrong, and what to do next. */
export function ProblemStrip({ problem, children }: { problem: Problem; children?: ComponentChildren }): VNode {
  const kind = problem.kind ?? "error";
  return (
    <div class={`strip strip-${kind}`} role={kind === "error" ? "alert" : "status"}>
      <Sign name={kind === "info" ? "info" : "warning"} />
      <div>
        <p class="lines">{problem.text}</p>
        {problem.next ? <p class="soft">{problem.next}</p> : null}
      </div>
      {children}
    </div>
  );
}

/** Nothing to show: says so, and how there would be something. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): VNode {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** An answer once it is there; until then that it is awaited, or why there is none. */
export function Answered<Answer>(props: {
  asked: Asked<Answer>;
  children: (answer: Answer) => ComponentChildren;
}): VNode {
  const { asked } = props;
  if (asked.problem !== null) {
    return <ProblemStrip problem={asked.problem} />;
  }
  if (asked.answer === null) {
    return <Awaiting slow={asked.slow} />;
  }
  return <>{props.children(asked.answer)}</>;
}

/** Something has been asked. */
export function Awaiting({ slow }: { slow: boolean }): VNode {
  return (
    <p class="awaiting soft" role="status">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {slow ? "The kernel has not answered yet: it may be busy." : "Reading…"}
    </p>
  );
}

/** The lines of a unified diff. */
export function Diff({ lines }: { lines: readonly string[] }): VNode | null {
  if (lines.length === 0) {
    return null;
  }
  return (
    <pre class="block diff" tabIndex={0}>
      {lines.map((line, index) => (
        <span key={index} class={diffKind(line)}>
          {line}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}

function diffKind(line: string): string {
  if (line.startsWith("+++") || line.startsWith("---")) {
    return "about";
  }
  const kinds: Record<string, string> = { "+": "add", "-": "del", "@": "about" };
  return kinds[line.slice(0, 1)] ?? "";
}

/** Something that opens on a click. */
export function Fold(props: { title: ComponentChildren; children: ComponentChildren; open?: boolean }): VNode {
  return (
    <details class="fold" open={props.open}>
      <summary>
        <Sign name="chevron" />
        {props.title}
      </summary>
      {props.children}
    </details>
  );
}

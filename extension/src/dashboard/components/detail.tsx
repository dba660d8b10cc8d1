import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Detail as DetailAnswer, StepRow } from "../contract";
import { useAsk, useSurroundings } from "../hooks";
import { stepActions } from "../model/steps";
import { plainText } from "../model/wording";
import type { PageName, Wanted } from "../place";
import { AttemptsPage, HistoryPage } from "./detail_past";
import { CodePage, ErrorPage, InputsPage, WhyPage } from "./detail_pages";
import { OutputsPage } from "./outputs";
import { Answered } from "./pieces";
import type { Wish } from "./step_item";
import { Tabs, type Tab } from "./tabs";

/** All about one step. */
export function Detail(props: {
  row: StepRow;
  now: number;
  wanted: Wanted | null;
  wish: (wish: Wish) => void;
  select: (step: string) => void;
}): VNode {
  const { row, now } = props;
  const { acts } = useSurroundings();
  const beat = row.state === "running" ? Math.floor(now / 2) : 0;
  const standing = [row.state, row.stale, row.started_at, row.attempts, row.waits, row.given, beat, acts].join("|");
  const asked = useAsk<DetailAnswer>("detail", { step: row.step }, standing);
  return (
    <>
      <Actions row={row} wish={props.wish} />
      <Answered asked={asked}>
        {(detail) => (
          <Pages detail={detail} row={row} now={now} wanted={props.wanted} wish={props.wish} select={props.select} />
        )}
      </Answered>
    </>
  );
}

function Actions({ row, wish }: { row: StepRow; wish: (wish: Wish) => void }): VNode | null {
  const actions = stepActions(row);
  if (actions.length === 0) {
    return null;
  }
  return (
    <div class="actions" role="group" aria-label={`what can be done with ${row.step}`}>
      {actions.map((action) => (
        <button
          key={action.do}
          type="button"
          class="button"
          aria-disabled={action.why_not !== ""}
          title={action.why_not || undefined}
          onClick={() => action.why_not === "" && wish({ action, args: {} })}
        >
          {action.title}
          {action.why_not ? <span class="unseen">, not now: {action.why_not}</span> : null}
        </button>
      ))}
    </div>
  );
}

function pagesOf(detail: DetailAnswer): Tab<PageName>[] {
  const pages: (Tab<PageName> | null)[] = [
    detail.error === null ? null : { name: "error", title: "Error", alarm: true },
    { name: "outputs", title: "Outputs", number: detail.outputs.length },
    { name: "inputs", title: "Inputs", number: detail.inputs.length },
    { name: "why", title: "Why" },
    { name: "attempts", title: "Attempts", number: detail.attempts.length },
    { name: "history", title: "History", number: detail.history.length },
    { name: "code", title: "Code" },
  ];
  return pages.filter((page) => page !== null);
}

/** The page a person most likely opened the step for. */
function firstPage(detail: DetailAnswer, row: StepRow): PageName {
  if (detail.error !== null) {
    return "error";
  }
  if (row.state === "running") {
    return "attempts";
  }
  return row.stale === true || detail.outputs.length === 0 ? "why" : "outputs";
}

function Pages(props: {
  detail: DetailAnswer;
  row: StepRow;
  now: number;
  wanted: Wanted | null;
  wish: (wish: Wish) => void;
  select: (step: string) => void;
}): VNode {
  const { detail, row, now } = props;
  const wanted = props.wanted?.page || null;
  const [chosen, choose] = useState<PageName | null>(wanted);
  useEffect(() => choose((was) => wanted ?? was), [props.wanted?.number]);
  const tabs = pagesOf(detail);
  const isThere = tabs.some((tab) => tab.name === chosen);
  const page = chosen !== null && isThere ? chosen : firstPage(detail, row);
  const label = `step-${row.position}`;
  return (
    <>
      <Tabs small label={label} tabs={tabs} chosen={page} choose={choose} />
      <Tabs.Page name={page} label={label}>
        {page === "outputs" ? <OutputsPage detail={detail} row={row} now={now} wish={props.wish} /> : null}
        {page === "inputs" ? <InputsPage inputs={detail.inputs} select={props.select} /> : null}
        {page === "error" && detail.error !== null ? <ErrorPage error={detail.error} /> : null}
        {page === "why" ? <WhyPage why={detail.why} row={row} /> : null}
        {page === "attempts" ? <AttemptsPage attempts={detail.attempts} now={now} /> : null}
        {page === "history" ? <HistoryPage history={detail.history} now={now} /> : null}
        {page === "code" ? (
          <CodePage
            source={plainText(detail.source)}
            options={detail.options}
            edited={detail.edited ?? {}}
            row={row}
            wish={props.wish}
          />
        ) : null}
      </Tabs.Page>
    </>
  );
}

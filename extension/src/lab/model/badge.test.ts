import assert from "node:assert/strict";
import { test } from "node:test";
import type { State, StepRow } from "../../dashboard/contract";
import { badgeOf, sinceText, type Sight } from "./badge";
import { standing } from "./sentences";
import type { Snapshot } from "./snapshot";
import { rowOfBeat } from "./wire";

function row(state: State, more: Partial<StepRow> = {}): StepRow {
  const told = { step: "clean", cell: "c1", state, seconds: 41, started_at: 100, usual_seconds: null };
  return { ...rowOfBeat({ ...told, waits: "", attempts: 1 }, 0), ...more };
}

function sight(more: Partial<Sight> = {}): Sight {
  const nothing = { row: null, mark: null, snapshot: null };
  return { link: "live", isKnown: true, ...nothing, name: "clean", digest: "9a3f01bc", ...more };
}

/** What stands in the badge, read aloud. */
function said(seen: Sight): string {
  const { word, time, why } = badgeOf(seen);
  return [word, time, why].filter(Boolean).join(" | ");
}

const LIVE: [string, StepRow][] = [
  ["completed | 41 s", row("completed", { stale: false })],
  ["stale | 41 s | threshold 0.4 → 0.5", row("completed", { stale: true, waits: "threshold 0.4 → 0.5" })],
  ["stale | 12 ms | code changed", row("reused", { stale: true, waits: "code changed", seconds: 0.012 })],
  [
    "completed | 41 s | reused if df comes out as before",
    row("completed", { waits: "reused if df comes out as before" }),
  ],
  ["reused | saved 3 min 12 s", row("reused", { seconds: 0.01, saved_seconds: 192 })],
  ["completed | 41 s | df set by hand", row("completed", { given: ["df"] })],
  [
    "failed | 41 s · 3 attempts | ValueError: no",
    row("failed", { error: "ValueError: no", attempts: 3, waits: "x 1 → 2" }),
  ],
  ["blocked | needs df of step load, which failed", row("blocked", { waits: "needs df of step load, which failed" })],
  ["pending | first execution", row("pending", { stale: true, waits: "first execution", seconds: null })],
  ["pending | would be reused", row("pending", { stale: false, seconds: null })],
  [
    "queued | asked for, waits for its turn",
    row("completed", { queued: true, waits: "asked for, waits for its turn" }),
  ],
  ["running | code changed", row("running", { waits: "code changed" })],
  ["running | rows: 120 of 1,500", row("running", { progress: [{ done: 120, total: 1500, label: "rows" }] })],
  ["running | in kernel 7 on mars", row("running", { elsewhere: "kernel 7 on mars" })],
];

for (const [expected, found] of LIVE) {
  test(`a badge says: ${expected}`, () => {
    assert.equal(said(sight({ row: found })), expected);
  });
}

test("what goes on is told by when it began, so that nothing else is drawn anew for it", () => {
  const badge = badgeOf(sight({ row: row("running", { usual_seconds: 41 }) }));

  assert.deepEqual(badge.since, { at: 100, usual: 41 });
  assert.equal(sinceText({ at: 100, usual: 41 }, 112.7), "12 s of about 41 s");
  assert.equal(sinceText({ at: 100, usual: null }, 100.2), "0 s");
});

const SNAPSHOT: Snapshot = { step: "clean", state: "completed", seconds: 41, at: 50, digest: "9a3f01bc" };

test("without a live kernel it is told as it was saved, quietly", () => {
  for (const link of ["no kernel", "connecting", "absent"] as const) {
    const badge = badgeOf(sight({ link, isKnown: false, snapshot: SNAPSHOT }));

    assert.deepEqual([badge.word, badge.time, badge.why, badge.isSaved], ["completed", "41 s", "as saved", true]);
  }
});

test("a kernel that has durable_nb but has not told of its steps yet does not hide what was saved", () => {
  assert.equal(said(sight({ isKnown: false, snapshot: SNAPSHOT })), "completed | 41 s | as saved");
});

test("a cell that was edited since says so", () => {
  assert.equal(
    said(sight({ link: "no kernel", isKnown: false, snapshot: SNAPSHOT, digest: "00000000" })),
    "completed | 41 s | as saved, edited since",
  );
});

test("a step that was running when its notebook was saved is not said to run", () => {
  const badge = badgeOf(sight({ link: "absent", isKnown: false, snapshot: { ...SNAPSHOT, state: "running" } }));

  assert.equal(badge.word, "was running when this was saved");
  assert.equal(badge.since, null);
});

test("what was saved of another step is not of this one", () => {
  assert.equal(said(sight({ link: "absent", isKnown: false, snapshot: SNAPSHOT, name: "copied" })), "step");
});

test("a live kernel is believed, whatever was saved", () => {
  assert.equal(said(sight({ snapshot: SNAPSHOT })), "pending");
});

test("a cell whose marker is wrong cannot run, unless it has results to show", () => {
  const mark = {
    cell: "c1",
    line: 0,
    start: 0,
    end: 1,
    text: "unknown option --retires",
    next: "did you mean --retries?",
  };
  const expected = "cannot run | unknown option --retires; did you mean --retries?";

  assert.equal(said(sight({ mark })), expected);
  assert.equal(said(sight({ mark, row: row("pending") })), expected);
  assert.equal(said(sight({ mark, row: row("completed", { stale: false }) })), "completed | 41 s");
});

test("colours of terminals and lines do not come into a badge", () => {
  assert.equal(
    said(sight({ row: row("failed", { error: "\x1b[31mValueError\x1b[0m: a\n  b" }) })),
    "failed | 41 s | ValueError: a b",
  );
});

test("a name that the cell does not say is shown", () => {
  const badge = badgeOf(sight({ name: "", row: row("completed") }));

  assert.deepEqual([badge.step, badge.isNamed], ["clean", false]);
});

test("the card says where it is known from", () => {
  const when = (): string => "3 h ago";

  assert.equal(
    standing(sight({ link: "absent", isKnown: false, snapshot: SNAPSHOT }), when),
    "As saved with the notebook: completed 3 h ago. Run the cell with %load_ext durable_nb to see how it stands now.",
  );
  assert.equal(standing(sight({ row: row("completed", { stale: false }) }), when), "Its results are up to date.");
});

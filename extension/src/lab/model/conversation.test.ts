import assert from "node:assert/strict";
import { test } from "node:test";
import type { AskError } from "../../dashboard/connection";
import type { Traits } from "../../dashboard/contract";
import { ABSENT, Conversation, INTERRUPTED, NO_KERNEL, RESTARTED, type Listener } from "./conversation";
import { rowOfBeat, type Question, type RunRequest } from "./wire";

/** A notebook's side of a conversation: what it was told, and what it sent. */
class Page implements Listener {
  readonly talk = new Conversation("page", this);
  readonly sent: Question[] = [];
  readonly runs: RunRequest[] = [];
  changes: (keyof Traits | null)[] = [];
  found_ = 0;
  ended_ = 0;

  changed(name: keyof Traits | null): void {
    this.changes.push(name);
  }

  found(): void {
    this.found_ += 1;
  }

  ended(): void {
    this.ended_ += 1;
  }

  opened(): void {
    this.talk.ask("hello", {}).catch(() => undefined);
  }

  run(request: RunRequest): void {
    this.runs.push(request);
  }

  open(): void {
    this.talk.opened((question) => this.sent.push(question));
  }
}

const BEAT_ROW = {
  step: "clean",
  cell: "c1",
  state: "running",
  seconds: null,
  started_at: 100,
  usual_seconds: 41,
  waits: "code changed",
  attempts: 1,
} as const;

function steps(at: number, ...states: Traits["steps"]["rows"][number]["state"][]): Traits["steps"] {
  const rows = states.map((state, index) => ({ ...rowOfBeat({ ...BEAT_ROW, state }, index), bytes: 7 }));
  return { at, note: "", plan_at: at, totals: { counts: {}, would: "" }, rows, graph: null, marks: [] };
}

function live(page: Page, session = "s1"): void {
  page.talk.kernelBegins();
  page.talk.heard({ type: "view", session, name: "steps", content: steps(10, "pending") });
}

const refused = (problem: object) => (error: AskError) => {
  assert.deepEqual(error.problem, problem);
  return true;
};

test("without a kernel, or with one that has no durable_nb, questions are refused at once", async () => {
  const page = new Page();

  await assert.rejects(page.talk.ask("detail", {}), refused(NO_KERNEL));
  page.talk.kernelBegins();
  page.talk.notFound();
  await assert.rejects(page.talk.ask("detail", {}), refused(ABSENT));
  assert.equal(page.talk.state, "absent");
});

test("whatever a kernel says of itself makes it one with durable_nb, and a way to ask is wanted once", () => {
  const page = new Page();
  page.talk.kernelBegins();

  page.talk.heard({ type: "loaded", session: "s1", version: "0.1.0" });
  page.talk.heard({ type: "view", session: "s1", name: "panel", content: { busy: false } });

  assert.equal(page.talk.state, "live");
  assert.equal(page.found_, 1);
});

test("what was asked before there is a way is asked after the greeting", () => {
  const page = new Page();
  live(page);
  void page.talk.ask("detail", { step: "clean" });

  assert.deepEqual(page.sent, []);
  page.open();

  assert.deepEqual(
    page.sent.map(({ ask }) => ask),
    ["hello", "detail"],
  );
});

test("an answer reaches who asked; one to another page reaches nobody", async () => {
  const page = new Page();
  live(page);
  page.open();
  const asked = page.talk.ask("detail", { step: "clean" });
  const id = page.sent.at(-1)?.id;

  page.talk.heard({ type: "answer", session: "s1", client: "other", id, ok: "theirs" });
  page.talk.heard({ type: "answer", session: "s1", client: "page", id, ok: "ours" });

  assert.equal(await asked, "ours");
});

test("a refusal comes with its problem", async () => {
  const page = new Page();
  live(page);
  page.open();
  const asked = page.talk.ask("act", {});

  const problem = { kind: "error", text: "a cell runs", next: "wait" };
  page.talk.heard({ type: "answer", session: "s1", client: "page", id: page.sent.at(-1)?.id, problem });

  await assert.rejects(asked, refused(problem));
});

test("after a restart nothing of the old kernel is left, and its late messages are not heard", async () => {
  const page = new Page();
  live(page);
  page.open();
  const asked = page.talk.ask("detail", {});

  page.talk.kernelBegins();
  page.talk.heard({ type: "view", session: "s1", name: "steps", content: steps(11, "running") });

  await assert.rejects(asked, refused(RESTARTED));
  assert.equal(page.talk.get("steps"), null);
  assert.equal(page.talk.state, "connecting");
  page.talk.heard({ type: "view", session: "s2", name: "steps", content: steps(12, "completed") });
  assert.equal(page.talk.get("steps")?.rows[0]?.state, "completed");
});

test("durable_nb that is loaded anew in the same kernel begins anew", () => {
  const page = new Page();
  live(page);

  page.talk.heard({ type: "loaded", session: "s2", version: "0.1.0" });

  assert.equal(page.talk.get("steps"), null);
  assert.deepEqual([page.ended_, page.found_], [1, 2]);
});

test("durable_nb that is unloaded is gone", () => {
  const page = new Page();
  live(page);

  page.talk.heard({ type: "unloaded", session: "s1" });

  assert.equal(page.talk.state, "absent");
  assert.equal(page.talk.get("steps"), null);
  assert.equal(page.ended_, 1);
});

test("while the way to the kernel is lost, what it said stays; what has no answer yet will have none", async () => {
  const page = new Page();
  live(page);
  page.open();
  const asked = page.talk.ask("act", {});

  page.talk.connectionLost();
  const later = page.talk.ask("detail", {});

  await assert.rejects(asked, refused(INTERRUPTED));
  assert.equal(page.talk.get("steps")?.rows.length, 1);
  page.open();
  assert.equal(page.sent.at(-1)?.ask, "detail");
  page.talk.heard({ type: "answer", session: "s1", client: "page", id: page.sent.at(-1)?.id, ok: 1 });
  assert.equal(await later, 1);
});

test("a beat tells how steps stand now, and leaves what it does not know", () => {
  const page = new Page();
  live(page);

  page.talk.heard({ type: "beat", session: "s1", at: 12, rows: [BEAT_ROW] });

  const row = page.talk.get("steps")?.rows[0];
  assert.deepEqual([row?.state, row?.started_at, row?.bytes], ["running", 100, 7]);
  assert.equal(page.talk.isBusy, true);
});

test("a table that is newer than the beat holds, and so does the one that stands when the cell has ended", () => {
  const page = new Page();
  live(page);
  page.talk.heard({ type: "beat", session: "s1", at: 12, rows: [BEAT_ROW] });

  page.talk.heard({ type: "view", session: "s1", name: "steps", content: steps(13, "completed") });
  assert.equal(page.talk.get("steps")?.rows[0]?.state, "completed");

  page.talk.heard({ type: "beat", session: "s1", at: 14, rows: [BEAT_ROW] });
  page.talk.heard({ type: "view", session: "s1", name: "panel", content: { busy: false } });
  assert.equal(page.talk.get("steps")?.rows[0]?.state, "completed");
  assert.equal(page.talk.isBusy, false);
});

test("a page that is new while a cell runs knows the steps from a beat alone", () => {
  const page = new Page();
  page.talk.kernelBegins();

  page.talk.heard({ type: "beat", session: "s1", at: 12, rows: [BEAT_ROW] });

  assert.deepEqual(page.talk.get("steps")?.totals.counts, { running: 1 });
  assert.equal(page.talk.get("steps")?.rows[0]?.cell, "c1");
});

test("cells to run are for the page that is meant", () => {
  const page = new Page();
  live(page);

  page.talk.heard({ type: "run", session: "s1", client: "other", request: "r0", cells: ["c1"], steps: ["clean"] });
  page.talk.heard({ type: "run", session: "s1", client: "page", request: "r1", cells: ["c1"], steps: ["clean"] });

  assert.deepEqual(page.runs, [{ request: "r1", cells: ["c1"], steps: ["clean"] }]);
});

test("what is no message of ours is not heard", () => {
  const page = new Page();
  page.talk.kernelBegins();

  for (const data of [null, "what?", { type: "view", name: "steps", content: {} }, { type: "later", session: "s1" }]) {
    page.talk.heard(data);
  }

  assert.equal(page.talk.state, "connecting");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { State, StepRow } from "../../dashboard/contract";
import { digestOf } from "./digest";
import { snapshotAfter, snapshotOf, type Seen, type Snapshot } from "./snapshot";
import { rowOfBeat } from "./wire";

const SOURCE = "%%step clean\nx = 1";
const NOW = 200;

function row(state: State, more: Partial<StepRow> = {}): StepRow {
  const told = { step: "clean", cell: "c1", state, seconds: 41, started_at: 100, usual_seconds: null };
  return { ...rowOfBeat({ ...told, waits: "", attempts: 1 }, 0), ...more };
}

function before(state: State, more: Partial<Seen> = {}): Seen {
  return { state, startedAt: 100, elsewhere: false, ...more };
}

function after(
  was: Seen | null,
  now: StepRow,
  ranAt: number | null = 99,
  kept: Snapshot | null = null,
): Snapshot | null {
  return snapshotAfter(was, now, ranAt, kept, SOURCE, NOW);
}

test("what was run from here and has ended is written, with the cell it was", () => {
  const expected = { step: "clean", state: "completed", seconds: 41, at: NOW, digest: digestOf(SOURCE) };

  assert.deepEqual(after(before("pending", { startedAt: null }), row("completed")), expected);
});

test("that it runs is written as well", () => {
  assert.deepEqual(after(before("pending"), row("running", { started_at: 150 }))?.at, 150);
});

test("to open a notebook writes nothing", () => {
  assert.equal(after(null, row("completed"), null), null);
});

test("a step that ended before the kernel first told of it is written if it was run from here", () => {
  assert.equal(after(null, row("reused", { started_at: 100 }), 99)?.state, "reused");
  assert.equal(after(null, row("completed", { started_at: 20 }), 99), null);
});

test("a page that was loaded anew while a step runs writes how it ends", () => {
  assert.equal(after(before("running"), row("failed"), null)?.state, "failed");
});

test("what another process does is its own affair", () => {
  assert.equal(after(before("pending"), row("running", { elsewhere: "kernel 7" })), null);
  assert.equal(after(before("running", { elsewhere: true }), row("completed"), null), null);
});

test("the same again is written once; a second run of it again", () => {
  assert.equal(after(before("completed"), row("completed")), null);
  assert.notEqual(after(before("completed"), row("completed", { started_at: 150 })), null);
});

test("a step that is pending or was edited has not ended", () => {
  assert.equal(after(before("failed"), row("pending")), null);
});

test("the digest is that of the cell when it began", () => {
  const kept: Snapshot = { step: "clean", state: "running", seconds: null, at: 100, digest: "9a3f01bc" };

  assert.equal(after(before("running"), row("completed"), 99, kept)?.digest, "9a3f01bc");
  assert.equal(after(before("running"), row("completed"), 99, { ...kept, step: "other" })?.digest, digestOf(SOURCE));
});

test("metadata that cannot be understood are no snapshot", () => {
  const good = { step: "clean", state: "completed", seconds: 41.2, at: 1790000000.123, digest: "9a3f01bc" };

  assert.deepEqual(snapshotOf(good), good);
  assert.equal(snapshotOf({ ...good, seconds: "long" })?.seconds, null);
  for (const wrong of [null, "clean", [], { ...good, state: "pending" }, { ...good, step: 1 }, { ...good, at: null }]) {
    assert.equal(snapshotOf(wrong), null);
  }
});

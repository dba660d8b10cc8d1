import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action, State, StepRow } from "../contract";
import { isStale, nextAction, stepActions, wouldRun } from "./steps";

function action(name: string, whyNot = ""): Action {
  return { do: name, title: name, why_not: whyNot };
}

function row(state: State, actions: Action[], more: Partial<StepRow> = {}): StepRow {
  return {
    step: "s",
    cell: "",
    position: 0,
    state,
    waits: "",
    stale: null,
    seconds: null,
    usual_seconds: null,
    started_at: null,
    attempts: 0,
    saved_seconds: 0,
    bytes: 0,
    timeline: [],
    progress: [],
    given: [],
    elsewhere: "",
    actions,
    ...more,
  };
}

test("what a person most likely wants is offered without opening the row", () => {
  const all = ["run", "retry", "cancel"].map((name) => action(name));

  assert.equal(nextAction(row("failed", all))?.do, "retry");
  assert.equal(nextAction(row("running", all))?.do, "cancel");
  assert.equal(nextAction(row("pending", all))?.do, "run");
  assert.equal(nextAction(row("completed", all, { stale: true }))?.do, "run");
});

test("nothing is offered that is up to date, waits for its turn, or cannot be done", () => {
  const run = action("run");

  assert.equal(nextAction(row("reused", [run], { stale: false })), undefined);
  assert.equal(nextAction(row("pending", [run], { queued: true })), undefined);
  assert.equal(nextAction(row("pending", [action("run", "a cell runs")])), undefined);
});

test("a step that has no result is not stale", () => {
  assert.ok(!isStale(row("failed", [], { stale: true })));
  assert.ok(isStale(row("reused", [], { stale: true })));
});

test("to retry is to run: one button is enough", () => {
  const actions = ["run", "retry", "run_from"].map((name) => action(name));

  assert.deepEqual(
    stepActions(row("failed", actions)).map((one) => one.do),
    ["retry", "run_from"],
  );
});

test("what belongs to an output or to the options stands there", () => {
  const actions = ["run", "set_output", "edit_options", "invalidate"].map((name) => action(name));

  assert.deepEqual(
    stepActions(row("completed", actions)).map((one) => one.do),
    ["run", "invalidate"],
  );
});

test("running what is not up to date runs what would execute, but not what runs or waits for its turn", () => {
  assert.equal(wouldRun(row("completed", [], { stale: true })), true);
  assert.equal(wouldRun(row("failed", [])), true);
  assert.equal(wouldRun(row("pending", [], { stale: false })), false);
  assert.equal(wouldRun(row("completed", [])), false);
  assert.equal(wouldRun(row("running", [], { stale: true })), false);
  assert.equal(wouldRun(row("pending", [], { stale: true, queued: true })), false);
});

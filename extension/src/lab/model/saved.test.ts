import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "./digest";
import { loadsItself, savedSteps, type KeptCell } from "./saved";

function cell(source: string, snapshot: unknown = undefined, type = "code"): KeptCell {
  return { id: source.slice(0, 12), type, source, snapshot };
}

const CLEAN = "%%step clean\ndf = 1";

test("a step is told as it was when the notebook was saved", () => {
  const kept = { step: "clean", state: "completed", seconds: 41.2, at: 1790000000, digest: digestOf(CLEAN) };

  assert.deepEqual(savedSteps([cell("x = 1"), cell(CLEAN, kept)]), [
    { step: "clean", cell: CLEAN.slice(0, 12), state: "completed", seconds: 41.2, at: 1790000000, edited: false },
  ]);
});

test("a cell that is another one since says so", () => {
  const kept = { step: "clean", state: "failed", seconds: 1, at: 5, digest: digestOf("%%step clean\ndf = 2") };

  assert.equal(savedSteps([cell(CLEAN, kept)])[0]?.edited, true);
});

test("a step that never ran is pending; what is no step is none, whatever is kept with it", () => {
  const kept = { step: "old", state: "completed", seconds: 1, at: 5, digest: "0" };

  const found = savedSteps([cell("# step: a"), cell("df = 1", kept), cell(CLEAN, undefined, "markdown")]);

  assert.deepEqual(
    found.map(({ step, state, at }) => [step, state, at]),
    [["a", "pending", null]],
  );
});

test("a step without a name of its own has the one that it was saved with", () => {
  const kept = { step: "df", state: "completed", seconds: 1, at: 5, digest: "0" };

  assert.equal(savedSteps([cell("%%step\ndf = 1", kept)])[0]?.step, "df");
  assert.deepEqual(savedSteps([cell("%%step\ndf = 1")]), []);
});

test("a notebook loads durable_nb itself where a cell says so", () => {
  assert.equal(loadsItself([cell("import os\n%load_ext durable_nb")]), true);
  assert.equal(loadsItself([cell("%reload_ext durable_nb  # again")]), true);
  assert.equal(loadsItself([cell("# %load_ext durable_nb"), cell("%load_ext durable_nb_2")]), false);
  assert.equal(loadsItself([cell("%load_ext durable_nb", undefined, "markdown")]), false);
});

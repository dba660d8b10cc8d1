import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRow } from "../contract";
import {
  ALL_RUNS,
  filtered,
  hiddenFilters,
  isFiltered,
  isSame,
  sharedParameters,
  sorted,
  tagsOf,
  toggled,
} from "./runs";

function run(parameters: Record<string, string>, tags: RunRow["tags"] = {}): RunRow {
  return {
    run_id: "r",
    notebook: "n.ipynb",
    state: "failed",
    started_at: 0,
    finished_at: null,
    seconds: null,
    counts: {},
    parameters,
    tags,
    error: "",
    parent_run_id: null,
    user: "",
    host: "",
    output: "",
  };
}

test("a changed filter begins on the first page", () => {
  assert.equal(filtered({ ...ALL_RUNS, page: 7 }, { text: "KeyError" }).page, 1);
});

test("a state is chosen and let go", () => {
  const once = toggled(ALL_RUNS, "failed");

  assert.deepEqual(once.states, ["failed"]);
  assert.deepEqual(toggled(once, "failed").states, []);
});

test("sorting by the same column turns it round, by another begins at its natural end", () => {
  assert.equal(sorted(ALL_RUNS, "started_at").descending, false);
  assert.equal(sorted(ALL_RUNS, "notebook").descending, false);
  assert.equal(sorted(ALL_RUNS, "seconds").descending, true);
});

test("a query is the same whatever the order of its fields, and without those that are not set", () => {
  const { interactive: _, ...old } = ALL_RUNS;

  assert.ok(isSame(old, ALL_RUNS));
  assert.ok(!isSame({ ...ALL_RUNS, page: 2 }, ALL_RUNS));
});

test("filters that are set are counted", () => {
  assert.equal(hiddenFilters({ ...ALL_RUNS, tag: "ops", since: 5 }), 2);
  assert.ok(!isFiltered(ALL_RUNS));
  assert.ok(isFiltered({ ...ALL_RUNS, text: "x" }));
});

test("parameters of several runs: the value they share, or that each has its own", () => {
  const shared = sharedParameters([run({ day: "1", k: "5" }), run({ day: "2", k: "5" })]);

  assert.deepEqual(shared, [
    { name: "day", value: null, values: ["1", "2"] },
    { name: "k", value: "5", values: ["5"] },
  ]);
});

test("tags are told as they are typed", () => {
  assert.deepEqual(tagsOf(run({}, { team: "ops", nightly: "" })), ["team=ops", "nightly"]);
});

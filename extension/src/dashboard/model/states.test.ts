import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, countsOf, spokenCounts } from "./states";

test("what needs a person is told first, and states that nobody has not at all", () => {
  assert.deepEqual(counted({ completed: 3, failed: 1, pending: 0 }), [
    ["failed", 1],
    ["completed", 3],
  ]);
  assert.equal(spokenCounts({ completed: 3, failed: 1 }), "1 failed, 3 completed");
});

test("states are counted", () => {
  assert.deepEqual(countsOf(["failed", "completed", "failed"]), { failed: 2, completed: 1 });
});

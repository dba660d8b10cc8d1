import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTroubled, type Placed } from "./going";

const STEPS: Placed[] = [
  { step: "load", index: 1, state: "failed" },
  { step: "clean", index: 2, state: "completed" },
  { step: "send", index: 6, state: "waiting" },
  { step: "train", index: 4, state: "interrupted" },
];

test("it goes to the next one below, in the order of the cells", () => {
  assert.equal(nextTroubled(STEPS, 1)?.step, "train");
  assert.equal(nextTroubled(STEPS, 4)?.step, "send");
});

test("after the last it begins at the top, also where it is the only one", () => {
  assert.equal(nextTroubled(STEPS, 6)?.step, "load");
  assert.equal(nextTroubled(STEPS.slice(0, 1), 1)?.step, "load");
});

test("where nothing is wrong there is nowhere to go", () => {
  assert.equal(nextTroubled([{ step: "a", index: 0, state: "blocked" }], 0), null);
  assert.equal(nextTroubled([], 0), null);
});

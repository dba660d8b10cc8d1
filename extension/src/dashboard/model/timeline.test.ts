import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stretch } from "../contract";
import { barsOf, scaleOf } from "./timeline";

function ran(start: number, end: number | null): Stretch {
  return { start, end, state: end === null ? "running" : "completed", attempt: 1 };
}

test("stretches that follow each other share the width by their duration", () => {
  const rows = [[ran(100, 130)], [ran(130, 200)]];

  const scale = scaleOf(rows, 200);

  assert.deepEqual([100, 130, 200].map(scale), [0, 0.3, 1]);
});

test("a night in which nothing ran takes little of the width", () => {
  const scale = scaleOf([[ran(0, 100)], [ran(86400, 86500)]], 86500);

  assert.ok(scale(86400) - scale(100) < 0.04);
  assert.equal(scale(86500), 1);
});

test("what runs reaches up to now", () => {
  const scale = scaleOf([[ran(0, 10)], [ran(10, null)]], 40);

  const [bar] = barsOf([ran(10, null)], scale, 40);

  assert.equal(bar?.left, 0.25);
  assert.equal(bar?.width, 0.75);
  assert.equal(bar?.seconds, 30);
});

test("no attempt, and one without a duration, have a place all the same", () => {
  assert.equal(scaleOf([], 5)(3), 0);
  assert.deepEqual(barsOf([ran(7, 7)], scaleOf([[ran(7, 7)]], 7), 7), [
    { left: 0, width: 0, state: "completed", attempt: 1, seconds: 0 },
  ]);
});

test("a clock that went back makes no bar of negative width", () => {
  const rows = [ran(10, 5)];

  assert.ok(barsOf(rows, scaleOf([rows], 20), 20).every((bar) => bar.width >= 0));
});

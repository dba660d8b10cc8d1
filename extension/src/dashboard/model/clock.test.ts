import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "./clock";

test("clocks that are nearly the same count as the same", () => {
  const clock = new Clock(() => 100);

  clock.heard(98.9, true);

  assert.equal(clock.now(), 100);
});

test("a clock over there that is behind is followed once a message was just sent", () => {
  const clock = new Clock(() => 1000);

  clock.heard(700, true);
  clock.heard(690, true);

  assert.equal(clock.now(), 700);
});

test("a message that was kept for long says nothing of a clock that is behind", () => {
  const clock = new Clock(() => 1000);

  clock.heard(100, false);

  assert.equal(clock.now(), 1000);
});

test("a message from the future says that the clock there is ahead, kept or not", () => {
  const clock = new Clock(() => 1000);

  clock.heard(1300, false);

  assert.equal(clock.now(), 1300);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, compact, duration, elapsed, plainText, shortened, size } from "./wording";

test("durations are told as on the command line", () => {
  const told = [0, 0.008, 0.9996, 4.14, 9.96, 41, 192, 7500, 3600, 273600].map(duration);

  assert.deepEqual(told, [
    "0 ms",
    "8 ms",
    "1.0 s",
    "4.1 s",
    "10 s",
    "41 s",
    "3 min 12 s",
    "2 h 5 min",
    "1 h",
    "3 d 4 h",
  ]);
});

test("what goes on is told in whole seconds", () => {
  assert.deepEqual([-3, 0.4, 4.9, 61].map(elapsed), ["0 s", "0 s", "4 s", "1 min 1 s"]);
});

test("sizes have two digits or more", () => {
  assert.deepEqual([0, 812, 2300, 48_300, 999_600, 31_200_000].map(size), [
    "0 B",
    "812 B",
    "2.3 kB",
    "48 kB",
    "1.0 MB",
    "31 MB",
  ]);
});

test("large numbers of things are told short where there is little room", () => {
  assert.deepEqual([9, 9_999, 12_300, 1_204_332].map(compact), ["9", "9,999", "12 k", "1.2 M"]);
});

test("how long ago, a clock ahead included", () => {
  assert.deepEqual(
    [-5, 10, 300, 7200, 86400 * 3].map((past) => ago(1000, 1000 + past)),
    ["just now", "just now", "5 min ago", "2 h ago", "3 d ago"],
  );
});

test("text of a terminal: no colours, a line written over again once, no control characters", () => {
  assert.equal(plainText("\x1b[31mred\x1b[0m\n10%\r20%\r\nend\x07"), "red\n20%\nend\ufffd");
});

test("a long text loses its middle and says how much", () => {
  assert.equal(shortened("a".repeat(10), 4), "aa\n… 6 characters left out …\naa");
});

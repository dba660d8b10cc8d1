import assert from "node:assert/strict";
import { test } from "node:test";
import type { ParameterCell } from "../contract";
import { edited, heldForRuns, rangeText, stillEdited, typedError, typedErrors, withoutApplied } from "./parameters";

function cell(type: string, more: Partial<ParameterCell> = {}): ParameterCell {
  const none = { help: "", choices: null, range: null, secret: false, from: "default", by: "", at: null } as const;
  return { name: "x", type, value: "1", default: "1", last: [], ...none, ...more };
}

const GOOD: [string, string[]][] = [
  ["int", ["0", "-4", "+12", "1_000", " 7 "]],
  ["float", ["0.5", ".5", "5.", "-1e-3", "inf", "nan", "3"]],
  ["bool", ["true", "False"]],
  ["date", ["2026-11-01", "2024-02-29"]],
  ["datetime", ["2026-11-01 06:30", "2026-11-01T06:30:00"]],
  ["json", ['{"a": [1, null]}', "3"]],
  ["str", ["", "anything"]],
];

for (const [type, texts] of GOOD) {
  test(`what fits ${type} is let through`, () => {
    assert.deepEqual(
      texts.map((text) => typedError(cell(type), text)),
      texts.map(() => ""),
    );
  });
}

const BAD: [string, string[]][] = [
  ["int", ["", "1.5", "two", "1e3"]],
  ["float", ["", "1,5", "."]],
  ["bool", ["yes", "1"]],
  ["date", ["2026-02-30", "1.11.2026", "2026-11-1"]],
  ["datetime", ["tomorrow"]],
  ["json", ["{a: 1}", ""]],
];

for (const [type, texts] of BAD) {
  test(`what does not fit ${type} is said as it is typed`, () => {
    assert.ok(texts.every((text) => typedError(cell(type), text) !== ""));
  });
}

test("None fits where it is allowed, and nowhere else", () => {
  assert.equal(typedError(cell("int", { optional: true }), "None"), "");
  assert.notEqual(typedError(cell("int"), "None"), "");
});

test("a number outside its range, and a choice that is none, are told with what is expected", () => {
  const ranged = cell("float", { range: [0, 1] });

  assert.equal(typedError(ranged, "1.2"), "from 0 to 1");
  assert.equal(typedError(ranged, "1"), "");
  assert.equal(typedError(cell("choice", { choices: ["UA", "AA"] }), "DL"), "one of UA, AA");
  assert.equal(rangeText(cell("int", { range: [1, null] })), "at least 1");
});

test("a value typed back to what it was is no edit", () => {
  const edits = edited(edited({}, cell("int"), "2"), cell("int"), "1");

  assert.deepEqual(edits, {});
});

test("new values from the kernel end the edits they fulfil, and those of names that are gone", () => {
  const edits = { x: "2", y: "3", gone: "4" };
  const cells = [cell("int", { value: "2" }), cell("int", { name: "y" })];

  assert.deepEqual(stillEdited(edits, cells), { y: "3" });
});

test("edits that stay are the same object, so that nothing is asked anew", () => {
  const edits = { x: "2" };

  assert.equal(stillEdited(edits, [cell("int")]), edits);
});

test("errors are told by name", () => {
  assert.deepEqual(typedErrors({ x: "two" }, [cell("int")]), { x: "a whole number" });
});

test("a value that only runs take is told, unless it is a secret or the same", () => {
  const edit = { value: "2", by: "anna", at: 0 };
  assert.equal(heldForRuns(cell("int", { edit })), edit);
  assert.equal(heldForRuns(cell("int", { edit, value: "2" })), null);
  assert.equal(heldForRuns(cell("int", { edit, secret: true })), null);
  assert.equal(heldForRuns(cell("int")), null);
});

test("what was applied is no edit any more, what was typed meanwhile is", () => {
  assert.deepEqual(withoutApplied({ x: "2", y: "3" }, { x: "2", y: "4" }), { y: "3" });
});

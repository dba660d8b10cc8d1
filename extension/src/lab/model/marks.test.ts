import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mark } from "../../dashboard/contract";
import { stretchesOf } from "./marks";

const TEXT = "# a note\n%%step clean --retry 3\n\nx = 1";

function linesOf(text: string): (line: number) => { from: number; to: number } | null {
  const lines = text.split("\n");
  return (line) => {
    const content = lines[line];
    const from = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0);
    return content === undefined ? null : { from, to: from + content.length };
  };
}

function mark(line: number, start: number, end: number): Mark {
  return { cell: "c", line, start, end, text: `${line}:${start}`, next: "" };
}

function marked(...marks: Mark[]): string[] {
  return stretchesOf(marks, linesOf(TEXT)).map(({ from, to }) => TEXT.slice(from, to));
}

test("the wrong word is found in its line", () => {
  assert.deepEqual(marked(mark(1, 13, 20)), ["--retry"]);
});

test("several stand in the order of the text", () => {
  assert.deepEqual(marked(mark(1, 13, 20), mark(1, 7, 12)), ["clean", "--retry"]);
});

test("something that is missing is marked by what stands before it", () => {
  assert.deepEqual(marked(mark(1, 22, 22)), ["3"]);
  assert.deepEqual(marked(mark(1, 7, 7)), ["c"]);
});

test("what lies outside of the text, which was edited since, does no harm", () => {
  assert.deepEqual(marked(mark(9, 0, 4), mark(2, 0, 4)), []);
  assert.deepEqual(marked(mark(3, 3, 99), mark(3, 80, 99)), [" 1", "1"]);
});

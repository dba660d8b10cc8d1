import assert from "node:assert/strict";
import { test } from "node:test";
import { findMarker, renamed, withMarker, withoutMarker } from "./marker";

const FOUND: [string, string, number][] = [
  ["%%step clean --retries 3\nx = 1", "clean --retries 3", 0],
  ["# step: clean --retries 3\nx = 1", "clean --retries 3", 0],
  ["#step:clean", "clean", 0],
  ["#  step:   clean  ", "clean", 0],
  ["# why\n\n  # because\n%%step clean", "clean", 3],
  ["  %%step clean\r\nx = 1", "clean", 0],
  ["%%step", "", 0],
  ["%%step\tclean", "clean", 0],
  ["\u00a0%%step clean", "clean", 0],
  ["# one\x0c# step: clean", "clean", 1],
];

for (const [source, text, line] of FOUND) {
  test(`the marker of ${JSON.stringify(source)}`, () => {
    const found = findMarker(source);

    assert.deepEqual([found?.text, found?.line], [text, line]);
  });
}

for (const source of ["", "x = 1\n%%step clean", "%%steps", "%%stepclean", "# steps: clean", "\ufeff%%step clean"]) {
  test(`${JSON.stringify(source)} has none`, () => {
    assert.equal(findMarker(source), null);
  });
}

test("a name ends where its word does, and an option is no name", () => {
  assert.equal(findMarker("%%step 'clean' --ttl 2d")?.name, "clean");
  assert.equal(findMarker("%%step --retries 3")?.name, "");
});

test("a cell becomes a step, and stops being one, and nothing else of it changes", () => {
  const source = "# about\nx = 1\n";

  assert.equal(withMarker(source, "clean"), "%%step clean\n# about\nx = 1\n");
  assert.equal(withoutMarker(withMarker(source, "clean")), source);
  assert.equal(withoutMarker("# about\r\n%%step clean --ttl 2d\r\nx = 1"), "# about\r\nx = 1");
  assert.equal(withoutMarker("%%step clean"), "");
  assert.equal(withoutMarker(source), source);
});

test("a step gets another name, with its options, blanks and everything around as they were", () => {
  assert.equal(
    renamed("# a\n  %%step  clean   --retries 3 \nclean = 1", "tidy"),
    "# a\n  %%step  tidy   --retries 3 \nclean = 1",
  );
  assert.equal(renamed("# step: clean", "tidy"), "# step: tidy");
  assert.equal(renamed("# step:\nx = 1", "tidy"), "# step: tidy\nx = 1");
  assert.equal(renamed("%%step --retries 3", "tidy"), "%%step tidy --retries 3");
  assert.equal(renamed("x = 1", "tidy"), "x = 1");
  assert.equal(renamed("# step: step --retries 3", "tidy"), "# step: tidy --retries 3");
});

test("a step that is made a step is renamed", () => {
  assert.equal(withMarker("# step: clean --always\nx", "tidy"), "# step: tidy --always\nx");
});

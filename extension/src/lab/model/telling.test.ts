import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf } from "./places";
import { Telling, type ShownCell } from "./telling";
import { rowOfBeat } from "./wire";

function cell(id: string, source = `# step: ${id}`, type = "code"): ShownCell {
  return { id, type, source, tags: [] };
}

test("everything is told first, then only what is new or another one", () => {
  const telling = new Telling();

  assert.deepEqual(Object.keys(telling.news([cell("a"), cell("b")])?.cells ?? {}), ["a", "b"]);
  assert.deepEqual(telling.news([cell("a"), cell("b", "y")]), {
    order: ["a", "b"],
    cells: { b: { type: "code", source: "y", tags: [] } },
  });
  assert.equal(telling.news([cell("a"), cell("b", "y")]), null);
});

test("another order is news, with no cell in it", () => {
  const telling = new Telling();
  telling.news([cell("a"), cell("b")]);

  assert.deepEqual(telling.news([cell("b"), cell("a")]), { order: ["b", "a"], cells: {} });
  assert.deepEqual(telling.news([cell("b")]), { order: ["b"], cells: {} });
});

test("a cell that came back, or that the kernel does not know, is told again", () => {
  const telling = new Telling();
  telling.news([cell("a"), cell("b")]);
  telling.news([cell("a")]);

  assert.deepEqual(Object.keys(telling.news([cell("a"), cell("b")])?.cells ?? {}), ["b"]);
  telling.forgetCells(["a"]);
  assert.deepEqual(Object.keys(telling.news([cell("a"), cell("b")])?.cells ?? {}), ["a"]);
  telling.forget();
  assert.equal(Object.keys(telling.news([cell("a"), cell("b")])?.cells ?? {}).length, 2);
});

const TOLD = { state: "running", seconds: null, started_at: 1, usual_seconds: null, waits: "", attempts: 1 } as const;

test("a step is where the kernel says, and else where its name stands", () => {
  const rows = [
    rowOfBeat({ ...TOLD, step: "load", cell: "x" }, 0),
    rowOfBeat({ ...TOLD, step: "clean", cell: "" }, 1),
    rowOfBeat({ ...TOLD, step: "gone", cell: "" }, 2),
  ];

  const found = placesOf(rows, () => [
    cell("x", "%%step load"),
    cell("y", "%%step clean"),
    cell("z", "%%step gone", "raw"),
  ]);

  assert.equal(found.rows.get("y")?.step, "clean");
  assert.deepEqual(
    [...found.cells],
    [
      ["load", "x"],
      ["clean", "y"],
    ],
  );
});

test("the cells are not read where the kernel knows them all", () => {
  const rows = [rowOfBeat({ ...TOLD, step: "load", cell: "x" }, 0)];

  assert.equal(placesOf(rows, () => assert.fail("nobody needs them")).cells.get("load"), "x");
});

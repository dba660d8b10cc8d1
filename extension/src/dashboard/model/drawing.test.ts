import assert from "node:assert/strict";
import { test } from "node:test";
import { edgePath } from "./drawing";

test("a line goes straight down where it can, and bends where it must", () => {
  assert.equal(
    edgePath([
      [10, 0],
      [10, 40],
      [30, 80],
    ]),
    "M10 0V40C10 60 30 60 30 80",
  );
  assert.equal(edgePath([]), "");
});

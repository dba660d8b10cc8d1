import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOf } from "./placing";

const ROOM = { width: 1000, height: 800 };

test("a card stands below what it belongs to, and grows downwards to the edge", () => {
  const found = placeOf({ top: 100, bottom: 120, left: 50 }, 400, ROOM, false);

  assert.deepEqual(found, { left: "50px", top: "124px", bottom: "auto", maxHeight: "668px" });
});

test("above it hangs from its lower edge", () => {
  const found = placeOf({ top: 700, bottom: 720, left: 50 }, 400, ROOM, true);

  assert.deepEqual(found, { left: "50px", top: "auto", bottom: "104px", maxHeight: "688px" });
});

test("it stays within the window to the right and to the left", () => {
  assert.equal(placeOf({ top: 0, bottom: 20, left: 900 }, 400, ROOM, false).left, "592px");
  assert.equal(placeOf({ top: 0, bottom: 20, left: -300 }, 400, ROOM, false).left, "8px");
});

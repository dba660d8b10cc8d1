import assert from "node:assert/strict";
import { test } from "node:test";
import { standingOf, type Seen } from "./standing";

const SEEN: Seen = { link: "live", language: "python", busy: false, told: true };

test("steps are shown once the kernel has told of them", () => {
  assert.equal(standingOf(SEEN), "live");
  assert.equal(standingOf({ ...SEEN, busy: true }), "live");
  assert.equal(standingOf({ ...SEEN, told: false }), "connecting");
});

test("a kernel that runs a cell and does not answer is silent, not without durable_nb", () => {
  assert.equal(standingOf({ ...SEEN, told: false, busy: true }), "silent");
  assert.equal(standingOf({ ...SEEN, link: "connecting", told: false, busy: true }), "silent");
});

test("a kernel without durable_nb can load it, unless it speaks another language", () => {
  assert.equal(standingOf({ ...SEEN, link: "absent" }), "absent");
  assert.equal(standingOf({ ...SEEN, link: "absent", language: "" }), "absent");
  assert.equal(standingOf({ ...SEEN, link: "absent", language: "Python" }), "absent");
  assert.equal(standingOf({ ...SEEN, link: "absent", language: "R" }), "other language");
});

test("without a kernel that is said, whatever is kept", () => {
  assert.equal(standingOf({ ...SEEN, link: "no kernel" }), "no kernel");
});

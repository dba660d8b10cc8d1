import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf } from "./ends";

test("a cell that ran is ok", () => {
  assert.equal(endOf({ ran: true }), "ok");
});

test("a cell whose code raised ended with an error", () => {
  assert.equal(endOf({ error: { errorName: "KeyError", message: "KernelReplyNotOK: KeyError" } }), "error");
});

test("a cell that the kernel or the notebook did not run was aborted", () => {
  assert.equal(endOf({ ran: false }), "aborted");
  assert.equal(endOf({ error: { errorName: undefined, message: "KernelReplyNotOK" } }), "aborted");
  assert.equal(endOf({ error: new Error("Canceled future") }), "aborted");
});

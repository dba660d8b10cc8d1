import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, digestOf } from "./digest";

test("the checksum is that of zlib", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

test("a digest is of the bytes, in eight digits, and white space at the end does not count", () => {
  assert.equal(digestOf("123456789"), "cbf43926");
  assert.equal(digestOf("x = 'é'\n \u00a0\n"), digestOf("x = 'é'"));
  assert.notEqual(digestOf("x = 'é'"), digestOf("x = 'e'"));
  assert.equal(digestOf(""), "00000000");
});

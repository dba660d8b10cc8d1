import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DEFAULTS, optionsOf } from "./options";

test("what is set is taken", () => {
  const set = {
    badges: false,
    livePlan: false,
    planDelay: 1500,
    underlines: false,
    markerStyle: "comment",
    confirmRun: false,
  };

  assert.deepEqual(optionsOf(set), set);
});

test("where nothing is set the defaults hold", () => {
  assert.deepEqual(optionsOf({}), DEFAULTS);
});

test("a value of another kind is as if it were not set", () => {
  const odd = { badges: "no", planDelay: "fast", markerStyle: "tag", underlines: null, confirmRun: 1, livePlan: 0 };

  assert.deepEqual(optionsOf(odd), DEFAULTS);
});

test("a delay stays within what a person notices and what a kernel bears", () => {
  assert.equal(optionsOf({ planDelay: 0 }).planDelay, 100);
  assert.equal(optionsOf({ planDelay: 9e9 }).planDelay, 10_000);
  assert.equal(optionsOf({ planDelay: Number.NaN }).planDelay, DEFAULTS.planDelay);
});

test("the schema tells the same options and defaults", () => {
  const schema = JSON.parse(readFileSync("schema/plugin.json", "utf-8")) as {
    properties: Record<string, { default: unknown }>;
  };
  const told = Object.entries(schema.properties).map(([name, property]) => [name, property.default]);

  assert.deepEqual(Object.fromEntries(told), DEFAULTS);
});

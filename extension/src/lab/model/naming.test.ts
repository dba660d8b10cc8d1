import assert from "node:assert/strict";
import { test } from "node:test";
import { cellMagic, nameFor, wrongName } from "./naming";

test("a cell is named by what it binds first", () => {
  assert.equal(nameFor("import re\nraw = read()\nclean = raw.dropna()\nclean.head()", []), "raw");
  assert.equal(nameFor("def late(x):\n    y = 1\n    return y", []), "late");
  assert.equal(nameFor("train, test = split(df)", []), "train");
  assert.equal(nameFor("model: Forest = fit(train)", []), "model");
});

test("what is inside of a block or compared binds nothing", () => {
  assert.equal(nameFor("for i in range(3):\n    inner = i", []), "step");
  assert.equal(nameFor("a == b", []), "step");
  assert.equal(nameFor("f(x=1)", []), "step");
});

test("a cell that binds nothing is named by its comment", () => {
  assert.equal(nameFor("# Send the report!\nsend(report)", []), "send_the_report");
  assert.equal(nameFor("# 3 plots\nplot(df)", []), "step");
});

test("a name that is taken gets a number", () => {
  assert.equal(nameFor("df = 1", ["df"]), "df_2");
  assert.equal(nameFor("df = 1", ["df", "df_2"]), "df_3");
});

test("what Python would not take as a name is refused, and so is one that is taken", () => {
  assert.equal(wrongName("größe_2", []), "");
  assert.match(wrongName("2nd", []), /no name that Python knows/);
  assert.match(wrongName("a b", []), /no name that Python knows/);
  assert.match(wrongName("", []), /no name that Python knows/);
  assert.match(wrongName("class", []), /no name that Python knows/);
  assert.match(wrongName("clean", ["clean"]), /Another cell/);
});

test("a cell with a magic of its own is told from a step and from a line magic", () => {
  assert.equal(cellMagic("%%bash\nls"), "%%bash");
  assert.equal(cellMagic("# note\n\n%%params\nx = 1"), "%%params");
  assert.equal(cellMagic("%%step a\nx = 1"), "");
  assert.equal(cellMagic("%time x = 1"), "");
  assert.equal(cellMagic("x = 1"), "");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { AskError } from "./connection";
import { isDark } from "./theme";
import { WidgetConnection, type WidgetModel } from "./widget";

/** A widget's model as far as the panel sees it: what is sent can be looked at and answered. */
class FakeModel implements WidgetModel {
  readonly sent: { id: number; ask: string; args: object }[] = [];
  values: Record<string, unknown> = {};
  private readonly listeners = new Map<string, Set<(...args: unknown[]) => void>>();

  get(name: string): unknown {
    return this.values[name];
  }

  on(event: string, callback: (...args: unknown[]) => void): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(callback));
  }

  off(event: string, callback: (...args: unknown[]) => void): void {
    this.listeners.get(event)?.delete(callback);
  }

  send(content: unknown): void {
    this.sent.push(content as { id: number; ask: string; args: object });
  }

  receive(event: string, content?: unknown): void {
    this.listeners.get(event)?.forEach((callback) => callback(content));
  }
}

test("an answer reaches who asked, whatever the order", async () => {
  const model = new FakeModel();
  const connection = new WidgetConnection(model);

  const first = connection.ask<string>("detail", { step: "a" });
  const second = connection.ask<string>("detail", { step: "b" });
  model.receive("msg:custom", { id: model.sent[1]?.id, ok: "of b" });
  model.receive("msg:custom", { id: model.sent[0]?.id, ok: "of a" });

  assert.deepEqual(await Promise.all([first, second]), ["of a", "of b"]);
});

test("an answer of null is an answer", async () => {
  const model = new FakeModel();
  const asked = new WidgetConnection(model).ask("watching");

  model.receive("msg:custom", { id: model.sent[0]?.id, ok: null });

  assert.equal(await asked, null);
});

test("a refusal is an error with its problem", async () => {
  const model = new FakeModel();
  const asked = new WidgetConnection(model).ask("act");

  model.receive("msg:custom", { id: model.sent[0]?.id, problem: { text: "a cell runs", next: "wait" } });

  await assert.rejects(asked, (error: AskError) => error.problem.next === "wait");
});

test("messages of others are none of its business", () => {
  const model = new FakeModel();
  new WidgetConnection(model);

  model.receive("msg:custom", { id: 5, ok: 1 });
  model.receive("msg:custom", "what?");
  model.receive("msg:custom", null);

  assert.deepEqual(model.sent, []);
});

test("a view that is empty has not come yet; an empty list of jobs neither", () => {
  const model = new FakeModel();
  model.values = { steps: {}, panel: { title: "x" }, jobs: [] };
  const connection = new WidgetConnection(model);

  assert.equal(connection.get("steps"), null);
  assert.equal(connection.get("panel")?.title, "x");
  assert.equal(connection.get("jobs"), null);
});

test("who looks no more hears no more", () => {
  const model = new FakeModel();
  const connection = new WidgetConnection(model);
  let heard = 0;
  const end = connection.on("steps", () => (heard += 1));

  model.receive("change:steps");
  end();
  model.receive("change:steps");

  assert.equal(heard, 1);
});

test("dark paper is told from light, and none from both", () => {
  assert.equal(isDark("rgb(17, 17, 17)"), true);
  assert.equal(isDark("rgb(255 255 255)"), false);
  assert.equal(isDark("rgba(0, 0, 0, 0)"), null);
  assert.equal(isDark("color(srgb 1 1 1)"), null);
});

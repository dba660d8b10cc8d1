import { AskError, type Connection } from "../src/dashboard/connection";
import type { Traits } from "../src/dashboard/contract";

/** Made-up data: what is kept in step, and an answer for each question. */
export interface Story {
  traits: { [Name in keyof Traits]: Traits[Name] | null };
  answers: Record<string, (args: Record<string, unknown>, story: Story) => unknown>;
}

/** Answers out of a story, as soon as it can. */
export class SampleConnection implements Connection {
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(private readonly story: Story) {}

  get<Name extends keyof Traits>(name: Name): Traits[Name] | null {
    return this.story.traits[name];
  }

  on<Name extends keyof Traits>(name: Name, changed: () => void): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(changed));
    return () => listeners.delete(changed);
  }

  async ask<Answer>(method: string, args: object = {}): Promise<Answer> {
    const answer = this.story.answers[method];
    if (answer === undefined) {
      throw new AskError({ text: `There is no answer to ${method} in this story.`, next: "" });
    }
    return answer(args as Record<string, unknown>, this.story) as Answer;
  }
}

import { AskError } from "../../dashboard/connection";
import type { Problem, Traits } from "../../dashboard/contract";
import { Asking } from "./asking";
import { withBeat } from "./beats";
import { broadcastOf, type Beat, type Broadcast, type Question, type RunRequest } from "./wire";

/**
 * How a notebook stands to durable_nb: it has no kernel; a kernel that has not said yet whether it has durable_nb;
 * one without it; one with it.
 */
export type LinkState = "no kernel" | "connecting" | "absent" | "live";

/** Whoever is told what a kernel says. */
export interface Listener {
  /** The state, or one of the views, is another one. */
  changed(name: keyof Traits | null): void;
  /** durable_nb was heard in the kernel: a way to ask it is wanted. */
  found(): void;
  /** The durable_nb that was there is not any more, and the way to ask it leads nowhere. */
  ended(): void;
  /** There is a way to ask: what goes before everything else. */
  opened(): void;
  /** Cells are to be run here. */
  run(request: RunRequest): void;
}

export const NO_KERNEL: Problem = {
  kind: "error",
  text: "This notebook has no kernel.",
  next: "Start one in the menu Kernel, then run the cell with %load_ext durable_nb.",
};
export const ABSENT: Problem = {
  kind: "error",
  text: "durable_nb is not loaded in this kernel.",
  next: "Run the cell with %load_ext durable_nb.",
};
export const RESTARTED: Problem = {
  kind: "error",
  text: "The kernel was restarted before it answered.",
  next: "Run the cell with %load_ext durable_nb, then try again.",
};
export const INTERRUPTED: Problem = {
  kind: "error",
  text: "The connection to the kernel was lost before it answered.",
  next: "Look whether it was done; if not, try again.",
};

/** What was said between a notebook and its kernel, and how they stand to each other. */
export class Conversation {
  private readonly asking: Asking;
  private readonly over = new Set<string>();
  private views: Partial<Traits> = {};
  private beat: Beat | null = null;
  private folded: Traits["steps"] | null = null;
  private _session = "";
  private _state: LinkState = "no kernel";

  constructor(
    private readonly client: string,
    private readonly listener: Listener,
  ) {
    this.asking = new Asking(client);
  }

  get state(): LinkState {
    return this._state;
  }

  /** Which life of durable_nb in which kernel is heard; empty where none is. */
  get session(): string {
    return this._session;
  }

  /** Whether a cell runs in the kernel, as far as it has said. */
  get isBusy(): boolean {
    return this._state === "live" && (this.beat !== null || this.views.panel?.busy === true);
  }

  /** Whether questions go to the kernel, and are not kept. */
  get isOpen(): boolean {
    return this.asking.isOpen;
  }

  get<Name extends keyof Traits>(name: Name): Traits[Name] | null {
    if (name === "steps") {
      return this.folded as Traits[Name] | null;
    }
    return (this.views[name] as Traits[Name] | undefined) ?? null;
  }

  ask<Answer>(method: string, args: object): Promise<Answer> {
    if (this._state === "no kernel" || this._state === "absent") {
      return Promise.reject(new AskError(this._state === "absent" ? ABSENT : NO_KERNEL));
    }
    return this.asking.ask<Answer>(method, args);
  }

  /** There is no kernel any more. */
  kernelGone(): void {
    this.end();
    this.asking.close(NO_KERNEL);
    this.asking.refuseAll(NO_KERNEL);
    this.turn("no kernel");
  }

  /** Another kernel, or the same one begun anew: what the former one said holds no more. */
  kernelBegins(): void {
    this.end();
    this.asking.close(RESTARTED);
    this.asking.refuseAll(RESTARTED);
    this.turn("connecting");
  }

  /** The same kernel may be there, but not the way to it: what it said holds until it says something else. */
  connectionLost(): void {
    this.asking.close(INTERRUPTED);
  }

  /** The kernel says that it has no durable_nb. */
  notFound(): void {
    this.end();
    this.asking.close(ABSENT);
    this.asking.refuseAll(ABSENT);
    this.listener.ended();
    this.turn("absent");
  }

  /** There is a way to ask. */
  opened(send: (question: Question) => void): void {
    this.asking.open(send, () => this.listener.opened());
  }

  /** A message on the comm of all. */
  heard(data: unknown): void {
    const said = broadcastOf(data);
    if (said === null || this.over.has(said.session)) {
      return;
    }
    if (said.type === "unloaded") {
      if (said.session === this._session) {
        this.notFound();
      }
      return;
    }
    this.meet(said.session);
    this.take(said);
  }

  private meet(session: string): void {
    if (this._session === session) {
      return;
    }
    if (this._session !== "") {
      this.end();
      this.asking.close(RESTARTED);
      this.listener.ended();
    }
    this._session = session;
    this.turn("live");
    this.listener.found();
  }

  private take(said: Exclude<Broadcast, { type: "unloaded" }>): void {
    switch (said.type) {
      case "view":
        this.keep(said.name, said.content);
        break;
      case "beat":
        this.beat = said;
        this.fold();
        break;
      case "answer":
        this.asking.take(said);
        break;
      case "run":
        if (said.client === this.client) {
          this.listener.run({ request: said.request, cells: said.cells, steps: said.steps });
        }
        break;
      case "loaded":
        break;
    }
  }

  private keep<Name extends keyof Traits>(name: Name, content: Traits[Name]): void {
    this.views[name] = content;
    const hasEnded = this.beat !== null && this.views.panel?.busy !== true && name === "panel";
    if (hasEnded) {
      this.beat = null;
    }
    if (hasEnded || name === "steps") {
      this.fold();
    }
    if (name !== "steps") {
      this.listener.changed(name);
    }
  }

  private fold(): void {
    this.folded = withBeat(this.views.steps ?? null, this.beat);
    this.listener.changed("steps");
  }

  /** What the kernel has said until now is of the past. */
  private end(): void {
    if (this._session !== "") {
      this.over.add(this._session);
    }
    this._session = "";
    this.views = {};
    this.beat = null;
    this.folded = null;
  }

  private turn(state: LinkState): void {
    this._state = state;
    this.listener.changed(null);
  }
}

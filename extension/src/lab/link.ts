import type { ISessionContext } from "@jupyterlab/apputils";
import type { Cell } from "@jupyterlab/cells";
import type { IChangedArgs } from "@jupyterlab/coreutils";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { Kernel, KernelMessage } from "@jupyterlab/services";
import { UUID, type JSONObject } from "@lumino/coreutils";
import type { IDisposable } from "@lumino/disposable";
import { Signal, type ISignal } from "@lumino/signaling";
import type { Connection } from "../dashboard/connection";
import type { Mark, StepRow, Traits } from "../dashboard/contract";
import { Clock } from "../dashboard/model/clock";
import { Control } from "./control";
import { Conversation, type LinkState, type Listener } from "./model/conversation";
import { DEFAULTS, type Options } from "./model/options";
import { placesOf, type Places } from "./model/places";
import { CHANNEL, type RunRequest } from "./model/wire";
import { Teller } from "./teller";

export type { LinkState } from "./model/conversation";
export type { RunRequest } from "./model/wire";

/** How often the kernel is told that somebody looks, in milliseconds. */
const ATTENTION = 15_000;

/** While a cell runs every so many times of that is enough: the kernel takes who is silent for a minute to be gone. */
const SELDOM = 3;

/** What is known of the steps of one open notebook, and the way to its kernel. */
export class NotebookLink implements Connection, IDisposable {
  /** Who this is for the kernel. */
  readonly client = UUID.uuid4();
  /** The time where the kernel is. */
  readonly clock = new Clock();
  /** Id of a cell → when it was run from this page, in the time of the kernel; until somebody takes it out. */
  readonly ranHere = new Map<string, number>();
  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _runRequested = new Signal<this, RunRequest>(this);
  private readonly listeners = new Map<keyof Traits, Set<() => void>>();
  private readonly teller: Teller;
  private readonly talk: Conversation;
  private readonly attention: ReturnType<typeof setInterval>;
  private kernel: Kernel.IKernelConnection | null = null;
  private control: Control | null = null;
  /** Which life of a kernel it is: answers to what was asked in a former one are of no interest. */
  private life = 0;
  /** Where the steps are; null until it is looked for again. */
  private places: Places | null = null;
  private wasLost = false;
  private looks = 0;
  private _isDisposed = false;

  /**
   * @param notebook - The notebook.
   * @param options - What a person has set.
   */
  constructor(
    readonly notebook: NotebookPanel,
    options: () => Readonly<Options> = () => DEFAULTS,
  ) {
    const listener: Listener = {
      changed: (name) => this.tellOthers(name),
      found: () => void this.openControl(),
      ended: () => this.dropControl(),
      opened: () => this.greet(),
      run: (request) => this._runRequested.emit(request),
    };
    this.talk = new Conversation(this.client, listener);
    this.teller = new Teller(notebook, options, (news) =>
      this.talk.isOpen ? this.ask<{ missing: string[] }>("cells", news).then(({ missing }) => missing) : null,
    );
    this.teller.edited.connect(() => {
      this.places = null;
    });
    notebook.sessionContext.kernelChanged.connect(this.kernelChanged, this);
    this.attention = setInterval(() => this.attend(), ATTENTION);
    this.meet(notebook.sessionContext.session?.kernel ?? null);
  }

  // What is known.

  /** Whether the kernel has durable_nb, and has said so. */
  get loaded(): boolean {
    return this.state === "live";
  }

  get state(): LinkState {
    return this.talk.state;
  }

  /** Whether a cell runs in the kernel, as far as it has said. */
  get isBusy(): boolean {
    return this.talk.isBusy;
  }

  /** Any view, beat or change of the connection. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Cells are to be run here. */
  get runRequested(): ISignal<this, RunRequest> {
    return this._runRequested;
  }

  get<Name extends keyof Traits>(name: Name): Traits[Name] | null {
    return this.talk.get(name);
  }

  on<Name extends keyof Traits>(name: Name, changed: () => void): () => void {
    const found = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, found.add(changed));
    return () => void found.delete(changed);
  }

  ask<Answer>(method: string, args: object = {}): Promise<Answer> {
    return this.talk.ask<Answer>(method, args);
  }

  /** How the step of a cell stands in the kernel; null where the kernel knows of none. */
  rowOf(cellId: string): StepRow | null {
    return this.whereSteps().rows.get(cellId) ?? null;
  }

  /** Id of the cell of a step; empty where there is none. */
  cellIdOf(step: string): string {
    return this.whereSteps().cells.get(step) ?? "";
  }

  /** What is wrong with the marker of a cell. */
  marksOf(cellId: string): Mark[] {
    return (this.get("steps")?.marks ?? []).filter((mark) => mark.cell === cellId);
  }

  /** The cell of a step in this notebook. */
  cellOf(step: string): Cell | null {
    const id = this.cellIdOf(step);
    return this.notebook.content.widgets.find((cell) => cell.model.id === id) ?? null;
  }

  private whereSteps(): Places {
    this.places ??= placesOf(this.get("steps")?.rows ?? [], () => this.teller.shown());
    return this.places;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearInterval(this.attention);
    this.teller.dispose();
    this.dropControl();
    this.leave();
    this.life += 1;
    this.listeners.clear();
    Signal.clearData(this);
    this.talk.kernelGone(); // who waits for an answer is told that there will be none
  }

  // The kernel.

  private kernelChanged(_: ISessionContext, change: IChangedArgs<Kernel.IKernelConnection | null>): void {
    this.meet(change.newValue);
  }

  private meet(kernel: Kernel.IKernelConnection | null): void {
    if (kernel === this.kernel) {
      return;
    }
    this.leave();
    this.dropControl();
    this.kernel = kernel;
    if (kernel === null) {
      this.begin(false);
      return;
    }
    kernel.iopubMessage.connect(this.heard, this);
    kernel.anyMessage.connect(this.overheard, this);
    kernel.statusChanged.connect(this.statusChanged, this);
    kernel.connectionStatusChanged.connect(this.connectionChanged, this);
    this.begin(true);
    void this.look();
  }

  private leave(): void {
    this.kernel?.iopubMessage.disconnect(this.heard, this);
    this.kernel?.anyMessage.disconnect(this.overheard, this);
    this.kernel?.statusChanged.disconnect(this.statusChanged, this);
    this.kernel?.connectionStatusChanged.disconnect(this.connectionChanged, this);
  }

  /** A kernel begins a life, or there is none. */
  private begin(isThere: boolean): void {
    this.life += 1;
    this.control = null;
    this.ranHere.clear();
    if (isThere) {
      this.talk.kernelBegins();
    } else {
      this.talk.kernelGone();
    }
  }

  private statusChanged(_: Kernel.IKernelConnection, status: Kernel.Status): void {
    if (status === "restarting" || status === "autorestarting") {
      this.begin(true); // once it is there again, the connection to it is made anew
    } else if (status === "dead" || status === "terminating") {
      this.begin(false);
    }
  }

  private connectionChanged(_: Kernel.IKernelConnection, status: Kernel.ConnectionStatus): void {
    if (status !== "connected") {
      this.wasLost = true;
      this.talk.connectionLost();
    } else if (this.wasLost) {
      this.wasLost = false;
      this.life += 1;
      this.dropControl();
      void this.look();
    }
  }

  /** Ask whether durable_nb is in the kernel; one that is busy says so by itself. */
  private async look(): Promise<void> {
    const life = this.life;
    const { kernel } = this;
    const { session } = this.talk;
    if (kernel === null) {
      return;
    }
    let isThere: boolean;
    try {
      const { content } = await kernel.requestCommInfo({ target_name: CHANNEL });
      isThere = content.status === "ok" && CHANNEL in content.comms;
    } catch (error) {
      if (this.life === life && !kernel.isDisposed) {
        console.warn("durable_nb: the kernel did not tell which comms it has.", error);
      }
      return;
    }
    if (this.life !== life) {
      return;
    }
    if (isThere) {
      await this.openControl();
    } else if (this.talk.session === session) {
      this.talk.notFound(); // and it has not come meanwhile
    }
  }

  /** Open a way to ask, if there is none. */
  private async openControl(): Promise<void> {
    const life = this.life;
    if (this.control !== null || this.kernel === null) {
      return;
    }
    const control: Control = new Control(this.kernel, this.client, () => this.controlClosed(control));
    this.control = control;
    try {
      await control.open();
    } catch (error) {
      if (this.control === control) {
        this.control = null;
        console.warn("durable_nb: there is no way to ask the kernel.", error);
      }
      return;
    }
    if (this.life !== life || this.control !== control) {
      control.close();
      return;
    }
    this.talk.opened((question) => control.send(question as unknown as JSONObject));
  }

  /** The kernel has closed the way to ask it. */
  private controlClosed(control: Control): void {
    if (this.control === control) {
      this.dropControl();
      this.talk.connectionLost();
    }
  }

  private dropControl(): void {
    this.control?.close();
    this.control = null;
  }

  /** The first words to a kernel: who is there, and what the notebook is. */
  private greet(): void {
    const life = this.life;
    this.ask("hello", { visible: this.isVisible }).catch((error: unknown) => {
      if (this.life === life) {
        console.warn("durable_nb: the kernel does not show its steps.", error);
      }
    });
    this.teller.tellAll();
  }

  private heard(_: Kernel.IKernelConnection, message: KernelMessage.IIOPubMessage): void {
    const content = message.content as { comm_id?: unknown; data?: unknown };
    if (message.header.msg_type === "comm_msg" && content.comm_id === CHANNEL) {
      this.talk.heard(content.data);
    }
  }

  /** Which cells this page has run. */
  private overheard(_: Kernel.IKernelConnection, { msg, direction }: Kernel.IAnyMessageArgs): void {
    if (direction === "send" && msg.header.msg_type === "execute_request") {
      const cell = msg.metadata["cellId"];
      if (typeof cell === "string") {
        this.ranHere.set(cell, this.clock.now());
        this.teller.tell();
      }
    }
  }

  // The notebook.

  private get isVisible(): boolean {
    return this.notebook.isVisible && !document.hidden;
  }

  private attend(): void {
    this.looks += 1;
    // A message while a cell runs makes JupyterLab say that the kernel is idle: then only so often as is needed.
    const isDue = !this.isBusy || this.looks % SELDOM === 0;
    if (isDue && this.isVisible && this.talk.isOpen) {
      // Who gives no answer has no news either.
      this.ask("watching").catch(() => undefined);
    }
  }

  private tellOthers(name: keyof Traits | null): void {
    this.places = null;
    const told = name === null ? [...this.listeners.values()] : [this.listeners.get(name) ?? []];
    const at = name === "steps" ? this.get("steps")?.at : undefined;
    if (at !== undefined) {
      this.clock.heard(at, true);
    }
    told.forEach((found) => [...found].forEach((changed) => changed()));
    this._stateChanged.emit();
  }
}

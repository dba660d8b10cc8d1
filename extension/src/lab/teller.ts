import type { ICellModel } from "@jupyterlab/cells";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { IDisposable } from "@lumino/disposable";
import { Signal, type ISignal } from "@lumino/signaling";
import type { Options } from "./model/options";
import { Telling, type ShownCell, type Told } from "./model/telling";

/** An edit is told at the latest after so many times the delay, also while others follow. */
const LONGEST = 4;

/** Tells a kernel which cells the notebook has on the screen, saved or not: the plan is of these. */
export class Teller implements IDisposable {
  private readonly telling = new Telling();
  private readonly _edited = new Signal<this, void>(this);
  private timer: ReturnType<typeof setTimeout> | null = null;
  private isTold = true;
  /** When the first edit was made that the kernel was not told of, in milliseconds. */
  private editedAt: number | null = null;
  private _isDisposed = false;

  /**
   * @param notebook - The notebook.
   * @param options - What a person has set.
   * @param send - Tells the kernel; gives the ids of cells that it does not know, or null where it cannot be told now.
   */
  constructor(
    private readonly notebook: NotebookPanel,
    private readonly options: () => Readonly<Options>,
    private readonly send: (news: Told) => Promise<string[]> | null,
  ) {
    const { context } = notebook;
    context.saveState.connect(this.saved, this);
    context.ready.then(() => {
      if (!this._isDisposed) {
        notebook.model?.contentChanged.connect(this.changed, this);
      }
    }, console.error);
  }

  /** After each change of what is in the notebook. */
  get edited(): ISignal<this, void> {
    return this._edited;
  }

  /** The cells as they are shown. */
  shown(): ShownCell[] {
    return Array.from(this.notebook.model?.cells ?? [], shownCell);
  }

  /** Tell everything, to a kernel that knows nothing. */
  tellAll(): void {
    this.telling.forget();
    this.isTold = false;
    this.tell();
  }

  /** Tell what is still to be told, if anything is. */
  tell(): void {
    this.dropTimer();
    if (this.isTold) {
      return;
    }
    this.isTold = true;
    this.editedAt = null;
    const news = this.telling.news(this.shown());
    const sent = news === null ? Promise.resolve([]) : this.send(news);
    if (sent === null) {
      this.again();
      return;
    }
    sent.then(
      (missing) => {
        if (missing.length > 0) {
          this.telling.forgetCells(missing);
          this.isTold = false;
          this.tellAfter(0);
        }
      },
      () => this.again(), // whatever was the matter
    );
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.dropTimer();
    Signal.clearData(this);
  }

  /** The next time everything is told. */
  private again(): void {
    this.telling.forget();
    this.isTold = false;
  }

  private changed(): void {
    this.isTold = false;
    this._edited.emit();
    if (this.options().livePlan) {
      const delay = this.options().planDelay;
      this.editedAt ??= Date.now();
      // Outputs that come without a pause must not keep an edit from being told.
      this.tellAfter(Math.max(0, Math.min(delay, this.editedAt + LONGEST * delay - Date.now())));
    }
  }

  private saved(_: DocumentRegistry.Context, state: DocumentRegistry.SaveState): void {
    if (state === "completed") {
      this.tell();
    }
  }

  private tellAfter(delay: number): void {
    this.dropTimer();
    this.timer = setTimeout(() => this.tell(), delay);
  }

  private dropTimer(): void {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
  }
}

function shownCell(model: ICellModel): ShownCell {
  const tags: unknown = model.getMetadata("tags");
  return {
    id: model.id,
    type: model.type,
    source: model.sharedModel.getSource(),
    tags: Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === "string") : [],
  };
}

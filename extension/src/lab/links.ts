import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import { Signal, type ISignal } from "@lumino/signaling";
import { NotebookLink } from "./link";
import { DEFAULTS, type Options } from "./model/options";

/** One link for each notebook that is open, for as long as it is. */
export class NotebookLinks {
  private readonly links = new Map<NotebookPanel, NotebookLink>();
  private readonly _added = new Signal<this, NotebookLink>(this);
  private readonly _currentChanged = new Signal<this, NotebookLink | null>(this);

  /**
   * @param tracker - Knows which notebooks are open.
   * @param options - What a person has set.
   */
  constructor(
    private readonly tracker: INotebookTracker,
    private readonly options: () => Readonly<Options> = () => DEFAULTS,
  ) {
    tracker.widgetAdded.connect((_, panel) => void this.of(panel));
    tracker.currentChanged.connect(() => this._currentChanged.emit(this.current));
    tracker.forEach((panel) => void this.of(panel));
  }

  /** The link of a notebook. */
  of(panel: NotebookPanel): NotebookLink {
    const known = this.links.get(panel);
    if (known !== undefined) {
      return known;
    }
    const link = new NotebookLink(panel, this.options);
    this.links.set(panel, link);
    panel.disposed.connect(() => {
      this.links.delete(panel);
      link.dispose();
    });
    this._added.emit(link);
    return link;
  }

  /** Those of all open notebooks. */
  all(): NotebookLink[] {
    return [...this.links.values()];
  }

  /** That of the notebook a person is at. */
  get current(): NotebookLink | null {
    const panel = this.tracker.currentWidget;
    return panel === null ? null : this.of(panel);
  }

  get currentChanged(): ISignal<this, NotebookLink | null> {
    return this._currentChanged;
  }

  get added(): ISignal<this, NotebookLink> {
    return this._added;
  }
}

import type { Cell } from "@jupyterlab/cells";
import type { IDisposable } from "@lumino/disposable";
import { Signal } from "@lumino/signaling";
import { watchTheme, type Theme } from "../../dashboard/theme";
import type { NotebookLink } from "../link";
import { badgeOf, type Sight } from "../model/badge";
import { digestOf } from "../model/digest";
import { findMarker, type Marker } from "../model/marker";
import { KEY, snapshotOf } from "../model/snapshot";
import { BadgeStrip } from "./badge_strip";

/** A cell, with what its source says. */
interface Known {
  source: string;
  marker: Marker | null;
  digest: string;
  strip: BadgeStrip | null;
}

/** The badges of one notebook: at most one look at it in each frame, and only what differs is drawn. */
export class Badges implements IDisposable {
  private readonly known = new Map<Cell, Known>();
  private readonly endTheme: () => void;
  private theme: Theme = "light";
  private frame = 0;
  private ticking: ReturnType<typeof setInterval> | null = null;
  private _isDisposed = false;

  constructor(readonly link: NotebookLink) {
    const { content, context } = link.notebook;
    link.stateChanged.connect(this.look, this);
    content.modelChanged.connect(this.look, this);
    content.modelContentChanged.connect(this.look, this);
    context.ready.then(() => this.look(), console.error);
    this.endTheme = watchTheme(content.node, (theme) => {
      if (theme !== this.theme) {
        this.theme = theme;
        this.known.forEach(({ strip }) => strip && (strip.theme = theme));
      }
    });
    this.look();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    cancelAnimationFrame(this.frame);
    this.tickWhile(false);
    this.endTheme();
    this.known.forEach(({ strip }) => strip?.remove());
    this.known.clear();
    Signal.clearData(this);
  }

  /** All that is known of a step's cell; null for one that is no step. */
  sightOf(cell: Cell): Sight | null {
    const known = this.known.get(cell);
    if (known === undefined || known.marker === null || cell.isDisposed) {
      return null;
    }
    const { link } = this;
    return {
      link: link.state,
      isKnown: link.get("steps") !== null,
      row: link.rowOf(cell.model.id),
      mark: link.marksOf(cell.model.id)[0] ?? null,
      snapshot: snapshotOf(cell.model.getMetadata(KEY)),
      name: known.marker.name,
      digest: known.digest,
    };
  }

  /** The cell of a strip. */
  cellAt(strip: HTMLElement): Cell | null {
    return [...this.known].find(([, known]) => known.strip?.node === strip)?.[0] ?? null;
  }

  /** Look at the notebook before the next frame is drawn. */
  private look(): void {
    if (this.frame === 0 && !this._isDisposed) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  private draw(): void {
    const cells = new Set(this.link.notebook.content.widgets);
    for (const [cell, { strip }] of this.known) {
      if (!cells.has(cell)) {
        cell.model?.metadataChanged.disconnect(this.look, this);
        strip?.remove();
        this.known.delete(cell);
      }
    }
    cells.forEach((cell) => this.read(cell));
    this.known.forEach((known, cell) => this.drawOne(cell, known));
    this.tickWhile([...this.known.values()].some(({ strip }) => strip?.isTicking === true));
  }

  private read(cell: Cell): void {
    if (cell.model.type !== "code") {
      return;
    }
    const source = cell.model.sharedModel.getSource();
    const before = this.known.get(cell);
    if (before === undefined) {
      cell.model.metadataChanged.connect(this.look, this);
      // A cell gets its content when it is first scrolled to: what it says is to be there in the same frame.
      cell.ready.then(() => this.drawNow(cell), console.error);
    }
    if (before?.source !== source) {
      const marker = findMarker(source);
      const digest = marker === null ? "" : digestOf(source);
      this.known.set(cell, { source, marker, digest, strip: before?.strip ?? null });
    }
  }

  private drawOne(cell: Cell, known: Known): void {
    const sight = this.sightOf(cell);
    if (sight === null) {
      known.strip?.remove();
      known.strip = null;
      return;
    }
    known.strip ??= this.makeStrip(cell);
    known.strip.attachTo(cell.node);
    known.strip.show(badgeOf(sight), this.link.clock.now());
  }

  private drawNow(cell: Cell): void {
    const known = this.known.get(cell);
    if (known !== undefined) {
      this.drawOne(cell, known);
    }
  }

  private makeStrip(cell: Cell): BadgeStrip {
    const strip = new BadgeStrip(cell.model.id);
    strip.theme = this.theme;
    return strip;
  }

  private tickWhile(isWanted: boolean): void {
    if (isWanted && this.ticking === null) {
      this.ticking = setInterval(() => this.tick(), 1000);
    } else if (!isWanted && this.ticking !== null) {
      clearInterval(this.ticking);
      this.ticking = null;
    }
  }

  private tick(): void {
    if (!document.hidden && this.link.notebook.isVisible) {
      const now = this.link.clock.now();
      this.known.forEach(({ strip }) => strip?.tick(now));
    }
  }
}

import type { ICellModel } from "@jupyterlab/cells";
import type { IDisposable } from "@lumino/disposable";
import type { StepRow } from "../dashboard/contract";
import type { NotebookLink } from "./link";
import { KEY, seen, snapshotAfter, snapshotOf, type Seen } from "./model/snapshot";
import { ENDED } from "./model/wire";

/** Writes into a notebook how its steps stand, as they come to stand so: it is there to be read without a kernel. */
export class Snapshots implements IDisposable {
  private seen = new Map<string, Seen>();
  private _isDisposed = false;

  constructor(private readonly link: NotebookLink) {
    link.stateChanged.connect(this.look, this);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.link.stateChanged.disconnect(this.look, this);
  }

  private look(): void {
    const rows = this.link.get("steps")?.rows ?? [];
    const changed = rows.filter((row) => {
      const before = this.seen.get(row.step);
      return before?.state !== row.state || before.startedAt !== row.started_at;
    });
    if (changed.length > 0) {
      const cells = new Map(Array.from(this.link.notebook.model?.cells ?? [], (cell) => [cell.id, cell]));
      changed.forEach((row) => this.write(row, cells.get(this.link.cellIdOf(row.step))));
    }
    this.seen = new Map(rows.map((row) => [row.step, seen(row)]));
  }

  private write(row: StepRow, cell: ICellModel | undefined): void {
    if (cell === undefined) {
      return;
    }
    const kept = snapshotOf(cell.getMetadata(KEY));
    const source = cell.sharedModel.getSource();
    const ranAt = this.link.ranHere.get(cell.id) ?? null;
    const found = snapshotAfter(this.seen.get(row.step) ?? null, row, ranAt, kept, source, this.link.clock.now());
    if (found === null) {
      return;
    }
    // Metadata are outside of what a person undoes.
    cell.setMetadata(KEY, { ...found });
    if (ENDED.has(found.state)) {
      this.link.ranHere.delete(cell.id);
    }
  }
}

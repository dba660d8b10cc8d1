/** A cell as the kernel is told of it. */
export interface ShownCell {
  id: string;
  type: string;
  source: string;
  tags: string[];
}

/** What the kernel is told of the notebook as it is shown here. */
export interface Told {
  /** Ids of all cells, from the top. */
  order: string[];
  /** Id → cell, of those that are new or other ones. */
  cells: Record<string, Omit<ShownCell, "id">>;
}

/** Keeps in mind what the kernel was told of the cells, so that it is told only what has changed. */
export class Telling {
  private known = new Map<string, string>();
  private order = "";

  /** What is to be told; null where nothing has changed. */
  news(cells: readonly ShownCell[]): Told | null {
    const now = new Map(cells.map(({ id, ...cell }) => [id, JSON.stringify(cell)]));
    const changed = cells.filter(({ id }) => this.known.get(id) !== now.get(id));
    const order = cells.map(({ id }) => id);
    if (changed.length === 0 && order.join() === this.order) {
      return null;
    }
    this.known = now;
    this.order = order.join();
    return { order, cells: Object.fromEntries(changed.map(({ id, ...cell }) => [id, cell])) };
  }

  /** The kernel knows nothing any more. */
  forget(): void {
    this.known.clear();
    this.order = "";
  }

  /** The kernel does not know these. */
  forgetCells(ids: readonly string[]): void {
    ids.forEach((id) => this.known.delete(id));
  }
}

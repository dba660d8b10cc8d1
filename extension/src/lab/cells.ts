import type { Cell } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { KeptCell } from "./model/saved";
import { KEY } from "./model/snapshot";

/** The cells of a notebook as it is shown, from the top. */
export function keptCells(notebook: NotebookPanel): KeptCell[] {
  return [...(notebook.content.model?.cells ?? [])].map((cell) => ({
    id: cell.id,
    type: cell.type,
    source: cell.sharedModel.getSource(),
    snapshot: cell.getMetadata(KEY),
  }));
}

/** Go to a cell: it is the active one then, and in sight, also where only what is in sight is drawn. */
export async function goTo(notebook: NotebookPanel, cell: Cell): Promise<void> {
  const { content } = notebook;
  const index = content.widgets.indexOf(cell);
  if (index < 0) {
    return;
  }
  content.deselectAll();
  content.activeCellIndex = index;
  // A person who scrolls at the same time has the last word: then it rejects.
  await content.scrollToItem(index, "smart", 0.1).catch(() => undefined);
}

/** The cell of an id. */
export function cellOfId(notebook: NotebookPanel, id: string): Cell | null {
  return notebook.content.widgets.find((cell) => cell.model.id === id) ?? null;
}

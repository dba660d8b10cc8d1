import type { NotebookPanel } from "@jupyterlab/notebook";
import type { KernelMessage } from "@jupyterlab/services";

const LOAD = "%load_ext durable_nb";

/**
 * Load durable_nb in the kernel of a notebook, without a trace in its cells.
 *
 * @throws Error - What the kernel said against it, or that there is none.
 */
export async function loadIn(notebook: NotebookPanel): Promise<void> {
  const kernel = notebook.sessionContext.session?.kernel;
  if (!kernel) {
    throw new Error("The notebook has no kernel.");
  }
  const { content } = await kernel.requestExecute({ code: LOAD, silent: true, store_history: false }).done;
  if (content.status === "aborted") {
    throw new Error("A cell before it failed, and the kernel left it out. Try again.");
  }
  if (content.status === "error") {
    throw new Error(refusal(content));
  }
}

function refusal({ ename, evalue }: KernelMessage.IReplyErrorContent): string {
  return ename === "ModuleNotFoundError"
    ? "This kernel's Python has no durable_nb: run %pip install durable-nb in a cell, then try again."
    : `${ename}: ${evalue}`;
}

/** Put a cell that loads durable_nb above the first code cell; Undo takes it out again. */
export function insertLoader(notebook: NotebookPanel): void {
  const model = notebook.content.model;
  if (model === null) {
    return;
  }
  const first = [...model.cells].findIndex((cell) => cell.type === "code");
  model.sharedModel.insertCell(first < 0 ? model.cells.length : first, {
    cell_type: "code",
    source: LOAD,
    metadata: { trusted: true },
  });
}

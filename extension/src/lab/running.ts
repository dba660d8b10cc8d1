import { Notification, type ISessionContextDialogs } from "@jupyterlab/apputils";
import type { Cell } from "@jupyterlab/cells";
import { NotebookActions, type INotebookCellExecutor, type NotebookPanel } from "@jupyterlab/notebook";
import { Signal, type ISignal } from "@lumino/signaling";
import { problemOf } from "../dashboard/connection";
import type { NotebookLink, RunRequest } from "./link";
import { endOf, type End } from "./model/ends";

/** How an app runs a cell, as far as it says so. */
export interface Means {
  executor: INotebookCellExecutor | null;
  dialogs: ISessionContextDialogs | null;
}

/**
 * Run cells that the kernel asks for, by the notebook's own execution, so that outputs land in them.
 *
 * @param link - Of the notebook that was asked.
 * @param asked - Which cells, in order.
 * @param means - How the app runs a cell.
 */
export async function runAsked(link: NotebookLink, asked: RunRequest, means: Means): Promise<void> {
  const { request } = asked;
  const { taken } = await link.ask<{ taken: boolean }>("take", { request });
  if (!taken) {
    return;
  }
  const { notebook } = link;
  const cells = asked.cells.map((id) => cellById(notebook, id));
  const until = cells.indexOf(null);
  const there = (until < 0 ? cells : cells.slice(0, until)).filter((cell) => cell !== null);
  const ends: End[] = await Promise.all(there.map((cell) => runCell(notebook, cell, means)));
  if (until >= 0) {
    ends.push(...asked.cells.slice(until).map((): End => "aborted"));
    const step = asked.steps[until];
    Notification.warning(`The cell of ${step ?? "a step"} is no longer in this notebook: it was not run.`);
  }
  await link.ask("ran", { request, ends });
}

function cellById(notebook: NotebookPanel, id: string): Cell | null {
  return notebook.content.widgets.find((cell) => cell.model.id === id && cell.model.type === "code") ?? null;
}

/** All of them are sent at once, as Run All does: the kernel aborts what follows a failure, also without this page. */
async function runCell(panel: NotebookPanel, cell: Cell, means: Means): Promise<End> {
  const { content: notebook, sessionContext } = panel;
  const { executor, dialogs } = means;
  if (executor === null || notebook.model === null) {
    return endOf({ ran: await NotebookActions.runCells(notebook, [cell], sessionContext, dialogs ?? undefined) });
  }
  // NotebookActions.runCells would end the edit mode of the cell at which a person types, and scroll to it.
  const running = executor.runCell({
    cell,
    notebook: notebook.model,
    notebookConfig: notebook.notebookConfig,
    onCellExecuted: (args) => tell(NotebookActions.executed, { notebook, ...args }),
    onCellExecutionScheduled: (args) => tell(NotebookActions.executionScheduled, { notebook, ...args }),
    sessionContext,
    ...(dialogs === null ? {} : { sessionDialogs: dialogs }),
  });
  return running.then(
    (ran) => endOf({ ran }),
    (error: unknown) => {
      const end = endOf({ error });
      forgetTurn(cell);
      return end;
    },
  );
}

/** Others follow what runs by the signals of NotebookActions, such as the table of contents. */
function tell<Args>(signal: ISignal<unknown, Args>, args: Args): void {
  if (signal instanceof Signal) {
    signal.emit(args);
  }
}

/** A cell that was not run no longer waits for its turn. */
function forgetTurn(cell: Cell): void {
  const { model } = cell;
  if ("executionState" in model && "executionCount" in model && model.executionCount === null) {
    model.executionState = "idle";
  }
}

/** Say that what the kernel asked for could not be done. */
export function sayNotRun(error: unknown): void {
  const problem = problemOf(error);
  Notification.error(["The steps were not run.", problem.text, problem.next].filter(Boolean).join(" "));
}

import { Dialog, Notification, showDialog } from "@jupyterlab/apputils";
import type { Foretold } from "../../dashboard/contract";
import { cellOfId, goTo, keptCells } from "../cells";
import type { NotebookLink } from "../link";
import { nextTroubled, type Placed } from "../model/going";
import { savedSteps } from "../model/saved";
import type { Settings } from "../settings";
import { act, complain, type Here } from "./here";

/** Run what is not up to date, after it is said what that is, unless the person wants it at once. */
export async function runStale(here: Here, settings: Settings): Promise<void> {
  const link = here.live;
  if (link === null) {
    return;
  }
  const asked = { do: "run_stale", step: "", args: {} };
  if (settings.options.confirmRun && !(await confirmed(link, asked))) {
    return;
  }
  await act(link, asked);
}

/** Run the active cell's step, or it and all below it. */
export async function runActive(here: Here, how: "run" | "run_from"): Promise<void> {
  const { live, row } = here;
  if (live !== null && row !== null) {
    await act(live, { do: how, step: row.step, args: {} });
  }
}

/** Go to the next step that failed, was interrupted or waits for a person. */
export async function goToFailed(here: Here): Promise<void> {
  const { link } = here;
  if (link === null) {
    return;
  }
  const { notebook } = link;
  const found = nextTroubled(placed(link), notebook.content.activeCellIndex);
  const cell = found === null ? undefined : notebook.content.widgets[found.index];
  if (cell === undefined) {
    Notification.info("No step of this notebook failed, was interrupted or waits.", { autoClose: 4000 });
    return;
  }
  await goTo(notebook, cell);
}

function placed(link: NotebookLink): Placed[] {
  const cells = keptCells(link.notebook);
  const known = link.loaded
    ? cells.map(({ id }) => ({ id, row: link.rowOf(id) }))
    : savedSteps(cells).map((saved) => ({ id: saved.cell, row: saved }));
  const { widgets } = link.notebook.content;
  return known.flatMap(({ id, row }) => {
    const cell = cellOfId(link.notebook, id);
    return row === null || cell === null ? [] : [{ step: row.step, index: widgets.indexOf(cell), state: row.state }];
  });
}

async function confirmed(link: NotebookLink, asked: object): Promise<boolean> {
  try {
    const { text, problem } = await link.ask<Foretold>("foretell", asked);
    if (problem && (problem.kind ?? "error") === "error") {
      Notification.warning([problem.text, problem.next].filter(Boolean).join(" "));
      return false;
    }
    const { button } = await showDialog({
      title: "Run stale steps",
      body: [text, problem?.text].filter(Boolean).join("\n"),
      buttons: [Dialog.cancelButton({ label: "Not now" }), Dialog.okButton({ label: "Run" })],
    });
    return button.accept;
  } catch (error: unknown) {
    complain(error);
    return false;
  }
}

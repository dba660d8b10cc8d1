import { Notification } from "@jupyterlab/apputils";
import type { Done } from "../../dashboard/contract";
import { findMarker, renamed } from "../model/marker";
import { complain, say, type Here } from "./here";
import { askForName } from "./marking";

/** Give the active cell's step another name; the kernel keeps its traces, so that it stays up to date. */
export async function renameStep(here: Here): Promise<void> {
  const { cell, row, taken } = here;
  const link = here.live;
  const old = row?.step ?? findMarker(here.source)?.name ?? "";
  if (cell === null || old === "") {
    return;
  }
  if (link === null) {
    Notification.warning(
      "A step is renamed by the kernel, which keeps its results under the new name. Run %load_ext durable_nb first.",
    );
    return;
  }
  const name = await askForName(`Rename step ${old}`, "Rename", old, taken);
  if (name === null || name === old) {
    return;
  }
  const write = (to: string): void => {
    const { sharedModel } = cell.model;
    sharedModel.setSource(renamed(sharedModel.getSource(), to));
  };
  try {
    const done = await link.ask<Done>("rename", { step: old, name });
    if (!done.problem) {
      write(name);
    }
    say(link, done, () => write(old));
  } catch (error: unknown) {
    complain(error);
  }
}

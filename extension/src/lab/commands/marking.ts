import { InputDialog, Notification } from "@jupyterlab/apputils";
import { cellMagic, nameFor, wrongName } from "../model/naming";
import { findMarker, withMarker, withoutMarker } from "../model/marker";
import type { Settings } from "../settings";
import type { Here } from "./here";

/** How long one waits for a kernel to suggest a name before the rule of thumb does. */
const PATIENCE = 600;

/** Make a step of the active cell, by a name that is suggested and may be changed. */
export async function makeStep(here: Here, settings: Settings): Promise<void> {
  const { cell, source, taken } = here;
  if (cell === null || here.isStep) {
    return;
  }
  const magic = cellMagic(source);
  if (magic !== "") {
    Notification.warning(`A cell of ${magic} cannot be a step.`);
    return;
  }
  const suggested = await suggestedName(here, source, taken);
  const name = await askForName("Make this cell a step", "Make it a step", suggested, taken);
  if (name !== null) {
    const { sharedModel } = cell.model;
    sharedModel.setSource(withMarker(sharedModel.getSource(), name, settings.options.markerStyle));
  }
}

/** Make the active cell a plain one again. Its traces stay: marked again, it is reused. */
export function makePlain(here: Here): void {
  const { cell } = here;
  if (cell !== null && findMarker(here.source) !== null) {
    cell.model.sharedModel.setSource(withoutMarker(here.source));
  }
}

/** Ask for the name of a step until it can be one; null where the person thinks better of it. */
export async function askForName(
  title: string,
  okLabel: string,
  first: string,
  taken: readonly string[],
): Promise<string | null> {
  let text = first;
  let wrong = "";
  for (;;) {
    const label = wrong === "" ? "Name of the step" : wrong;
    const { button, value } = await InputDialog.getText({ title, okLabel, label, text });
    if (!button.accept) {
      return null;
    }
    text = (value ?? "").trim();
    wrong = wrongName(text, taken);
    if (wrong === "") {
      return text;
    }
  }
}

async function suggestedName(here: Here, source: string, taken: string[]): Promise<string> {
  const rule = nameFor(source, taken);
  if (here.live === null) {
    return rule;
  }
  const asked = here.live.ask<{ name: string }>("name", { source, taken }).then(({ name }) => name);
  const tired = new Promise<string>((resolve) => setTimeout(() => resolve(rule), PATIENCE));
  // A kernel that cannot say is no reason to ask for no name.
  return Promise.race([asked.catch(() => rule), tired]);
}

import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import { NotebookLinks } from "../links";
import { ISettings, type Settings } from "../settings";
import { ILinks } from "../tokens";

/** What is known of each open notebook; the other plugins show it. */
export const links: JupyterFrontEndPlugin<NotebookLinks | null> = {
  id: "durable-nb:links",
  description: "Keeps in touch with the kernels of notebooks that have steps.",
  autoStart: true,
  // Voilà loads every extension, and has no notebooks in tabs.
  requires: [ISettings],
  optional: [INotebookTracker],
  provides: ILinks,
  activate: (_, settings: Settings, tracker: INotebookTracker | null) =>
    tracker === null ? null : new NotebookLinks(tracker, () => settings.options),
};

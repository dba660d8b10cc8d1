import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";

const probe: JupyterFrontEndPlugin<void> = {
  id: "durable-nb:plugin",
  description: "State of steps at their cells.",
  autoStart: true,
  // Voilà loads every extension, and has no notebooks in tabs.
  optional: [INotebookTracker],
  activate: (app, tracker: INotebookTracker | null) => {
    console.log("durable-nb", app.name, tracker !== null);
  },
};

export default [probe];

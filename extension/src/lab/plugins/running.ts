import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ISessionContextDialogs } from "@jupyterlab/apputils";
import { INotebookCellExecutor } from "@jupyterlab/notebook";
import type { NotebookLink } from "../link";
import type { NotebookLinks } from "../links";
import { runAsked, sayNotRun } from "../running";
import { ILinks } from "../tokens";

/** Runs the notebook's own cells when the kernel asks for it. */
export const running: JupyterFrontEndPlugin<void> = {
  id: "durable-nb:running",
  description: "Runs steps in their cells.",
  autoStart: true,
  optional: [ILinks, INotebookCellExecutor, ISessionContextDialogs],
  activate: (
    _app,
    links: NotebookLinks | null,
    executor: INotebookCellExecutor | null,
    dialogs: ISessionContextDialogs | null,
  ) => {
    const listen = (link: NotebookLink): void => {
      link.runRequested.connect((_, asked) => void runAsked(link, asked, { executor, dialogs }).catch(sayNotRun));
    };
    links?.all().forEach(listen);
    links?.added.connect((_, link) => listen(link));
  },
};

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { goToFailed, runActive, runStale } from "../commands/acting";
import { Here } from "../commands/here";
import { makePlain, makeStep } from "../commands/marking";
import { CATEGORY, COMMANDS } from "../commands/names";
import { renameStep } from "../commands/renaming";
import type { NotebookLinks } from "../links";
import { ISettings, type Settings } from "../settings";
import { ILinks } from "../tokens";

/** What a person can do with steps, from the palette, a cell's menu and the keyboard. */
export const commands: JupyterFrontEndPlugin<void> = {
  id: "durable-nb:commands",
  description: "Commands for steps of notebooks.",
  autoStart: true,
  requires: [ISettings],
  optional: [ILinks, INotebookTracker, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    settings: Settings,
    links: NotebookLinks | null,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null,
  ) => {
    if (links === null || tracker === null) {
      return;
    }
    const here = new Here(links, tracker);
    const { commands: known } = app;
    const hasStep = (): boolean => here.row !== null;
    const runsFor = (action: string) => (): boolean =>
      here.row?.actions.some((one) => one.do === action && one.why_not === "") === true;

    known.addCommand(COMMANDS.makeStep, {
      label: "Make This Cell a Step",
      caption: "Its results are kept, and come back when the notebook runs again",
      isEnabled: () => here.isEditable && !here.isStep,
      isVisible: () => here.cell !== null && !here.isStep,
      execute: () => makeStep(here, settings),
    });
    known.addCommand(COMMANDS.makePlain, {
      label: "Make This Step a Plain Cell",
      caption: "Takes its marker away; what it has kept stays",
      isEnabled: () => here.isEditable && here.isStep,
      isVisible: () => here.isStep,
      execute: () => makePlain(here),
    });
    known.addCommand(COMMANDS.renameStep, {
      label: "Rename Step…",
      caption: "Its results stay with it",
      isEnabled: () => here.isEditable && here.isStep,
      isVisible: () => here.isStep,
      execute: () => renameStep(here),
    });
    known.addCommand(COMMANDS.runStale, {
      label: "Run Stale Steps",
      caption: "Run all steps that are not up to date, in the notebook's order",
      isEnabled: () => here.live !== null,
      execute: () => runStale(here, settings),
    });
    known.addCommand(COMMANDS.runStep, {
      label: "Run Step",
      isEnabled: runsFor("run"),
      isVisible: hasStep,
      execute: () => runActive(here, "run"),
    });
    known.addCommand(COMMANDS.runFrom, {
      label: "Run from This Step",
      caption: "Run this step and all below it",
      isEnabled: runsFor("run_from"),
      isVisible: hasStep,
      execute: () => runActive(here, "run_from"),
    });
    known.addCommand(COMMANDS.goToFailed, {
      label: "Go to Failed Step",
      caption: "The next step that failed, was interrupted or waits for a person",
      isEnabled: () => here.link !== null,
      execute: () => goToFailed(here),
    });
    const { makeStep: make, makePlain: plain, renameStep: rename } = COMMANDS;
    const { runStale: stale, runStep, runFrom, goToFailed: failed } = COMMANDS;
    for (const command of [make, plain, rename, stale, runStep, runFrom, failed]) {
      palette?.addItem({ command, category: CATEGORY });
    }
    const again = (): void => known.notifyCommandChanged();
    tracker.activeCellChanged.connect(again);
    links.currentChanged.connect(again);
  },
};

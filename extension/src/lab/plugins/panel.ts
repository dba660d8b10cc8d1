import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import type { PageName } from "../../dashboard/place";
import { CATEGORY, COMMANDS } from "../commands/names";
import type { NotebookLinks } from "../links";
import { ISettings, type Settings } from "../settings";
import { ILinks } from "../tokens";
import { Dashboards } from "../views/dashboards";
import { stepsIcon } from "../views/icon";
import { LinkWidget } from "../views/link_widget";

const PANEL_ID = "durable-nb-steps";
/** Below the file browser, the running kernels and the table of contents. */
const RANK = 450;

/** The side panel with the steps of the current notebook, and the dashboard beside a notebook. */
export const panel: JupyterFrontEndPlugin<void> = {
  id: "durable-nb:panel",
  description: "Shows the steps of the current notebook at the side, and the dashboard beside it.",
  autoStart: true,
  requires: [ISettings],
  optional: [ILinks, INotebookTracker, ILabShell, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    settings: Settings,
    links: NotebookLinks | null,
    tracker: INotebookTracker | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
  ) => {
    if (links === null || tracker === null) {
      return;
    }
    const { commands, shell } = app;
    const activate = (id: string): void => shell.activateById(id);
    const within = { commands, settings, activate };
    const dashboards = new Dashboards(app.shell, labShell !== null, within);
    const steps = new LinkWidget({ ...within, openWide: (link) => dashboards.open(link) });
    steps.id = PANEL_ID;
    steps.addClass("durable-nb-side");
    steps.title.icon = stepsIcon;
    steps.title.caption = "Steps";
    steps.node.setAttribute("role", "region");
    steps.node.setAttribute("aria-label", "Steps");
    const follow = (): void => {
      steps.link = links.current;
    };
    links.currentChanged.connect(follow);
    follow();
    shell.add(steps, "left", { rank: RANK, type: "Steps" });
    restorer?.add(steps, PANEL_ID);

    const isOpen = (): boolean => links.current !== null;
    const rowHere = (): string => {
      const id = tracker.activeCell?.model.id;
      return (id !== undefined && links.current?.rowOf(id)?.step) || "";
    };
    const show = (step: string, page: PageName | ""): void => {
      activate(PANEL_ID);
      follow();
      steps.want(step, page);
    };
    commands.addCommand(COMMANDS.showPanel, {
      label: "Show Steps",
      caption: "The side panel with the steps of the notebook",
      execute: () => activate(PANEL_ID),
    });
    commands.addCommand(COMMANDS.showStep, {
      label: "Show Step",
      caption: "All about this cell's step, in the side panel",
      isEnabled: (args) => typeof args["step"] === "string" || rowHere() !== "",
      isVisible: (args) => typeof args["step"] === "string" || rowHere() !== "",
      execute: (args) => show(typeof args["step"] === "string" ? args["step"] : rowHere(), ""),
    });
    commands.addCommand(COMMANDS.why, {
      label: "Why Would It Run?",
      caption: "Why this cell's step ran when it last did, and whether it would run now",
      isEnabled: (args) => typeof args["step"] === "string" || rowHere() !== "",
      isVisible: (args) => typeof args["step"] === "string" || rowHere() !== "",
      execute: (args) => show(typeof args["step"] === "string" ? args["step"] : rowHere(), "why"),
    });
    commands.addCommand(COMMANDS.openDashboard, {
      label: "Open Dashboard",
      caption: "Steps, parameters and runs of the notebook, beside it",
      icon: stepsIcon,
      isEnabled: isOpen,
      execute: () => links.current !== null && dashboards.open(links.current),
    });
    for (const command of [COMMANDS.showPanel, COMMANDS.showStep, COMMANDS.why, COMMANDS.openDashboard]) {
      palette?.addItem({ command, category: CATEGORY });
    }
  },
};

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { MainAreaWidget } from "@jupyterlab/apputils";
import { fileName } from "../../dashboard/model/wording";
import type { NotebookLink } from "../link";
import { stepsIcon } from "./icon";
import { LinkWidget, type Within } from "./link_widget";

/** Dashboards beside their notebooks, one for each; a dashboard closes with its notebook. */
export class Dashboards {
  private readonly opened = new Map<NotebookLink, MainAreaWidget<LinkWidget>>();

  /**
   * @param shell - Where they are shown.
   * @param beside - Whether the shell can show a dashboard beside its notebook; otherwise it stands below.
   * @param within - What they reach of the app.
   */
  constructor(
    private readonly shell: JupyterFrontEnd.IShell,
    private readonly beside: boolean,
    private readonly within: Omit<Within, "openWide">,
  ) {}

  /** Show the dashboard of a notebook. */
  open(link: NotebookLink): void {
    const dashboard = this.opened.get(link) ?? this.add(link);
    this.shell.activateById(dashboard.id);
  }

  private add(link: NotebookLink): MainAreaWidget<LinkWidget> {
    const { notebook } = link;
    const content = new LinkWidget({ ...this.within, openWide: null });
    content.link = link;
    const dashboard = new MainAreaWidget({ content });
    dashboard.id = `durable-nb-dashboard-${notebook.id}`;
    dashboard.toolbar.hide();
    const name = (): void => {
      content.title.label = `Steps of ${fileName(notebook.context.path)}`;
      content.title.caption = notebook.context.path;
    };
    name();
    content.title.icon = stepsIcon;
    content.title.closable = true;
    notebook.context.pathChanged.connect(name);
    const close = (): void => dashboard.dispose();
    notebook.disposed.connect(close);
    dashboard.disposed.connect(() => {
      this.opened.delete(link);
      notebook.context.pathChanged.disconnect(name);
      notebook.disposed.disconnect(close);
    });
    this.opened.set(link, dashboard);
    if (this.beside) {
      this.shell.add(dashboard, "main", { ref: notebook.id, mode: "split-right" });
    } else {
      // It begins as high as it must be: an area that was empty has no height of its own.
      content.addClass("durable-nb-below");
      this.shell.add(dashboard, "down");
    }
    return dashboard;
  }
}

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import type { NotebookLink } from "../link";
import type { NotebookLinks } from "../links";
import { ISettings, type Settings } from "../settings";
import { Snapshots } from "../snapshots";
import { ILinks } from "../tokens";
import { Badges } from "../views/badges";
import { CardHost } from "../views/card_host";

const SHOW_STEP = "durable-nb:show-step";

/** Each step tells at its cell how it stands; the notebook keeps that when it is saved. */
export const badges: JupyterFrontEndPlugin<void> = {
  id: "durable-nb:badges",
  description: "Shows the state of steps at their cells.",
  autoStart: true,
  requires: [ILinks, ISettings],
  activate: (app, links: NotebookLinks | null, settings: Settings) => {
    const attach = (link: NotebookLink): void => attachTo(link, app, settings);
    links?.all().forEach(attach);
    links?.added.connect((_, link) => attach(link));
  },
};

function attachTo(link: NotebookLink, app: JupyterFrontEnd, settings: Settings): void {
  const snapshots = new Snapshots(link);
  let shown: [CardHost, Badges] | null = null;
  const follow = (): void => {
    if (settings.options.badges && shown === null) {
      const made = new Badges(link);
      shown = [new CardHost(made, (step) => void app.commands.execute(SHOW_STEP, { step })), made];
    } else if (!settings.options.badges) {
      shown?.forEach((one) => one.dispose());
      shown = null;
    }
  };
  settings.changed.connect(follow);
  link.notebook.disposed.connect(() => {
    settings.changed.disconnect(follow);
    shown?.forEach((one) => one.dispose());
    snapshots.dispose();
  });
  follow();
}

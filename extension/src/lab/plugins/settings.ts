import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { ISettings, Settings, SETTINGS_ID } from "../settings";

/** What a person can set, followed while it changes. */
export const settings: JupyterFrontEndPlugin<Settings> = {
  id: SETTINGS_ID,
  description: "What a person can set about steps.",
  autoStart: true,
  provides: ISettings,
  optional: [ISettingRegistry],
  activate: (_app, registry: ISettingRegistry | null) => {
    const found = new Settings();
    registry?.load(SETTINGS_ID).then(
      (kept) => found.follow(kept),
      // An app may have a registry without the schemas of extensions: then the defaults hold.
      (error: unknown) => console.warn("durable_nb: its settings could not be read.", error),
    );
    return found;
  },
};

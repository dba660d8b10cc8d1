import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { IEditorExtensionRegistry } from "@jupyterlab/codemirror";
import type { NotebookLink } from "../link";
import type { NotebookLinks } from "../links";
import { ISettings, type Settings } from "../settings";
import { ILinks } from "../tokens";

/** Underlines what is wrong in the marker of a step before its cell runs. */
export const marks: JupyterFrontEndPlugin<void> = {
  id: "durable-nb:marks",
  description: "Underlines what is wrong in the markers of steps.",
  autoStart: true,
  requires: [ISettings],
  optional: [ILinks, IEditorExtensionRegistry],
  activate: async (
    _app,
    settings: Settings,
    links: NotebookLinks | null,
    registry: IEditorExtensionRegistry | null,
  ): Promise<void> => {
    if (links === null || registry === null) {
      return;
    }
    // Not before it is known that there are editors: Voilà loads this too, and has no CodeMirror.
    const { MarkedEditors } = await import("../views/marks");
    const editors = new MarkedEditors();
    registry.addExtension({
      name: "durable-nb:marks",
      factory: ({ inline, model }) =>
        inline ? { instance: () => editors.extensionFor(model), reconfigure: () => null } : null,
    });
    const show = (link: NotebookLink): void => {
      editors.show(link, (settings.options.underlines && link.loaded && link.get("steps")?.marks) || []);
    };
    const listen = (link: NotebookLink): void => {
      link.stateChanged.connect(show);
      show(link);
    };
    links.all().forEach(listen);
    links.added.connect((_, link) => listen(link));
    settings.changed.connect(() => links.all().forEach(show));
  },
};

import { badges } from "./plugins/badges";
import { commands } from "./plugins/commands";
import { links } from "./plugins/links";
import { marks } from "./plugins/marks";
import { panel } from "./plugins/panel";
import { running } from "./plugins/running";
import { settings } from "./plugins/settings";

export default [settings, links, badges, panel, commands, marks, running];

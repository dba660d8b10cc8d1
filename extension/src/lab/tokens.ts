import { Token } from "@lumino/coreutils";
import type { NotebookLinks } from "./links";

/** The links of all notebooks that are open; null where an app has no notebooks in tabs. */
export const ILinks = new Token<NotebookLinks | null>(
  "durable-nb:ILinks",
  "What durable_nb knows of each open notebook, and the way to its kernel.",
);

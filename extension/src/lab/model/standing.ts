/** What of a notebook's steps can be shown. */
export type Standing = "no kernel" | "connecting" | "other language" | "absent" | "silent" | "live";

/** What is looked at to tell that. */
export interface Seen {
  link: "no kernel" | "connecting" | "absent" | "live";
  /** The language of the notebook; empty where that is not known. */
  language: string;
  /** Whether a cell runs in the kernel. */
  busy: boolean;
  /** Whether the kernel has told of its steps yet. */
  told: boolean;
}

/** What can be shown of a notebook. */
export function standingOf(seen: Seen): Standing {
  const isAsking = seen.link === "connecting" || (seen.link === "live" && !seen.told);
  if (isAsking) {
    return seen.busy ? "silent" : "connecting";
  }
  const isForeign = seen.language !== "" && seen.language.toLowerCase() !== "python";
  return seen.link === "absent" && isForeign ? "other language" : seen.link;
}

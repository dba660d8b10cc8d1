/** What kernel and notebook say to each other. */
import type { Problem, State, StepRow, Traits } from "../../dashboard/contract";

/** Id of the comm on which the kernel tells all front ends, and name of the target of those that ask. */
export const CHANNEL = "durable_nb";

/** What a beat tells of a step while a cell runs. */
export type BeatRow = Pick<
  StepRow,
  "step" | "cell" | "state" | "seconds" | "started_at" | "usual_seconds" | "waits" | "attempts"
>;

/** The kernel wants cells of this notebook to be run, in order, by the notebook itself. */
export interface RunRequest {
  request: string;
  cells: string[];
  steps: string[];
}

interface Said {
  /** Which life of durable_nb in which kernel says it. */
  session: string;
}

interface View<Name extends keyof Traits> extends Said {
  type: "view";
  name: Name;
  content: Traits[Name];
}

export interface Beat extends Said {
  type: "beat";
  /** Seconds since the epoch, where the kernel is. */
  at: number;
  rows: BeatRow[];
}

export interface Answer extends Said {
  type: "answer";
  client: string;
  id: number;
  ok?: unknown;
  problem?: Problem;
}

export type Broadcast =
  | (Said & { type: "loaded"; version: string })
  | (Said & { type: "unloaded" })
  | { [Name in keyof Traits]: View<Name> }[keyof Traits]
  | Beat
  | Answer
  | (Said & { type: "run"; client: string } & RunRequest);

/** A question to the kernel. */
export interface Question {
  client: string;
  id: number;
  ask: string;
  args: object;
}

type Fields = Readonly<Record<string, unknown>>;

const VIEWS: ReadonlySet<unknown> = new Set<keyof Traits>(["panel", "steps", "parameters", "runs", "jobs"]);

const CHECKS: Readonly<Record<Broadcast["type"], (fields: Fields) => boolean>> = {
  loaded: () => true,
  unloaded: () => true,
  view: ({ name, content }) => VIEWS.has(name) && typeof content === "object" && content !== null,
  beat: ({ at, rows }) => typeof at === "number" && Array.isArray(rows),
  answer: ({ client, id }) => typeof client === "string" && typeof id === "number",
  run: ({ client, request, cells }) =>
    typeof client === "string" && typeof request === "string" && Array.isArray(cells),
};

/** What a kernel has said to all; null for what is none of it, or is of a version not known here. */
export function broadcastOf(data: unknown): Broadcast | null {
  if (typeof data !== "object" || data === null) {
    return null;
  }
  const fields = data as Fields;
  const check = CHECKS[fields["type"] as Broadcast["type"]] as ((fields: Fields) => boolean) | undefined;
  const isOne = typeof fields["session"] === "string" && check !== undefined && check(fields);
  return isOne ? (data as Broadcast) : null;
}

/** A row of a step of which only beats have told. */
export function rowOfBeat(beat: BeatRow, position: number): StepRow {
  return {
    stale: null,
    saved_seconds: 0,
    bytes: 0,
    timeline: [],
    progress: [],
    given: [],
    elsewhere: "",
    actions: [],
    position,
    ...beat,
  };
}

/** States in which a step stays until somebody does something. */
export const ENDED: ReadonlySet<State> = new Set<State>([
  "completed",
  "reused",
  "failed",
  "blocked",
  "cancelled",
  "interrupted",
  "waiting",
]);

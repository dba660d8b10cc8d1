/** What a step's cell says about it. */
import type { Mark, State, StepRow } from "../../dashboard/contract";
import { isStale } from "../../dashboard/model/steps";
import { duration, elapsed, grouped, plainText, plural } from "../../dashboard/model/wording";
import type { LinkState } from "./conversation";
import type { Snapshot } from "./snapshot";

/** All that is known of a step's cell. */
export interface Sight {
  /** How the notebook stands to its kernel. */
  link: LinkState;
  /** Whether the kernel has told of its steps. */
  isKnown: boolean;
  /** How the kernel says that it stands. */
  row: StepRow | null;
  /** What is wrong with its marker. */
  mark: Mark | null;
  /** As it was saved with the notebook. */
  snapshot: Snapshot | null;
  /** Name in the marker; empty where the cell takes it from its code. */
  name: string;
  /** Digest of the cell as it is. */
  digest: string;
}

/** A sign beside the word. */
export type BadgeIcon = State | "stale" | "wrong";

/** What is shown, word by word. */
export interface Badge {
  icon: BadgeIcon;
  /** The end of a class `tone-…`. */
  tone: State | "stale";
  word: string;
  /** How long it took; empty where {@link Badge.since} tells. */
  time: string;
  /** When it began, if it goes on; how long it usually takes. */
  since: { at: number; usual: number | null } | null;
  /** Why it is as it is, on one line. */
  why: string;
  /** Whether the reason is an error. */
  isBad: boolean;
  /** Whether it is of the past: as the notebook was saved. */
  isSaved: boolean;
  /** Name of the step. */
  step: string;
  /** Whether its cell says that name. */
  isNamed: boolean;
}

type Words = Omit<Badge, "step" | "isNamed">;

const BLANK: Omit<Words, "icon" | "tone" | "word"> = {
  time: "",
  since: null,
  why: "",
  isBad: false,
  isSaved: false,
};

/** What a badge shows. */
export function badgeOf(sight: Sight): Badge {
  const [words, step] = wordsOf(sight);
  return { ...words, step, isNamed: sight.name !== "" };
}

/** What is to be said, and of which step. */
function wordsOf(sight: Sight): [Words, string] {
  const { row, name, digest } = sight;
  if (sight.link === "live" && sight.isKnown) {
    if (isWrong(sight)) {
      return [wrongBadge(sight), name];
    }
    return row === null ? [pendingBadge("pending"), name] : [liveBadge(row), row.step];
  }
  const saved = savedOf(sight);
  return saved === null ? [pendingBadge("step"), name] : [savedBadge(saved, saved.digest !== digest), saved.step];
}

/** The snapshot, if it is of this step: a cell that was copied, or renamed by hand, brings one of another. */
export function savedOf({ snapshot, name }: Sight): Snapshot | null {
  return snapshot !== null && (name === "" || name === snapshot.step) ? snapshot : null;
}

/** How long something goes on that began at a time. */
export function sinceText({ at, usual }: { at: number; usual: number | null }, now: number): string {
  const been = elapsed(now - at);
  return usual === null || usual < 1 ? been : `${been} of about ${duration(usual)}`;
}

/** Whether the cell cannot run as its marker is; what it left before it was so stays to be seen. */
export function isWrong({ mark, row }: Sight): boolean {
  return mark !== null && (row === null || row.state === "pending");
}

function wrongBadge({ mark }: Sight): Words {
  const why = oneLine([mark?.text, mark?.next].filter(Boolean).join("; "));
  return { ...BLANK, icon: "wrong", tone: "failed", word: "cannot run", why, isBad: true };
}

function pendingBadge(word: string): Words {
  return { ...BLANK, icon: "pending", tone: "pending", word };
}

function savedBadge(saved: Snapshot, isEdited: boolean): Words {
  if (saved.state === "running") {
    const word = "was running when this was saved";
    return { ...BLANK, icon: "interrupted", tone: "pending", word, why: isEdited ? "edited since" : "", isSaved: true };
  }
  return {
    ...BLANK,
    icon: saved.state,
    tone: saved.state,
    word: saved.state,
    time: saved.seconds === null ? "" : duration(saved.seconds),
    why: isEdited ? "as saved, edited since" : "as saved",
    isSaved: true,
  };
}

function liveBadge(row: StepRow): Words {
  const { state } = row;
  const why = oneLine(row.waits);
  const time = row.seconds === null ? "" : duration(row.seconds);
  const usual: Words = { ...BLANK, icon: state, tone: state, word: state, time, why };
  if (row.queued === true) {
    return { ...usual, icon: "pending", tone: "running", word: "queued", time: "" };
  }
  switch (state) {
    case "running":
      return { ...usual, time: "", since: sinceOf(row), why: progressOf(row) || whereOf(row) || why };
    case "failed":
    case "interrupted": {
      const tries = row.attempts > 1 ? plural(row.attempts, "attempt") : "";
      const error = oneLine(row.error ?? "");
      return { ...usual, time: joined(time, tries), why: error || why, isBad: error !== "" };
    }
    case "pending":
      return { ...usual, time: "", why: row.stale === false ? "would be reused" : why };
    case "completed":
    case "reused":
      return isStale(row) ? { ...usual, icon: "stale", tone: "stale", word: "stale" } : doneBadge(usual, row);
    default:
      return { ...usual, time: "" };
  }
}

function doneBadge(usual: Words, row: StepRow): Words {
  const saved = row.state === "reused" && row.saved_seconds >= 0.001 ? `saved ${duration(row.saved_seconds)}` : "";
  const byHand = row.given.length > 0 ? `${row.given.join(", ")} set by hand` : "";
  return { ...usual, time: saved || usual.time, why: usual.why || byHand };
}

function sinceOf(row: StepRow): Badge["since"] {
  return row.started_at === null ? null : { at: row.started_at, usual: row.usual_seconds };
}

function progressOf(row: StepRow): string {
  const one = row.progress[0];
  if (one === undefined) {
    return "";
  }
  const count = one.total === null ? plural(one.done, "item") : `${grouped(one.done)} of ${grouped(one.total)}`;
  return one.label ? `${one.label}: ${count}` : count;
}

function whereOf(row: StepRow): string {
  return row.elsewhere ? `in ${row.elsewhere}` : "";
}

function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).join(" · ");
}

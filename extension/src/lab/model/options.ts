/** How a cell is marked as a step when a command does it: `%%step clean`, or `# step: clean`. */
export type MarkerStyle = "magic" | "comment";

/** What a person can set. */
export interface Options {
  /** Whether steps show their state at their cells. */
  badges: boolean;
  /** Whether what is stale is worked out anew while somebody types. */
  livePlan: boolean;
  /** How long after the last key that is done, in milliseconds. */
  planDelay: number;
  /** Whether what is wrong in a marker is underlined. */
  underlines: boolean;
  markerStyle: MarkerStyle;
  /** Whether it is said first what running stale steps would execute. */
  confirmRun: boolean;
}

/** What holds where nothing is set: the same as in the schema. */
export const DEFAULTS: Options = {
  badges: true,
  livePlan: true,
  planDelay: 400,
  underlines: true,
  markerStyle: "magic",
  confirmRun: true,
};

const LEAST_DELAY = 100;
const MOST_DELAY = 10_000;

/** Options out of what the registry of settings gives; what is not as it should be is as it is by default. */
export function optionsOf(given: Readonly<Record<string, unknown>>): Options {
  const yes = (name: "badges" | "livePlan" | "underlines" | "confirmRun"): boolean => {
    const value = given[name];
    return typeof value === "boolean" ? value : DEFAULTS[name];
  };
  const delay = given["planDelay"];
  const isDelay = typeof delay === "number" && Number.isFinite(delay);
  return {
    badges: yes("badges"),
    livePlan: yes("livePlan"),
    planDelay: isDelay ? Math.min(MOST_DELAY, Math.max(LEAST_DELAY, delay)) : DEFAULTS.planDelay,
    underlines: yes("underlines"),
    markerStyle: given["markerStyle"] === "comment" ? "comment" : DEFAULTS.markerStyle,
    confirmRun: yes("confirmRun"),
  };
}

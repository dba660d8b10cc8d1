/** The JSON that the back end gives. Times are seconds since the epoch, durations seconds, sizes bytes. */

export type State =
  | "pending"
  | "running"
  | "completed"
  | "reused"
  | "failed"
  | "blocked"
  | "interrupted"
  | "cancelled"
  | "waiting";

export type Counts = Partial<Record<State, number>>;

export interface Problem {
  kind?: "info" | "warning" | "error";
  text: string;
  next: string;
}

export type ViewName = "steps" | "parameters" | "runs";

export interface Panel {
  notebook: string;
  title: string;
  store: string;
  user: string;
  /** Whether the kernel behind the panel can run the notebook's cells. */
  here: boolean;
  /** Whether a cell runs in that kernel. */
  busy?: boolean;
  /** Notebooks that the panel can be turned to, where it is in no notebook's kernel. */
  notebooks?: string[];
  views: ViewName[];
  problem: Problem | null;
  version: string;
}

export interface Stretch {
  start: number;
  end: number | null;
  state: State;
  attempt: number;
}

export interface Progress {
  done: number;
  total: number | null;
  label: string;
}

export interface Action {
  do: string;
  title: string;
  /** Why it cannot be done now; empty where it can. */
  why_not: string;
}

export interface StepRow {
  step: string;
  /** Id of its cell in the notebook as it is shown; empty where that is not known. */
  cell: string;
  position: number;
  state: State;
  waits: string;
  stale: boolean | null;
  seconds: number | null;
  usual_seconds: number | null;
  started_at: number | null;
  attempts: number;
  saved_seconds: number;
  bytes: number;
  timeline: Stretch[];
  progress: Progress[];
  given: string[];
  elsewhere: string;
  /** What the last attempt failed with, on one line. */
  error?: string;
  /** Asked for in the panel, and waiting for its turn. */
  queued?: boolean;
  actions: Action[];
}

export interface GraphNode {
  step: string;
  /** Left edge. */
  x: number;
  /** Upper edge. */
  y: number;
  width: number;
  height: number;
  /** Empty for what is no step. */
  state: State | "";
  /** What flows out of it, in a few words. */
  makes?: string;
  is_step?: boolean;
}

export interface GraphEdge {
  from: string;
  to: string;
  names: string[];
  points: [number, number][];
}

export interface StepGraph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  width: number;
  height: number;
}

/** What is wrong with the marker of a cell, known before anything runs. */
export interface Mark {
  /** Id of the cell. */
  cell: string;
  /** From 0, within the cell. */
  line: number;
  /** Column where it begins, in UTF-16 code units. */
  start: number;
  /** Column where it ends. */
  end: number;
  text: string;
  next: string;
}

export interface Steps {
  at: number;
  note: string;
  plan_at: number | null;
  totals: { counts: Counts; would: string };
  rows: StepRow[];
  graph: StepGraph | null;
  marks: Mark[];
}

export interface Reason {
  text: string;
  lines: string[];
}

export interface OlderValue {
  trace_id: string;
  at: number;
  run_id: string;
  summary: string;
}

export interface Output {
  name: string;
  type: string;
  summary: string;
  bytes: number;
  /** How it comes back: value, part, definition, module, alias, file … */
  kind?: string;
  given: { by: string; at: number } | null;
  traces: OlderValue[];
}

export interface Input {
  kind: string;
  name: string;
  summary: string;
  from: string;
}

export interface Attempt {
  run_id: string;
  attempt: number;
  state: State;
  started_at: number | null;
  seconds: number | null;
  reason: string;
  error: string;
  output: string;
}

export interface HistoryEntry {
  at: number;
  /** What became of it, or what a person decided: accept, invalidate, set, undo, options. */
  state: string;
  run_id: string;
  attempt: number;
  seconds: number | null;
  note: string;
  differences: Reason[];
  trace_id: string | null;
}

export interface StepError {
  type: string;
  message: string;
  traceback: string;
}

export interface Detail {
  step: string;
  source: string;
  options: Record<string, string | number | boolean | null>;
  /** Those of the options that were changed by hand. */
  edited?: Record<string, unknown>;
  outputs: Output[];
  /** What the cell showed, piece by piece. */
  shown?: Preview[];
  inputs: Input[];
  error: StepError | null;
  attempts: Attempt[];
  /** known: whether its cell is in the notebook as saved. */
  why: { last: Reason[]; now: Reason[]; decision: "reuse" | "execute" | "depends"; known?: boolean };
  history: HistoryEntry[];
}

export type Preview =
  | { kind: "table"; columns: { name: string; type: string }[]; rows: string[][]; shape: [number, number] }
  | { kind: "image"; mime: string; data: string }
  | { kind: "text"; text: string; more: boolean }
  | { kind: "none"; why: string };

export interface Foretold {
  text: string;
  steps?: string[];
  undo?: boolean;
  /** Names that need a value from the person who decides. */
  wants?: string[];
  problem?: Problem | null;
}

export interface Undo {
  do: string;
  step: string;
  args: object;
}

export interface Done {
  text: string;
  undo: Undo | null;
  problem?: Problem | null;
}

export interface ParameterCell {
  name: string;
  type: string;
  value: string;
  default: string;
  help: string;
  choices: string[] | null;
  range: [number | null, number | null] | null;
  secret: boolean;
  /** Whether None is allowed. */
  optional?: boolean;
  required?: boolean;
  from: "default" | "edit" | "run";
  by: string;
  at: number | null;
  last: string[];
  /** What runs take that are given no other value, where somebody has set that. */
  edit?: { value: string; by: string; at: number } | null;
}

export interface Parameters {
  cells: ParameterCell[];
  /** Why they cannot be applied; empty where they can. */
  why_not?: string;
  /** Why steps cannot be run with them here; empty where they can. */
  why_not_run?: string;
}

export interface Checked {
  errors: Record<string, string>;
  stale: string[];
  text: string;
}

export type SortColumn = "started_at" | "seconds" | "state" | "notebook";

export interface RunsQuery {
  states: State[];
  notebook: string;
  parameter: string;
  tag: string;
  since: number | null;
  text: string;
  sort: SortColumn;
  descending: boolean;
  page: number;
  size: number;
  /** Whether runs of notebooks' own kernels are wanted too. */
  interactive?: boolean;
}

export interface RunRow {
  run_id: string;
  notebook: string;
  state: State;
  started_at: number;
  finished_at: number | null;
  seconds: number | null;
  counts: Counts;
  parameters: Record<string, string>;
  tags: Record<string, string> | string[];
  error: string;
  parent_run_id: string | null;
  user: string;
  host: string;
  output: string;
  resumed_at?: number | null;
  engine?: string;
}

export interface Runs {
  query: RunsQuery;
  total: number;
  page: number;
  pages: number;
  rows: RunRow[];
  states: Counts;
}

export interface RunStep {
  step: string;
  state: State;
  seconds: number | null;
  attempts?: number;
  error?: string;
  reason?: string;
}

export interface RunDetail extends RunRow {
  steps: RunStep[];
  effective?: Record<string, { value: string }>;
  traceback?: string;
  options?: Record<string, unknown>;
  git_commit?: string;
  versions?: Record<string, string>;
  report?: string;
}

export interface ComparedOutput {
  name: string;
  text: string;
  lines: string[];
}

export interface ComparedStep {
  step: string;
  first: { state: State; seconds: number | null; error?: string } | null;
  second: { state: State; seconds: number | null; error?: string } | null;
  same: boolean;
  compared: boolean;
  causes: Reason[];
  outputs: ComparedOutput[];
}

export interface ComparedRun {
  run_id: string;
  notebook: string;
  state: State;
  seconds: number | null;
}

export interface Comparison {
  first: ComparedRun;
  second: ComparedRun;
  parameters: string[];
  steps: ComparedStep[];
}

export interface Job {
  job: string;
  run_ids: string[];
  started_at: number;
  lines: string[];
  done: boolean;
  /** Run → how it stands. */
  states: Record<string, State>;
  ended_at?: number | null;
  /** What was changed, in words. */
  words?: string;
  failed?: boolean;
}

/** What is kept in step without being asked for. */
export interface Traits {
  panel: Panel;
  steps: Steps;
  parameters: Parameters;
  runs: Runs;
  jobs: Job[];
}

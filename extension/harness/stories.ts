import type {
  Action,
  Detail,
  Panel,
  ParameterCell,
  Preview,
  RunRow,
  Runs,
  RunsQuery,
  State,
  StepGraph,
  StepRow,
  Steps,
} from "../src/dashboard/contract";
import { AskError } from "../src/dashboard/connection";
import { ALL_RUNS } from "../src/dashboard/model/runs";
import { recorded } from "./recorded";
import type { Story } from "./sample_connection";

const NOW = Date.now() / 1000;

const PANEL: Panel = {
  notebook: "/home/ana/delays/flights.ipynb",
  title: "flights.ipynb",
  store: "/home/ana/delays/.durable",
  user: "ana",
  here: true,
  views: ["steps", "parameters", "runs"],
  problem: null,
  version: "0.1.0",
};

function actions(state: State): Action[] {
  const busy = state === "running" ? "it is running" : "";
  const found: Action[] = [
    { do: "run", title: "Run", why_not: busy },
    { do: "run_from", title: "Run from here", why_not: busy },
    { do: "invalidate", title: "Invalidate", why_not: busy },
    { do: "accept", title: "Accept edit", why_not: "its code is as it was" },
    { do: "edit_options", title: "Edit for this session", why_not: "" },
    { do: "set_output", title: "Set by hand", why_not: "" },
    { do: "restore_value", title: "Restore", why_not: "" },
  ];
  const first: Partial<Record<State, Action[]>> = {
    failed: [{ do: "retry", title: "Retry", why_not: "" }],
    interrupted: [{ do: "retry", title: "Retry", why_not: "" }],
    running: [{ do: "cancel", title: "Cancel", why_not: "" }],
    waiting: [
      { do: "resolve_happened", title: "It happened", why_not: "" },
      { do: "resolve_again", title: "Run it again", why_not: "" },
    ],
  };
  return [...(first[state] ?? []), ...found];
}

let position = 0;

function step(name: string, state: State, more: Partial<StepRow> = {}): StepRow {
  return {
    step: name,
    cell: "",
    position: position++,
    state,
    waits: "",
    stale: false,
    seconds: null,
    usual_seconds: null,
    started_at: null,
    attempts: 1,
    saved_seconds: 0,
    bytes: 0,
    timeline: [],
    progress: [],
    given: [],
    elsewhere: "",
    actions: actions(state),
    ...more,
  };
}

function flights(): Steps {
  position = 0;
  const at = NOW - 96;
  const rows = [
    step("load", "reused", {
      seconds: 0.012,
      saved_seconds: 192,
      bytes: 31_200_000,
      timeline: [{ start: at, end: at + 0.4, state: "reused", attempt: 1 }],
    }),
    step("weather", "reused", {
      seconds: 0.008,
      saved_seconds: 41,
      bytes: 4_180_000,
      given: ["stations"],
      timeline: [{ start: at + 0.4, end: at + 0.7, state: "reused", attempt: 1 }],
    }),
    step("clean", "completed", {
      seconds: 21.4,
      bytes: 12_400_000,
      waits: "executed: threshold 0.4 → 0.5",
      attempts: 1,
      timeline: [{ start: at + 1, end: at + 22.4, state: "completed", attempt: 1 }],
    }),
    step("features", "completed", {
      seconds: 9.1,
      bytes: 8_920_000,
      attempts: 3,
      stale: true,
      waits: "its code differs: late = delay >= 15 → late = delay >= 20",
      timeline: [
        { start: at + 23, end: at + 27, state: "failed", attempt: 1 },
        { start: at + 29, end: at + 32, state: "failed", attempt: 2 },
        { start: at + 36, end: at + 45, state: "completed", attempt: 3 },
      ],
    }),
    step("train", "running", {
      started_at: at + 46,
      usual_seconds: 180,
      waits: "",
      progress: [{ done: 1204, total: 5000, label: "trees" }],
      timeline: [{ start: at + 46, end: null, state: "running", attempt: 1 }],
      stale: null,
    }),
    step("by_airport", "failed", {
      seconds: 3.2,
      attempts: 2,
      waits: "",
      error: "KeyError: 'dest'",
      timeline: [
        { start: at + 50, end: at + 53, state: "failed", attempt: 1 },
        { start: at + 57, end: at + 60, state: "failed", attempt: 2 },
      ],
    }),
    step("evaluate", "pending", { attempts: 0, waits: "waits for train", stale: null, usual_seconds: 12 }),
    step("map_of_delays", "blocked", { attempts: 0, waits: "by_airport failed", stale: null }),
    step("send_report", "waiting", {
      attempts: 1,
      waits: "at-most-once: the process died while it ran; did it happen?",
      stale: null,
      elsewhere: "",
      timeline: [{ start: at + 62, end: at + 66, state: "interrupted", attempt: 1 }],
    }),
  ];
  return {
    at: NOW,
    note: "",
    marks: [],
    plan_at: NOW,
    totals: {
      counts: { reused: 2, completed: 2, running: 1, failed: 1, pending: 1, blocked: 1, waiting: 1 },
      would: "executes 5 steps, about 3 min 24 s; reuses 3, saves about 4 min 14 s",
    },
    rows,
    graph: flightsGraph(rows),
  };
}

function flightsGraph(rows: StepRow[]): StepGraph {
  const places: Record<string, [number, number, number, string?]> = {
    load: [40, 0, 108, "flights"],
    weather: [190, 0, 110, "hourly"],
    clean: [40, 90, 108, "df"],
    features: [100, 180, 130, "X, y"],
    train: [60, 270, 108, "model"],
    by_airport: [230, 180, 120],
    evaluate: [40, 360, 110, "score"],
    map_of_delays: [215, 270, 150],
    send_report: [120, 450, 128],
  };
  const pairs: [string, string, string][] = [
    ["load", "clean", "flights"],
    ["weather", "features", "hourly"],
    ["clean", "features", "df"],
    ["clean", "by_airport", "df"],
    ["features", "train", "X, y"],
    ["train", "evaluate", "model"],
    ["by_airport", "map_of_delays", "table"],
    ["evaluate", "send_report", "score"],
    ["map_of_delays", "send_report", "figure"],
  ];
  const place = (name: string): [number, number, number, string?] => places[name] ?? [0, 0, 100];
  return {
    width: 366,
    height: 496,
    nodes: rows.map((row) => {
      const [x, y, width, makes] = place(row.step);
      return { step: row.step, x, y, width, height: 46, state: row.state, makes };
    }),
    edges: pairs.map(([from, to, name]) => {
      const [x, y, width] = place(from);
      const [x2, y2, width2] = place(to);
      return {
        from,
        to,
        names: [name],
        points: [
          [x + width / 2, y + 46],
          [x2 + width2 / 2, y2],
        ],
      };
    }),
  };
}

const DIFF = [
  "--- before",
  "+++ now",
  "@@ -1,4 +1,4 @@",
  ' arrived = flights.dropna(subset=["arr_delay"])',
  '-late = arrived["arr_delay"] >= 15',
  '+late = arrived["arr_delay"] >= 20',
  ' X = arrived[["distance", "hour", "dest"]]',
];

const TRACEBACK = `Traceback (most recent call last):
  Cell "by_airport", line 3
    2 | table = df.groupby("dest")["late"].mean()
  > 3 | table = table.join(airports.set_index("faa"), on="dest")
KeyError: 'dest'`;

function detail(args: Record<string, unknown>, story: Story): Detail {
  const row = story.traits.steps?.rows.find((one) => one.step === args["step"]);
  const state = row?.state ?? "completed";
  const failed = state === "failed";
  return {
    step: String(args["step"]),
    source: `%%step ${args["step"]} --retries 3 --backoff 2 --timeout 10m\narrived = flights.dropna(subset=["arr_delay"])\nlate = arrived["arr_delay"] >= 20\nX = arrived[["distance", "hour", "dest"]]\nX.head()`,
    options: { retries: 3, backoff: 2, timeout: "10m" },
    outputs:
      failed || state === "pending"
        ? []
        : [
            {
              name: "df",
              type: "pandas.DataFrame",
              summary: "DataFrame 336,776 × 8",
              bytes: 12_400_000,
              given: null,
              traces: [
                { trace_id: "a1", at: NOW - 86400, run_id: "20261122-2315", summary: "DataFrame 336,770 × 8" },
                { trace_id: "a2", at: NOW - 3 * 86400, run_id: "20261120-2315", summary: "DataFrame 335,120 × 8" },
              ],
            },
            {
              name: "late_share",
              type: "float",
              summary: "0.2371",
              bytes: 812,
              given: { by: "ana", at: NOW - 420 },
              traces: [],
            },
            {
              name: "figure",
              type: "matplotlib.figure.Figure",
              summary: "Figure 640 × 480",
              bytes: 48_300,
              given: null,
              traces: [],
            },
          ],
    shown:
      failed || state === "pending"
        ? []
        : [
            {
              kind: "text",
              text: "   distance  hour dest\n0      1400     5  IAH\n1      1416     5  IAH\n2      1089     5  MIA",
              more: false,
            },
          ],
    inputs: [
      { kind: "value", name: "flights", summary: "DataFrame 336,776 × 19", from: "load" },
      { kind: "value", name: "threshold", summary: "0.5", from: "" },
      { kind: "module", name: "pandas", summary: "pandas 2.2.3", from: "" },
      { kind: "file", name: "data/airports.csv", summary: "1,458 lines, 98 kB", from: "" },
    ],
    error: failed ? { type: "KeyError", message: "'dest'", traceback: TRACEBACK } : null,
    attempts: [
      {
        run_id: "20261123-0801",
        attempt: 2,
        state: failed ? "failed" : "completed",
        started_at: NOW - 39,
        seconds: 3.1,
        reason: "attempt 2 of 4, after 2.1 s",
        error: failed ? "KeyError: 'dest'" : "",
        output: "read 336,776 rows\njoined 1,458 airports\n",
      },
      {
        run_id: "20261123-0801",
        attempt: 1,
        state: "failed",
        started_at: NOW - 46,
        seconds: 3.2,
        reason: "threshold 0.4 → 0.5",
        error: "KeyError: 'dest'",
        output: "read 336,776 rows\n",
      },
    ],
    why: {
      last: [{ text: "threshold 0.4 → 0.5", lines: [] }],
      now: row?.stale
        ? [{ text: "its code differs", lines: DIFF }]
        : state === "reused"
          ? []
          : [
              { text: "flights: 336,770 → 336,776 rows", lines: [] },
              { text: "its code differs", lines: DIFF },
            ],
      decision: state === "reused" ? "reuse" : "execute",
    },
    history: [
      {
        at: NOW - 46,
        state,
        run_id: "20261123-0801",
        attempt: 2,
        seconds: 3.1,
        note: "",
        differences: [{ text: "threshold 0.4 → 0.5", lines: [] }],
        trace_id: null,
      },
      {
        at: NOW - 86400,
        state: "completed",
        run_id: "20261122-2315",
        attempt: 1,
        seconds: 8.8,
        note: "invalidated by ana",
        differences: [{ text: "its code differs", lines: DIFF }],
        trace_id: "a1",
      },
      {
        at: NOW - 3 * 86400,
        state: "completed",
        run_id: "20261120-2315",
        attempt: 1,
        seconds: 8.1,
        note: "first run",
        differences: [],
        trace_id: "a2",
      },
    ],
  };
}

const CARRIERS = ["UA", "AA", "B6", "DL", "EV", "9E"];
const DESTINATIONS = ["IAH", "MIA", "BQN", "ATL", "ORD", "FLL", "LAX"];

function preview(args: Record<string, unknown>): Preview {
  switch (args["output"]) {
    case "late_share":
      return { kind: "text", text: "0.2371", more: false };
    case "figure":
      return { kind: "none", why: "A figure is drawn again when the step is reused; it has no picture of its own." };
    case "_":
      return {
        kind: "text",
        text: "   distance  hour dest\n0      1400     5  IAH\n1      1416     5  IAH\n2      1089     5  MIA",
        more: true,
      };
    default:
      return {
        kind: "table",
        columns: [
          { name: "time_hour", type: "datetime64[ns]" },
          { name: "carrier", type: "string" },
          { name: "flight", type: "int64" },
          { name: "dest", type: "string" },
          { name: "arr_delay", type: "float64" },
          { name: "distance", type: "float64" },
          { name: "late", type: "bool" },
          { name: "tail_number_of_the_aircraft", type: "string" },
        ],
        rows: Array.from({ length: 20 }, (_, i) => [
          `2013-01-01 ${String(5 + (i % 12)).padStart(2, "0")}:00:00`,
          CARRIERS[i % 6] ?? "",
          String(1141 + i * 37),
          DESTINATIONS[i % 7] ?? "",
          String(((i * 13) % 41) - 18),
          String(1089 + i * 61),
          i % 3 === 0 ? "True" : "False",
          `N${14228 + i * 11}`,
        ]),
        shape: [336_776, 8],
      };
  }
}

const PARAMETERS: ParameterCell[] = [
  {
    name: "day",
    type: "date",
    value: "2026-11-01",
    default: "2026-11-01",
    help: "which day to load",
    choices: null,
    range: null,
    secret: false,
    from: "default",
    by: "",
    at: null,
    last: ["2026-10-31", "2026-10-30"],
    edit: { value: "2026-11-22", by: "ana", at: NOW - 86_400 },
  },
  {
    name: "threshold",
    type: "float",
    value: "0.5",
    default: "0.4",
    help: "drop rows below this",
    choices: null,
    range: [0, 1],
    secret: false,
    from: "edit",
    by: "ana",
    at: NOW - 500,
    last: ["0.4", "0.45", "0.6"],
  },
  {
    name: "trees",
    type: "int",
    value: "500",
    default: "500",
    help: "how many trees the forest has",
    choices: null,
    range: [1, null],
    secret: false,
    from: "default",
    by: "",
    at: null,
    last: ["200"],
  },
  {
    name: "carrier",
    type: "choice",
    value: "UA",
    default: "UA",
    help: "",
    choices: CARRIERS,
    range: null,
    secret: false,
    from: "run",
    by: "",
    at: null,
    last: [],
  },
  {
    name: "send",
    type: "bool",
    value: "False",
    default: "False",
    help: "send the report when all is done",
    choices: null,
    range: null,
    secret: false,
    from: "default",
    by: "",
    at: null,
    last: [],
  },
  {
    name: "api_key",
    type: "str",
    value: "",
    default: "",
    help: "of the weather service",
    choices: null,
    range: null,
    secret: true,
    from: "edit",
    by: "",
    at: null,
    last: [],
  },
  {
    name: "title",
    type: "str",
    value: "Late flights out of New York",
    default: "Late flights out of New York",
    help: "",
    choices: null,
    range: null,
    secret: false,
    from: "default",
    by: "",
    at: null,
    last: [],
  },
  {
    name: "airports",
    type: "json",
    value: '["JFK", "LGA", "EWR"]',
    default: '["JFK", "LGA", "EWR"]',
    help: "from where",
    choices: null,
    range: null,
    secret: false,
    from: "default",
    by: "",
    at: null,
    last: ['["JFK"]'],
  },
];

const RUN_STATES: State[] = [
  "failed",
  "completed",
  "completed",
  "running",
  "completed",
  "interrupted",
  "completed",
  "completed",
  "waiting",
  "cancelled",
];

function runRow(index: number): RunRow {
  const state = RUN_STATES[index % RUN_STATES.length] ?? "completed";
  const at = NOW - 240 - index * 5400;
  const bad = state !== "completed" && state !== "running";
  return {
    run_id: `202611${String(23 - Math.floor(index / 12)).padStart(2, "0")}-${String(2315 - (index % 12) * 137).padStart(4, "0")}`,
    notebook:
      index % 4 === 2 ? "/srv/nightly/weather_of_all_stations_east_of_the_river.ipynb" : "/srv/nightly/one_day.ipynb",
    state,
    started_at: at,
    finished_at: state === "running" ? null : at + 41,
    seconds: state === "running" ? null : 41 + index * 3,
    counts: bad
      ? { failed: 1, completed: 2, blocked: 1, reused: 3 }
      : state === "running"
        ? { running: 1, reused: 3, pending: 3 }
        : { completed: 4, reused: 3 },
    parameters: { day: `2026-11-${String(22 - (index % 20)).padStart(2, "0")}`, threshold: "0.5" },
    tags: index % 3 === 0 ? { team: "ops" } : {},
    error:
      state === "failed"
        ? "clean: ValueError: could not convert string to float: '12 min'"
        : state === "waiting"
          ? "send_report: a person has to say what became of it"
          : "",
    parent_run_id: index === 1 ? "20261122-2041" : null,
    user: "batch",
    host: "node-3",
    output: "/srv/nightly/out/one_day.ipynb",
  };
}

function runs(query: RunsQuery, total: number): Runs {
  const all = Array.from({ length: Math.min(total, 240) }, (_, index) => runRow(index));
  const found = all
    .filter((run) => query.states.length === 0 || query.states.includes(run.state))
    .filter((run) => run.error.includes(query.text));
  const count = query.states.length === 0 && query.text === "" ? total : found.length;
  return {
    query,
    total: count,
    page: query.page,
    pages: Math.max(1, Math.ceil(count / query.size)),
    rows: found.slice(0, query.size),
    states:
      total === 0
        ? {}
        : { failed: 812, waiting: 3, interrupted: 44, running: 2, cancelled: 19, completed: total - 880 },
  };
}

const REFUSED = new AskError({
  text: "The cell is busy: train is running.",
  next: "Wait until it has ended, or cancel it.",
});

function basic(): Story {
  return {
    traits: {
      panel: PANEL,
      steps: flights(),
      parameters: { cells: PARAMETERS },
      runs: runs(ALL_RUNS, 1_204_332),
      jobs: [],
    },
    answers: {
      detail,
      preview,
      watching: () => ({}),
      refresh: () => ({ problem: null }),
      foretell: (args) => ({
        text:
          args["do"] === "invalidate"
            ? "forgets its results: the next run executes it, and what depends on it."
            : "executes features, train, evaluate; reuses 4 steps, saves about 3 min.",
        steps: [],
        undo: args["do"] === "run" ? null : true,
      }),
      act: (args) => {
        if (args["do"] === "run") {
          throw REFUSED;
        }
        return {
          text: `${args["step"]}: invalidated. It executes when it is run next.`,
          undo: { do: "undo", step: args["step"], args: {} },
        };
      },
      check_parameters: () => ({
        errors: {},
        stale: ["clean", "features", "train", "evaluate"],
        text: "Makes 4 steps stale, about 3 min to execute.",
      }),
      apply_parameters: () => ({ text: "threshold 0.5 → 0.6", undo: { do: "set_parameters", step: "", args: {} } }),
      runs: (args, story) => runs(args["query"] as RunsQuery, story.traits.runs?.total ?? 0),
      run: (args) => ({
        ...runRow(0),
        run_id: args["run_id"],
        steps: [
          { step: "load", state: "reused", seconds: 0.01, attempts: 1 },
          {
            step: "clean",
            state: "failed",
            seconds: 0.4,
            attempts: 2,
            error: "ValueError: could not convert string to float: '12 min'",
          },
          { step: "summary", state: "blocked", seconds: null, attempts: 0, reason: "clean failed" },
        ],
        effective: { day: { value: "2026-11-22" }, threshold: { value: "0.5" } },
        options: { retries: 1, keep_going: true },
        git_commit: "2f1c9ab",
        versions: { python: "3.11.9", pandas: "2.2.3", durable_nb: "0.1.0" },
      }),
      compare: (args) => ({
        first: { run_id: args["left"], notebook: "/srv/nightly/one_day.ipynb", state: "failed", seconds: 41 },
        second: {
          run_id: args["right"],
          notebook: "/srv/nightly/one_day_fixed.ipynb",
          state: "completed",
          seconds: 44,
        },
        parameters: ["day 2026-11-21 → 2026-11-22"],
        steps: [
          {
            step: "load",
            first: { state: "completed", seconds: 2.2 },
            second: { state: "completed", seconds: 2.4 },
            same: false,
            compared: true,
            causes: [{ text: "day 2026-11-21 → 2026-11-22", lines: [] }],
            outputs: [{ name: "flights", text: "flights: 842 → 943 rows", lines: ["+101 rows"] }],
          },
          {
            step: "clean",
            first: { state: "failed", seconds: 0.4, error: "ValueError: could not convert string to float: '12 min'" },
            second: { state: "completed", seconds: 0.6 },
            same: false,
            compared: false,
            causes: [{ text: "its code differs", lines: DIFF }],
            outputs: [],
          },
          {
            step: "summary",
            first: null,
            second: { state: "reused", seconds: 0.01 },
            same: false,
            compared: false,
            causes: [],
            outputs: [],
          },
          {
            step: "weather",
            first: { state: "reused", seconds: 0 },
            second: { state: "reused", seconds: 0 },
            same: true,
            compared: true,
            causes: [],
            outputs: [],
          },
        ],
      }),
      foretell_resume: (args) => ({
        text: `Goes on with ${(args["run_ids"] as string[]).length} runs: executes clean and summary in each, reuses load.`,
      }),
      resume: () => ({ job: "1", text: "Resuming; it goes on even if this kernel ends." }),
    },
  };
}

function many(): Story {
  const found = basic();
  position = 0;
  const states: State[] = ["reused", "completed", "completed", "reused", "pending"];
  const rows = Array.from({ length: 200 }, (_, i) => {
    const state: State = i === 63 ? "failed" : i === 120 ? "running" : (states[i % 5] ?? "pending");
    const name =
      i % 17 === 0 ? `aggregate_the_delays_of_all_flights_by_airport_and_by_hour_of_the_day_${i}` : `step_${i}`;
    return step(name, state, {
      seconds: state === "pending" ? null : 0.4 + (i % 9) * 3,
      bytes: i * 9100,
      saved_seconds: state === "reused" ? i : 0,
      started_at: state === "running" ? NOW - 30 : null,
      waits:
        state === "pending"
          ? "waits for aggregate_the_delays_of_all_flights_by_airport_and_by_hour_of_the_day_17, which is running in another process"
          : "",
      timeline:
        state === "pending"
          ? []
          : [{ start: NOW - 1200 + i * 5, end: state === "running" ? null : NOW - 1196 + i * 5, state, attempt: 1 }],
    });
  });
  const nodes = rows.map((row, i) => ({
    step: row.step.slice(0, 40),
    x: (i % 8) * 180,
    y: Math.floor(i / 8) * 90,
    width: 150,
    height: 46,
    state: row.state,
  }));
  found.traits.steps = {
    at: NOW,
    note: "",
    marks: [],
    plan_at: NOW,
    rows,
    totals: {
      counts: { failed: 1, running: 1, pending: 38, completed: 80, reused: 80 },
      would: "executes 40 steps, about 12 min; reuses 160, saves about 3 h",
    },
    graph: {
      nodes,
      edges: nodes.slice(8).map((node, i) => ({
        from: nodes[i]?.step ?? "",
        to: node.step,
        names: ["x"],
        points: [
          [node.x + 75, node.y - 44],
          [node.x + 75, node.y],
        ],
      })),
      width: 1410,
      height: 2250,
    },
  };
  return found;
}

const NASTY = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

function hostile(): Story {
  const found = basic();
  position = 0;
  const rows = [step(NASTY, "failed", { waits: NASTY, given: [NASTY], elsewhere: NASTY, attempts: 1 })];
  found.traits.panel = { ...PANEL, title: NASTY, user: NASTY, problem: { kind: "error", text: NASTY, next: NASTY } };
  found.traits.steps = {
    at: NOW,
    note: NASTY,
    marks: [],
    plan_at: NOW,
    rows,
    totals: { counts: { failed: 1 }, would: NASTY },
    graph: null,
  };
  found.traits.parameters = { cells: PARAMETERS.map((cell) => ({ ...cell, help: NASTY, last: [NASTY] })) };
  found.answers["detail"] = (args, story) => ({
    ...detail({ step: "x" }, story),
    error: { type: NASTY, message: NASTY, traceback: NASTY },
    step: args["step"] as string,
  });
  return found;
}

function empty(): Story {
  const found = basic();
  found.traits.steps = {
    at: NOW,
    note: "",
    marks: [],
    plan_at: null,
    rows: [],
    totals: { counts: {}, would: "" },
    graph: null,
  };
  found.traits.parameters = { cells: [] };
  found.traits.runs = runs(ALL_RUNS, 0);
  return found;
}

function locked(): Story {
  const found = basic();
  found.traits.panel = {
    ...PANEL,
    views: ["runs"],
    here: false,
    title: "",
    notebook: "",
    problem: {
      kind: "warning",
      text: "The ledger is locked by process 4711 on node-3 for 40 s: what is shown is from 08:12:05.",
      next: "It is read again by itself; durable-nb verify tells more.",
    },
  };
  found.traits.jobs = [
    {
      job: "1",
      run_ids: ["20261122-2315", "20261122-2041"],
      started_at: NOW - 21,
      lines: [
        "resume 20261122-2315 one_day.ipynb",
        "load · reused · saved 2.2 s",
        "clean · executed · 0.6 s",
        "summary · executed · 0.1 s",
        "resume 20261122-2041 one_day.ipynb",
      ],
      done: false,
      words: "threshold 0.5 → 0.6",
      states: { "20261122-2315": "completed", "20261122-2041": "running" },
    },
    {
      job: "0",
      run_ids: ["20261121-2315"],
      started_at: NOW - 3600,
      lines: ["1 run completed"],
      done: true,
      states: { "20261121-2315": "completed" },
    },
  ];
  return found;
}

function reading(): Story {
  const found = basic();
  found.traits = { panel: PANEL, steps: null, parameters: null, runs: null, jobs: null };
  found.answers["runs"] = () => new Promise(() => undefined);
  return found;
}

const STORIES: Record<string, () => Story> = { recorded, flights: basic, many, hostile, empty, locked, reading };

/** A story by its name. */
export function story(name: string): Story {
  return (STORIES[name] ?? basic)();
}

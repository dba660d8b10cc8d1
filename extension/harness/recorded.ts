import type { Traits } from "../src/dashboard/contract";
import compare from "../src/dashboard/fixtures/compare.json";
import foretellResume from "../src/dashboard/fixtures/foretell_resume.json";
import foretellRun from "../src/dashboard/fixtures/foretell-run_from.json";
import jobs from "../src/dashboard/fixtures/jobs.json";
import panel from "../src/dashboard/fixtures/panel.json";
import parameters from "../src/dashboard/fixtures/parameters.json";
import previewFrame from "../src/dashboard/fixtures/preview-flights.json";
import run from "../src/dashboard/fixtures/run.json";
import runs from "../src/dashboard/fixtures/runs.json";
import steps from "../src/dashboard/fixtures/steps.json";
import clean from "../src/dashboard/fixtures/detail-clean.json";
import evaluate from "../src/dashboard/fixtures/detail-evaluate.json";
import load from "../src/dashboard/fixtures/detail-load.json";
import plot from "../src/dashboard/fixtures/detail-plot.json";
import train from "../src/dashboard/fixtures/detail-train.json";
import type { Story } from "./sample_connection";

const DETAILS: Record<string, unknown> = { clean, evaluate, load, plot, train };

/** What real runs gave: see tests for how it was made. */
export function recorded(): Story {
  return {
    traits: { panel, steps, parameters, runs, jobs } as unknown as Traits,
    answers: {
      detail: (args) => DETAILS[String(args["step"])] ?? load,
      preview: () => previewFrame,
      foretell: () => foretellRun,
      act: () => ({ text: "This is a recording: nothing was done.", undo: null }),
      check_parameters: () => ({ errors: {}, stale: ["clean", "train"], text: "clean and train become stale" }),
      apply_parameters: () => ({ text: "This is a recording: nothing was done.", undo: null }),
      runs: () => runs,
      run: () => run,
      compare: () => compare,
      foretell_resume: () => foretellResume,
      resume: () => ({ text: "This is a recording: nothing was done." }),
      watching: () => ({}),
      refresh: () => ({ problem: null }),
    },
  };
}

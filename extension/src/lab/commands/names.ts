/** The commands of durable_nb. */
export const COMMANDS = {
  makeStep: "durable-nb:make-step",
  makePlain: "durable-nb:make-plain",
  runStale: "durable-nb:run-stale",
  runStep: "durable-nb:run-step",
  runFrom: "durable-nb:run-from",
  goToFailed: "durable-nb:go-to-failed",
  renameStep: "durable-nb:rename-step",
  why: "durable-nb:why",
  showStep: "durable-nb:show-step",
  openDashboard: "durable-nb:open-dashboard",
  showPanel: "durable-nb:show-panel",
} as const;

export const CATEGORY = "durable_nb";

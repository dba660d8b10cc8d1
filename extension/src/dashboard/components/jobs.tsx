import type { VNode } from "preact";
import type { Job } from "../contract";
import { useNow, useSurroundings } from "../hooks";
import { countsOf } from "../model/states";
import { elapsed, plainText, plural } from "../model/wording";
import { StateIcon } from "./icons";
import { Ago, CountsLine, Fold } from "./pieces";

const LINES_SEEN = 3;

/** Resumes started from the panel: each in a process of its own. */
export function JobsList({ jobs }: { jobs: Job[] }): VNode {
  const { clock } = useSurroundings();
  const now = useNow(
    clock,
    jobs.some((job) => !job.done),
  );
  return (
    <ul class="jobs" aria-label="resumes">
      {jobs.map((job) => (
        <JobItem key={job.job} job={job} now={now} />
      ))}
    </ul>
  );
}

function verb(job: Job): string {
  if (!job.done) {
    return "Resuming";
  }
  return job.failed === true ? "Resumed, not all completed:" : "Resumed";
}

function JobItem({ job, now }: { job: Job; now: number }): VNode {
  const lines = job.lines.map(plainText);
  const older = lines.slice(0, -LINES_SEEN);
  return (
    <li class={`job ${job.done ? "done" : "tone-running"}`}>
      <p class="job-head">
        {job.done ? null : <StateIcon state="running" />}
        <b>
          {verb(job)} {plural(job.run_ids.length, "run")}
        </b>
        {job.words ? <span>{job.words}</span> : null}
        <span class="soft">
          {job.done ? <Ago at={job.ended_at ?? job.started_at} now={now} /> : elapsed(now - job.started_at)}
        </span>
        {job.done ? <CountsLine counts={countsOf(Object.values(job.states))} /> : null}
      </p>
      {lines.length > 0 ? (
        <div class="job-lines" aria-live={job.done ? "off" : "polite"}>
          {lines.slice(-LINES_SEEN).map((line, index) => (
            <code key={`${older.length + index}`}>{line}</code>
          ))}
        </div>
      ) : null}
      {older.length > 0 ? (
        <Fold title={`${plural(older.length, "earlier line")}`}>
          <pre class="block">{older.join("\n")}</pre>
        </Fold>
      ) : null}
    </li>
  );
}

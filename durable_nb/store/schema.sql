-- The ledger of durable_nb: what happened in which run. Times are UTC.
-- The Parquet files under traces/ and artifacts/ are the truth about completed steps; this is how you ask.
-- Try: FROM run_summary; FROM failures; FROM latest_attempts; FROM step_history WHERE step = 'clean';

CREATE TABLE meta (
    format      INTEGER   NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    created_by  VARCHAR   NOT NULL
);
COMMENT ON TABLE  meta            IS 'One row: which layout this ledger has';
COMMENT ON COLUMN meta.format     IS 'Number of the layout; a program that knows only smaller numbers must not write here';
COMMENT ON COLUMN meta.created_at IS 'When this file was made (UTC); later than its oldest rows if it was rebuilt from traces';
COMMENT ON COLUMN meta.created_by IS 'Program and version that made it';

CREATE TABLE runs (
    run_id         VARCHAR NOT NULL,
    notebook       VARCHAR,
    parameters     JSON,
    state          VARCHAR,
    started_at     TIMESTAMP,
    resumed_at     TIMESTAMP,
    finished_at    TIMESTAMP,
    engine         VARCHAR,
    host           VARCHAR,
    pid            BIGINT,
    "user"         VARCHAR,
    output         VARCHAR,
    parent_run_id  VARCHAR,
    tags           JSON,
    notebook_file  VARCHAR,
    engine_options JSON,
    versions       JSON,
    git_commit     VARCHAR,
    git_dirty      BOOLEAN,
    error_type     VARCHAR,
    error_message  VARCHAR,
    traceback      VARCHAR
);
COMMENT ON TABLE  runs               IS 'One row a run: one pass over a notebook. A resume continues a run';
COMMENT ON COLUMN runs.run_id        IS 'Names the run';
COMMENT ON COLUMN runs.notebook      IS 'Path of the notebook';
COMMENT ON COLUMN runs.parameters    IS 'Parameters it was given, name to value';
COMMENT ON COLUMN runs.state         IS 'running, completed, failed, interrupted, cancelled or waiting';
COMMENT ON COLUMN runs.started_at    IS 'When it was first started';
COMMENT ON COLUMN runs.resumed_at    IS 'When it was last resumed; null if it never was';
COMMENT ON COLUMN runs.finished_at   IS 'When it ended; null while it runs, and after its process died';
COMMENT ON COLUMN runs.engine        IS 'What drives it: kernel, papermill, …';
COMMENT ON COLUMN runs.host          IS 'Machine of the process that last started or resumed it';
COMMENT ON COLUMN runs.pid           IS 'Process id of that process on that machine';
COMMENT ON COLUMN runs."user"        IS 'Login name of who started it';
COMMENT ON COLUMN runs.output        IS 'Path of the executed notebook, if one is written';
COMMENT ON COLUMN runs.parent_run_id IS 'The run this one was started from, if any';
COMMENT ON COLUMN runs.tags          IS 'What the user marked it with, name to value';
COMMENT ON COLUMN runs.notebook_file IS 'Digest of the notebook that was executed last: its file, without outputs, is notebooks/<first 2 characters>/<digest>.ipynb';
COMMENT ON COLUMN runs.engine_options IS 'How it was to be executed, name to value; a resume does the same';
COMMENT ON COLUMN runs.versions      IS 'Versions of Python, of durable_nb and of the packages that the notebook imports, as its kernel had them';
COMMENT ON COLUMN runs.git_commit    IS 'The commit that was checked out in the notebook''s folder; null outside of a git repository';
COMMENT ON COLUMN runs.git_dirty     IS 'Whether files that git knows differed from that commit';
COMMENT ON COLUMN runs.error_type    IS 'Class of the error that ended it';
COMMENT ON COLUMN runs.error_message IS 'Message of that error';
COMMENT ON COLUMN runs.traceback     IS 'Traceback of that error';

CREATE TABLE steps (
    notebook       VARCHAR NOT NULL,
    step           VARCHAR NOT NULL,
    position       INTEGER,
    cell_id        VARCHAR,
    source         VARCHAR,
    options        JSON,
    state          VARCHAR,
    reason         VARCHAR,
    run_id         VARCHAR,
    attempt        INTEGER,
    trace_id       VARCHAR,
    seconds        DOUBLE,
    saved_seconds  DOUBLE,
    error_type     VARCHAR,
    error_message  VARCHAR,
    updated_at     TIMESTAMP
);
COMMENT ON TABLE  steps               IS 'One row a step of a notebook: how it stands now. Its past is in attempts';
COMMENT ON COLUMN steps.notebook      IS 'Path of the notebook';
COMMENT ON COLUMN steps.step          IS 'Name of the step';
COMMENT ON COLUMN steps.position      IS 'Place among the steps of its notebook';
COMMENT ON COLUMN steps.cell_id       IS 'Id of its cell';
COMMENT ON COLUMN steps.source        IS 'The cell as the user wrote it';
COMMENT ON COLUMN steps.options       IS 'Options of the step, name to value';
COMMENT ON COLUMN steps.state         IS 'pending, running, completed, reused, failed, blocked, interrupted, cancelled or waiting';
COMMENT ON COLUMN steps.reason        IS 'Why its last attempt executed';
COMMENT ON COLUMN steps.run_id        IS 'Run that touched it last';
COMMENT ON COLUMN steps.attempt       IS 'Number of its last attempt in that run';
COMMENT ON COLUMN steps.trace_id      IS 'Trace that holds its results, if it completed or was reused';
COMMENT ON COLUMN steps.seconds       IS 'How long its last attempt took';
COMMENT ON COLUMN steps.saved_seconds IS 'Time saved by reusing it';
COMMENT ON COLUMN steps.error_type    IS 'Class of the error its last attempt ended with';
COMMENT ON COLUMN steps.error_message IS 'Message of that error';
COMMENT ON COLUMN steps.updated_at    IS 'When any of this last changed';

CREATE TABLE attempts (
    run_id         VARCHAR NOT NULL,
    step           VARCHAR NOT NULL,
    attempt        INTEGER NOT NULL,
    reuse          BIGINT  NOT NULL,
    notebook       VARCHAR,
    cell_id        VARCHAR,
    state          VARCHAR,
    reason         VARCHAR,
    started_at     TIMESTAMP,
    finished_at    TIMESTAMP,
    seconds        DOUBLE,
    saved_seconds  DOUBLE,
    trace_id       VARCHAR,
    code           VARCHAR,
    options        JSON,
    error_type     VARCHAR,
    error_message  VARCHAR,
    traceback      VARCHAR
);
COMMENT ON TABLE  attempts               IS 'One row a try of a step in a run, and one each time a step was reused instead';
COMMENT ON COLUMN attempts.run_id        IS 'Run it belongs to';
COMMENT ON COLUMN attempts.step          IS 'Name of the step';
COMMENT ON COLUMN attempts.attempt       IS 'Counts the tries of the step in the run from 1';
COMMENT ON COLUMN attempts.reuse         IS '0 if the cell was executed; else the time in µs, which tells the reuses of one run apart';
COMMENT ON COLUMN attempts.notebook      IS 'Path of the notebook';
COMMENT ON COLUMN attempts.cell_id       IS 'Id of the cell';
COMMENT ON COLUMN attempts.state         IS 'running, completed, reused, failed, blocked, interrupted, cancelled or waiting';
COMMENT ON COLUMN attempts.reason        IS 'Why the step was executed and not reused';
COMMENT ON COLUMN attempts.started_at    IS 'When it began';
COMMENT ON COLUMN attempts.finished_at   IS 'When it ended; null while it runs, and after its process died';
COMMENT ON COLUMN attempts.seconds       IS 'How long it took; of a reuse, how long restoring took';
COMMENT ON COLUMN attempts.saved_seconds IS 'Of a reuse: the time executing would have taken, less restoring';
COMMENT ON COLUMN attempts.trace_id      IS 'Trace it left, or the one that was reused';
COMMENT ON COLUMN attempts.code          IS 'Fingerprint of the code';
COMMENT ON COLUMN attempts.options       IS 'Options of the step, name to value';
COMMENT ON COLUMN attempts.error_type    IS 'Class of the error it ended with';
COMMENT ON COLUMN attempts.error_message IS 'Message of that error';
COMMENT ON COLUMN attempts.traceback     IS 'Traceback of that error';

CREATE TABLE traces (
    trace_id     VARCHAR   NOT NULL,
    step         VARCHAR   NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    seconds      DOUBLE,
    run_id       VARCHAR,
    attempt      INTEGER,
    notebook     VARCHAR,
    cell_id      VARCHAR,
    code         VARCHAR,
    key          VARCHAR,
    source       VARCHAR,
    options      JSON,
    not_durable  JSON,
    scheme       INTEGER
);
COMMENT ON TABLE  traces             IS 'One row a completed step: the index of the files under traces/';
COMMENT ON COLUMN traces.trace_id    IS 'Names the trace; the end of its file name';
COMMENT ON COLUMN traces.step        IS 'Name of the step';
COMMENT ON COLUMN traces.created_at  IS 'When the step completed';
COMMENT ON COLUMN traces.seconds     IS 'How long the cell''s code ran';
COMMENT ON COLUMN traces.run_id      IS 'Run that completed it';
COMMENT ON COLUMN traces.attempt     IS 'Attempt in that run that completed it';
COMMENT ON COLUMN traces.notebook    IS 'Path of the notebook';
COMMENT ON COLUMN traces.cell_id     IS 'Id of the cell';
COMMENT ON COLUMN traces.code        IS 'Fingerprint of the normalised code and of the options that change the result';
COMMENT ON COLUMN traces.key         IS 'Fingerprint of the code and of the dependencies known before execution';
COMMENT ON COLUMN traces.source      IS 'The cell as the user wrote it';
COMMENT ON COLUMN traces.options     IS 'Options of the step, name to value';
COMMENT ON COLUMN traces.not_durable IS 'Name to why it could not be stored or proven; {} if the trace may be reused';
COMMENT ON COLUMN traces.scheme      IS 'Number of the fingerprint scheme';

CREATE TABLE dependencies (
    trace_id     VARCHAR NOT NULL,
    position     INTEGER NOT NULL,
    kind         VARCHAR NOT NULL,
    name         VARCHAR NOT NULL,
    fingerprint  VARCHAR NOT NULL,
    summary      VARCHAR
);
COMMENT ON TABLE  dependencies             IS 'One row a thing a completed step used, as it was then';
COMMENT ON COLUMN dependencies.trace_id    IS 'Trace of the step';
COMMENT ON COLUMN dependencies.position    IS 'Place in the trace, from 0';
COMMENT ON COLUMN dependencies.kind        IS 'value, function, class, module, file, env or random';
COMMENT ON COLUMN dependencies.name        IS 'Variable, dotted module, path, … that was used';
COMMENT ON COLUMN dependencies.fingerprint IS 'Hash of its content';
COMMENT ON COLUMN dependencies.summary     IS 'What it was, in short, for people';

CREATE TABLE outputs (
    trace_id     VARCHAR NOT NULL,
    position     INTEGER NOT NULL,
    name         VARCHAR NOT NULL,
    kind         VARCHAR NOT NULL,
    fingerprint  VARCHAR,
    codec        VARCHAR,
    type         VARCHAR,
    summary      VARCHAR,
    bytes        BIGINT,
    "of"         VARCHAR
);
COMMENT ON TABLE  outputs             IS 'One row a name that a completed step bound, changed or deleted';
COMMENT ON COLUMN outputs.trace_id    IS 'Trace of the step';
COMMENT ON COLUMN outputs.position    IS 'Place in the trace, from 0';
COMMENT ON COLUMN outputs.name        IS 'The name';
COMMENT ON COLUMN outputs.kind        IS 'value, definition, module, alias or deleted';
COMMENT ON COLUMN outputs.fingerprint IS 'Hash of the value; for a value also the name of its artifact file';
COMMENT ON COLUMN outputs.codec       IS 'Codec that wrote the artifact; empty where there is none';
COMMENT ON COLUMN outputs.type        IS 'Qualified name of the value''s type';
COMMENT ON COLUMN outputs.summary     IS 'What it was, in short, for people';
COMMENT ON COLUMN outputs.bytes       IS 'Size of the artifact on disk';
COMMENT ON COLUMN outputs."of"        IS 'An alias: the output it is the same object as. A module: its dotted name';

CREATE TABLE events (
    event_id     UUID      NOT NULL,
    happened_at  TIMESTAMP NOT NULL,
    run_id       VARCHAR   NOT NULL,
    step         VARCHAR,
    attempt      INTEGER,
    kind         VARCHAR   NOT NULL,
    data         JSON
);
COMMENT ON TABLE  events             IS 'Everything durable that happened, in the order in which it was recorded; never changed';
COMMENT ON COLUMN events.event_id    IS 'Digest of the event: the same event is recorded once';
COMMENT ON COLUMN events.happened_at IS 'When it happened';
COMMENT ON COLUMN events.run_id      IS 'Run it belongs to';
COMMENT ON COLUMN events.step        IS 'Name of the step; empty for events of the run as a whole';
COMMENT ON COLUMN events.attempt     IS 'Attempt it belongs to, from 1; 0 where there is none';
COMMENT ON COLUMN events.kind        IS 'run_started, step_declared, attempt_started, executing, storing, committing, attempt_finished, step_reused, metric, kernel_started, run_finished, hook_called or overridden';
COMMENT ON COLUMN events.data        IS 'What else is known; depends on the kind';

CREATE VIEW artifacts AS
SELECT o.fingerprint,
       any_value(o.codec)            AS codec,
       any_value(o.type)             AS type,
       any_value(o.summary)          AS summary,
       max(o.bytes)                  AS bytes,
       min(t.created_at)             AS created_at,
       count(*)                      AS uses
FROM outputs o JOIN traces t USING (trace_id)
WHERE o.kind = 'value'
GROUP BY o.fingerprint;
COMMENT ON VIEW artifacts IS 'One row a stored value: its file is artifacts/<first 2 characters>/<fingerprint>.parquet; uses counts the traces that name it';

CREATE VIEW latest_attempts AS
SELECT unnest(newest)
FROM (SELECT arg_max(a, (a.started_at, a.attempt, a.reuse)) AS newest FROM attempts a GROUP BY a.notebook, a.step);
COMMENT ON VIEW latest_attempts IS 'The newest attempt of each step of each notebook';

CREATE VIEW run_summary AS
SELECT r.run_id, r.notebook, r.state, r.started_at, r.resumed_at, r.finished_at,
       epoch(coalesce(r.finished_at, tried.last_at) - coalesce(r.resumed_at, r.started_at)) AS seconds,
       coalesce(tried.steps, 0)             AS steps,
       coalesce(tried.executed, 0)          AS executed,
       coalesce(tried.reused, 0)            AS reused,
       coalesce(tried.failed, 0)            AS failed,
       coalesce(tried.interrupted, 0)       AS interrupted,
       coalesce(tried.executing_seconds, 0) AS executing_seconds,
       coalesce(tried.saved_seconds, 0)     AS saved_seconds,
       r.error_type, r.error_message
FROM runs r LEFT JOIN (
    SELECT run_id,
           count(DISTINCT step)                                     AS steps,
           count(*)           FILTER (WHERE state = 'completed')    AS executed,
           count(*)           FILTER (WHERE state = 'reused')       AS reused,
           count(*)           FILTER (WHERE state = 'failed')       AS failed,
           count(*)           FILTER (WHERE state = 'interrupted')  AS interrupted,
           sum(seconds)       FILTER (WHERE state <> 'reused')      AS executing_seconds,
           sum(saved_seconds)                                       AS saved_seconds,
           max(coalesce(finished_at, started_at))                   AS last_at
    FROM attempts GROUP BY run_id
) tried USING (run_id);
COMMENT ON VIEW run_summary IS 'One row a run: how long it took since it was last started or resumed, how many attempts were executed, reused, failed, and the time that reuse saved';

CREATE VIEW run_steps AS
SELECT unnest(newest)
FROM (SELECT arg_max(a, (a.started_at, a.attempt, a.reuse)) AS newest FROM attempts a GROUP BY a.run_id, a.step);
COMMENT ON VIEW run_steps IS 'The newest attempt of each step in each run: what became of the step there';

CREATE VIEW step_history AS
SELECT a.step, a.started_at, a.state, a.reason, a.seconds, a.saved_seconds,
       a.run_id, a.attempt, a.notebook, a.error_type, a.error_message, a.trace_id
FROM attempts a
ORDER BY a.started_at DESC, a.attempt DESC;
COMMENT ON VIEW step_history IS 'All attempts, newest first, with what one wants to see of them';

CREATE VIEW failures AS
SELECT a.started_at, a.run_id, a.notebook, a.step, a.attempt, a.error_type, a.error_message, a.traceback
FROM attempts a
WHERE a.state = 'failed'
ORDER BY a.started_at DESC;
COMMENT ON VIEW failures IS 'Failed attempts, newest first';

CREATE VIEW overrides AS
SELECT e.happened_at, e.step, e.data->>'override' AS override, e.data->>'user' AS "user", e.run_id,
       e.data->'traces' AS traces, e.data->'changes' AS changes, e.data->'values' AS "values",
       e.data->>'override_id' AS override_id, e.data->>'undoes' AS undoes
FROM events e
WHERE e.kind = 'overridden'
ORDER BY e.happened_at DESC;
COMMENT ON VIEW overrides IS 'What people decided about steps (accept, invalidate, set, undo) and about operations of at-most-once steps, newest first; the files under overrides/ are the truth';

CREATE VIEW parameter_changes AS
SELECT e.happened_at, e.run_id, c.key AS name, c.value->'was' AS was, c.value->'now' AS now,
       e.data->>'user' AS "user", e.data->>'host' AS host
FROM events e, json_each(e.data->'changed') c
WHERE e.kind = 'run_started' AND c.key IS NOT NULL
ORDER BY e.happened_at DESC, c.key;
COMMENT ON VIEW parameter_changes IS 'Parameters that a person gave another value when a run was resumed, newest first';

CREATE VIEW metrics AS
SELECT unnest(newest) FROM (
    SELECT arg_max({'run_id': e.run_id, 'step': e.step, 'attempt': e.attempt, 'name': e.data->>'name',
                    'value': TRY_CAST(e.data->>'value' AS DOUBLE), 'measured_at': e.happened_at},
                   e.happened_at) AS newest
    FROM events e
    WHERE e.kind = 'metric'
    GROUP BY e.run_id, e.step, e.data->>'name'
);
COMMENT ON VIEW metrics IS 'The newest value of each metric of each step in each run; the step is empty where a plain cell gave it';

CREATE VIEW step_times AS
SELECT t.step, count(*) AS completed, avg(t.seconds) AS mean_seconds, max(t.seconds) AS max_seconds,
       arg_max(t.seconds, t.created_at) AS last_seconds, max(t.created_at) AS last_completed_at
FROM traces t
GROUP BY t.step;
COMMENT ON VIEW step_times IS 'How long each step takes to execute';

"""What the ledger knows of runs and steps, as plain values for tables and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durable_nb.batch.inspecting.run_ids import find_run
from durable_nb.core.model import Json, State
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class StepReport:
    """How a step stands, or what became of it in one run."""

    notebook: str
    step: str
    state: State
    attempt: int
    """Number of its last attempt; 0 if there was none."""
    reason: str
    """Why it was executed."""
    seconds: float | None
    saved_seconds: float | None
    error: str
    """Type and message of the error that it ended with."""
    updated_at: datetime | None
    run_id: str
    check: tuple[str, ...] | None = None
    """What came out otherwise when it was executed though it could be reused; None where it was not."""

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {
            "notebook": self.notebook,
            "step": self.step,
            "state": self.state.value,
            "attempt": self.attempt,
            "reason": self.reason or None,
            "seconds": self.seconds,
            "saved_seconds": self.saved_seconds,
            "error": self.error or None,
            "updated_at": _iso(self.updated_at),
            "run_id": self.run_id,
            "check": None if self.check is None else list(self.check),
        }


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run and what became of its steps."""

    run_id: str
    notebook: str
    parameters: Mapping[str, Any]
    state: State
    started_at: datetime
    resumed_at: datetime | None
    finished_at: datetime | None
    engine: str
    output: str
    error: str
    traceback: str
    steps: Sequence[StepReport] = ()
    """In the order of the notebook."""
    host: str = ""
    user: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    parent_run_id: str = ""
    notebook_file: str = ""
    """Digest of the notebook that was executed last, as the store has it; empty where it is not kept."""
    options: Mapping[str, Json] = field(default_factory=dict)
    """How it was to be executed."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of Python, of durable_nb and of the packages that the notebook imports."""
    git_commit: str = ""
    git_dirty: bool = False

    @property
    def seconds(self) -> float:
        """How long its last pass took, or has been taking."""
        end = self.finished_at or datetime.now(UTC)
        return max(0.0, (end - (self.resumed_at or self.started_at)).total_seconds())

    @property
    def saved_seconds(self) -> float:
        """Time that reusing steps has saved."""
        return sum(step.saved_seconds or 0.0 for step in self.steps if step.state is State.REUSED)

    @property
    def counts(self) -> dict[State, int]:
        """Number of steps by state, in the order of the states."""
        found = Counter(step.state for step in self.steps)
        return {state: found[state] for state in State if found[state]}

    @property
    def not_deterministic(self) -> list[str]:
        """The steps that came out otherwise when they were executed though they could be reused."""
        return [step.step for step in self.steps if step.check]

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        counts: dict[str, Json] = {state.value: number for state, number in self.counts.items()}
        return {
            "run_id": self.run_id,
            "notebook": self.notebook,
            "parameters": dict(self.parameters),
            "state": self.state.value,
            "started_at": _iso(self.started_at),
            "resumed_at": _iso(self.resumed_at),
            "finished_at": _iso(self.finished_at),
            "seconds": round(self.seconds, 3),
            "saved_seconds": round(self.saved_seconds, 3),
            "engine": self.engine,
            "output": self.output or None,
            "host": self.host or None,
            "user": self.user or None,
            "tags": dict(self.tags),
            "parent_run_id": self.parent_run_id or None,
            "notebook_file": self.notebook_file or None,
            "engine_options": dict(self.options),
            "versions": dict(self.versions),
            "git_commit": self.git_commit or None,
            "git_dirty": self.git_dirty,
            "error": self.error or None,
            "counts": counts,
            "steps": [step.as_json() for step in self.steps],
        }


def run_report(store: Store, run_id: str, *, last_pass: bool = False) -> RunReport:
    """One run with its steps; for each step what it came to last.

    Args:
        store: Where to look.
        run_id: A run's id, the beginning of one that no other run shares, or ``last``.
        last_pass: Leave out what happened before the run was last resumed.

    Raises:
        UnknownRunError: there is none, or more than one that begins like this.
    """
    row = _find(store, run_id)
    since = row["resumed_at"] if last_pass and row["resumed_at"] else row["started_at"]
    latest = row["resumed_at"] or row["started_at"]  # what an earlier pass declared may be gone since
    steps = store.ledger.rows(_STEPS_OF_RUN, [*[row["run_id"], since] * 2, row["run_id"], latest])
    checks = _checks(store, row["run_id"], since)
    return _run(row, [replace(_step(step), check=checks.get(step["step"])) for step in steps])


def run_record(store: Store, run_id: str) -> RunReport:
    """One run without its steps.

    Raises:
        UnknownRunError: As from `run_report`.
    """
    return _run(_find(store, run_id), ())


def all_records(store: Store, notebook: Path | None = None) -> list[RunReport]:
    """All runs without their steps, newest first, of one notebook or of all."""
    rows = store.ledger.rows(_RUNS, [str(notebook or ""), str(notebook or ""), _ALL])
    return [_run(row, ()) for row in rows]


def _checks(store: Store, run_id: str, since: datetime) -> dict[str, tuple[str, ...]]:
    """Step → what came out otherwise when it was last checked."""
    rows = store.ledger.rows(_CHECKS, [run_id, since])
    return {row["step"]: tuple(json.loads(row["differences"])) for row in rows}


def list_runs(store: Store, notebook: Path | None = None, limit: int = 20) -> list[RunReport]:
    """The newest runs, newest first, of one notebook or of all."""
    rows = store.ledger.rows(_RUNS, [str(notebook or ""), str(notebook or ""), limit])
    wanted = [row["run_id"] for row in rows]
    steps = store.ledger.rows(_STEPS_OF_RUNS, [wanted]) if wanted else []
    by_run: dict[str, list[StepReport]] = {run_id: [] for run_id in wanted}
    for step in steps:
        by_run[step["run_id"]].append(_step(step))
    return [_run(row, by_run[row["run_id"]]) for row in rows]


def step_status(store: Store, notebook: Path | None = None) -> list[StepReport]:
    """How the steps of one notebook, or of all, stand now; in the order of the notebook."""
    rows = store.ledger.rows(_STATUS, [str(notebook or ""), str(notebook or "")])
    return [_step(row) for row in rows]


_RUN_COLUMNS = """
    run_id, notebook, parameters, state, started_at, resumed_at, finished_at, engine, output,
    host, "user", tags, parent_run_id, notebook_file, engine_options, versions, git_commit, git_dirty,
    error_type, error_message, traceback
"""
_STEP_COLUMNS = """
    a.run_id, a.notebook, a.step, a.state, a.attempt, a.reason, a.seconds, a.saved_seconds,
    a.error_type, a.error_message
"""
_ALL = 2**31
_RUNS = f"""
    select {_RUN_COLUMNS} from runs where ? = '' or notebook = ? order by started_at desc, run_id desc limit ?
"""  # noqa: S608
_FIND = f"select {_RUN_COLUMNS} from runs where run_id = ?"  # noqa: S608
_STEPS_OF_RUN = f"""
    with tried as (
        select unnest(newest) from (
            select arg_max(t, (t.started_at, t.attempt, t.reuse)) as newest
            from attempts t where t.run_id = ? and coalesce(t.finished_at, t.started_at) >= ?
            group by t.step
        )
    ), held as (
        select unnest(newest) from (
            select arg_max(e, e.happened_at) as newest from events e
            where e.run_id = ? and e.happened_at >= ? and e.kind in ('step_blocked', 'step_waiting')
            group by e.step
        )
    ), not_run as (
        select h.* from held h left join tried t using (step)
        where t.step is null or h.happened_at >= coalesce(t.finished_at, t.started_at)
    ), declared as (
        select unnest(newest) from (
            select arg_max(e, e.happened_at) as newest from events e
            where e.run_id = ? and e.happened_at >= ? and e.kind = 'step_declared' group by e.step
        )
    )
    select {_STEP_COLUMNS}, coalesce(a.finished_at, a.started_at) as updated_at, s.position
    from tried a left join steps s using (notebook, step)
    where a.step not in (select step from not_run)
    union all
    select h.run_id, s.notebook, h.step, h.data->>'state', 0, h.data->>'reason', null, null,
        h.data->>'$.error.type', h.data->>'$.error.message', h.happened_at, s.position
    from not_run h left join steps s on s.notebook = h.data->>'notebook' and s.step = h.step
    union all
    select d.run_id, d.data->>'notebook', d.step, 'pending', 0, null, null, null, null, null, null,
        cast(d.data->>'position' as integer)
    from declared d
    where d.step not in (select step from tried) and d.step not in (select step from not_run)
    order by position nulls last, updated_at
"""  # noqa: S608
_STEPS_OF_RUNS = f"""
    select {_STEP_COLUMNS}, coalesce(a.finished_at, a.started_at) as updated_at
    from run_steps a left join steps s using (notebook, step)
    where list_contains(?::varchar[], a.run_id)
    order by s.position nulls last, updated_at
"""  # noqa: S608
_CHECKS = """
    select step, json_extract(data, '$.check.differences') as differences from events
    where run_id = ? and happened_at >= ? and kind = 'attempt_finished' and differences is not null
    order by happened_at
"""
_STATUS = f"""
    select {_STEP_COLUMNS}, a.updated_at
    from steps a where ? = '' or a.notebook = ?
    order by a.notebook, a.position nulls last, a.step
"""  # noqa: S608


def _find(store: Store, run_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = store.ledger.rows(_FIND, [find_run(store, run_id)])[0]
    return found


def _run(row: Mapping[str, Any], steps: Sequence[StepReport]) -> RunReport:
    started_at = _utc(row["started_at"])
    assert started_at is not None
    return RunReport(
        run_id=row["run_id"],
        notebook=row["notebook"] or "",
        parameters=json.loads(row["parameters"] or "{}"),
        state=State(row["state"]),
        started_at=started_at,
        resumed_at=_utc(row["resumed_at"]),
        finished_at=_utc(row["finished_at"]),
        engine=row["engine"] or "",
        output=row["output"] or "",
        error=_error(row),
        traceback=row["traceback"] or "",
        steps=steps,
        host=row["host"] or "",
        user=row["user"] or "",
        tags=json.loads(row["tags"] or "{}"),
        parent_run_id=row["parent_run_id"] or "",
        notebook_file=row["notebook_file"] or "",
        options=json.loads(row["engine_options"] or "{}"),
        versions=json.loads(row["versions"] or "{}"),
        git_commit=row["git_commit"] or "",
        git_dirty=bool(row["git_dirty"]),
    )


def _step(row: Mapping[str, Any]) -> StepReport:
    return StepReport(
        notebook=row["notebook"] or "",
        step=row["step"],
        state=State(row["state"]),
        attempt=row["attempt"] or 0,
        reason=row["reason"] or "",
        seconds=row["seconds"],
        saved_seconds=row["saved_seconds"],
        error=_error(row),
        updated_at=_utc(row["updated_at"]),
        run_id=row["run_id"] or "",
    )


def _error(row: Mapping[str, Any]) -> str:
    return ": ".join(part for part in (row["error_type"], row["error_message"]) if part)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")

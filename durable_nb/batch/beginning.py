"""The beginning of a run: the unfinished one is found and goes on, or another one is begun, and recorded."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from durable_nb.batch import runs
from durable_nb.batch.asked import Asked
from durable_nb.batch.git import Checkout
from durable_nb.batch.inspecting.run_ids import find_run
from durable_nb.batch.wording import ago
from durable_nb.core.errors import StoreError, UsageError
from durable_nb.core.model import EventKind, Json, State, StepEvent
from durable_nb.store import origin
from durable_nb.store.files import make_folder, translated
from durable_nb.store.locks import FileLock
from durable_nb.store.store import Store

_WAYS_TO_STOP = {
    State.FAILED: "it failed",
    State.INTERRUPTED: "it was interrupted",
    State.CANCELLED: "it was stopped",
    State.WAITING: "it stopped for a decision",
    State.COMPLETED: "it had completed",
}
RESUMABLE = frozenset(_WAYS_TO_STOP) - {State.COMPLETED}
"""States of a run that is unfinished."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is recorded of a run whenever it is started."""

    notebook: str
    """Absolute path of the notebook; empty for one without, which is resumed by its id only."""
    parameters: Mapping[str, Any]
    engine: str
    """What executes it."""
    output: str = ""
    """Where the executed notebook goes."""
    notebook_file: str = ""
    """Digest of the notebook's content in the store."""
    options: Mapping[str, Json] = field(default_factory=dict)
    """How it is executed."""
    checkout: Checkout | None = None
    """The state of the git repository around the notebook."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has just been begun or resumed."""

    run_id: str
    resumed_from: State | None = None
    """What an earlier process left the run as; None for a new run."""
    left_at: datetime | None = None
    """When it was left."""
    step: str = ""
    """The first step that is not done; empty where none is known."""
    attempt: int = 1
    """Number of the attempt of that step that comes next."""

    def announcement(self) -> str:
        """One line for people."""
        if self.resumed_from is None:
            return f"Run {self.run_id} started"
        where = f" from step {self.step} (attempt {self.attempt})" if self.step else ""
        when = f" {ago(self.left_at)}" if self.left_at else ""
        return f"Resuming run {self.run_id}{where}; {_WAYS_TO_STOP[self.resumed_from]}{when}"


def begin(store: Store, start: Start, asked: Asked | None = None) -> Run:
    """Go on with a run, or begin another, and record that.

    The one that is asked for goes on; else the last one of this notebook with these parameters, if it is
    unfinished. A run that another process is still busy with is left alone.

    Raises:
        UnknownRunError: The run that is asked for is not known.
        UsageError: A process is busy with it.
        StoreError: It could not be recorded.
    """
    asked = asked or Asked()
    parameters = runs.as_recorded(start.parameters)
    with translated(store.path):
        make_folder(store.path)
    with FileLock(store.path / "begin.lock"):
        before = _settled(store, _before(store, start.notebook, parameters, asked))
        run = _run_after(store, before, asked)
        data = _facts(start, parameters, before if run.resumed_from else None)
        data |= {"parent_run_id": asked.parent or _parent(run, before), "tags": _tags(run, before, asked)}
        event = StepEvent(EventKind.RUN_STARTED, run.run_id, time.time(), data=data)
        store.runs.add(event)
        store.record(event)
        try:
            store.flush()
        except StoreError as error:
            runs.keep_end(store, run.run_id, State.FAILED, runs.Failure(type(error).__name__, str(error)))
            raise
    return run


def _before(
    store: Store, notebook: str, parameters: Mapping[str, Json], asked: Asked
) -> Mapping[str, Any] | None:
    """The run that is asked for, or else the last one of the notebook with the same parameters."""
    if asked.resume:
        return store.ledger.rows(_BY_ID, [find_run(store, asked.resume)])[0]
    rows = store.ledger.rows(_OF_NOTEBOOK, [notebook]) if notebook else []
    return next((row for row in rows if json.loads(row["parameters"] or "{}") == parameters), None)


def _settled(store: Store, row: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The same, with the state that it is in if its process has died."""
    if row is None or row["state"] != State.RUNNING or not runs.is_dead(row):
        return row
    runs.finish(store, row["run_id"], State.INTERRUPTED, runs.DEAD)
    return {**row, "state": State.INTERRUPTED, "finished_at": None}


def _run_after(store: Store, before: Mapping[str, Any] | None, asked: Asked) -> Run:
    state = State(before["state"]) if before is not None else None
    if before is not None and asked.resume and state is State.RUNNING:
        raise UsageError(busy(before))
    if before is None or state is None or asked.new_run or not (asked.resume or state in RESUMABLE):
        return Run(origin.new_run_id())
    step, attempt = _not_done(store, before)
    return Run(before["run_id"], state, _utc(before["finished_at"]), step, attempt)


def busy(row: Mapping[str, Any]) -> str:
    """What is said of a run that a process is at work on."""
    return (
        f"run {row['run_id']} is being executed by process {row['pid']} on {row['host']}: wait for its end, "
        "or end that process first"
    )


def _not_done(store: Store, row: Mapping[str, Any]) -> tuple[str, int]:
    """The first step of a run that is not done, and the number of its next attempt."""
    steps = store.ledger.rows(_NOT_DONE, [row["run_id"], row["notebook"] or ""])
    return (steps[0]["step"], (steps[0]["attempt"] or 0) + 1) if steps else ("", 1)


def _facts(start: Start, parameters: dict[str, Json], resumed: Mapping[str, Any] | None) -> dict[str, Json]:
    checkout = start.checkout
    return {
        "notebook": start.notebook,
        "parameters": parameters,
        "engine": start.engine,
        "host": origin.host(),
        "pid": os.getpid(),
        "user": origin.user(),
        "output": start.output,
        "notebook_file": start.notebook_file or None,
        "engine_options": dict(start.options),
        "git_commit": checkout.commit if checkout else None,
        "git_dirty": checkout.dirty if checkout else None,
        "changed": _changed(resumed, parameters) if resumed is not None else None,
    }


def _changed(before: Mapping[str, Any], parameters: Mapping[str, Json]) -> Json:
    """Parameters that have another value than before; None where there are none."""
    was: dict[str, Json] = json.loads(before["parameters"] or "{}")
    names = [
        n for n in {**was, **parameters} if n not in was or n not in parameters or was[n] != parameters[n]
    ]
    # what is not there had its default, or has it now
    sides = {"was": was, "now": parameters}
    return {n: {when: values[n] for when, values in sides.items() if n in values} for n in names} or None


def _parent(run: Run, before: Mapping[str, Any] | None) -> str | None:
    """A run that is begun though another one is unfinished takes the place of that."""
    is_another = before is not None and run.resumed_from is None and State(before["state"]) in RESUMABLE
    return before["run_id"] if before is not None and is_another else None


def _tags(run: Run, before: Mapping[str, Any] | None, asked: Asked) -> Json:
    known = json.loads(before["tags"] or "{}") if before is not None and run.resumed_from else {}
    return {**known, **asked.tags} or None


_COLUMNS = (
    "run_id, notebook, state, parameters, tags, host, pid, finished_at, "
    "coalesce(resumed_at, started_at) as started_at"
)
_BY_ID = f"select {_COLUMNS} from runs where run_id = ?"  # noqa: S608
_OF_NOTEBOOK = f"select {_COLUMNS} from runs where notebook = ? order by runs.started_at desc limit 100"  # noqa: S608
_NOT_DONE = """
    select s.step, a.attempt from steps s left join run_steps a on a.run_id = ? and a.step = s.step
    where s.notebook = ? and s.position is not null and coalesce(a.state, '') not in ('completed', 'reused')
    order by s.position limit 1
"""


def _utc(moment: datetime | None) -> datetime | None:
    return moment and (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)

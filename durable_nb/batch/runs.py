"""The life of a run once it has begun: its steps declared, its kernels, its end, or how it is found dead."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from durable_nb.batch import processes
from durable_nb.batch.run_events import events_since_start
from durable_nb.core.model import EventKind, Json, State, StepEvent
from durable_nb.store.store import Store

if TYPE_CHECKING:
    from durable_nb.batch.hooks import HookCall
    from durable_nb.batch.steps import DeclaredStep


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a run or an attempt."""

    type: str
    """Class of the error."""
    message: str
    traceback: str = ""
    output: str | None = None
    """What the attempt had shown until then, where that is known."""

    def as_json(self) -> dict[str, Json]:
        """The form in which events carry it."""
        return {"type": self.type, "message": self.message, "traceback": self.traceback}


DEAD = Failure("Interrupted", "its process ended without a word, as by SIGKILL or a power cut")
_UNFINISHED = Failure("Interrupted", "the run ended before the step did")


def attempts_so_far(store: Store, run_id: str) -> dict[str, int]:
    """Step → number of its last attempt in the run: a resumed run goes on counting."""
    rows = store.ledger.rows(
        "select step, max(attempt) as attempt from attempts where run_id = ? group by step", [run_id]
    )
    return {row["step"]: row["attempt"] for row in rows}


def declare(store: Store, run_id: str, notebook: str, steps: Iterable[DeclaredStep]) -> None:
    """Record which steps the notebook has, before any of them runs."""
    for step in steps:
        data: dict[str, Json] = {
            "notebook": notebook,
            "position": step.index,
            "cell_id": step.cell_id,
            "source": step.cell.source,
            "options": step.cell.options.changed(),
        }
        event = StepEvent(EventKind.STEP_DECLARED, run_id, time.time(), step=step.cell.name, data=data)
        store.record(event)


def kernel_started(store: Store, run_id: str, versions: Mapping[str, str]) -> None:
    """Record that a kernel works for the run, and which versions it has of what the notebook runs on."""
    data: dict[str, Json] = {"versions": dict(versions)}
    store.record(StepEvent(EventKind.KERNEL_STARTED, run_id, time.time(), data=data))


def finish(store: Store, run_id: str, state: State, error: Failure | None = None) -> None:
    """Record how a run ended; attempts that are still open ended with it.

    Raises:
        StoreError: The ledger cannot be written; how it ended is on file, if there was room for that.
    """
    before: list[StepEvent] = []
    try:
        store.recover()
        interrupt_open_attempts(store, run_id, error or _UNFINISHED)
        store.flush()
        before = events_since_start(store, run_id)
    finally:  # a small file may have room where the ledger has none
        keep_end(store, run_id, state, error, before)
    store.flush()


def keep_end(
    store: Store,
    run_id: str,
    state: State,
    error: Failure | None = None,
    before: Iterable[StepEvent] = (),
) -> None:
    """Put on file how a run ended, if it has begun there; the ledger learns it when it next can.

    Args:
        store: Where the run is.
        run_id: The run.
        state: What it came to.
        error: Why.
        before: What else happened to it since it was started.

    Raises:
        StoreError: The file cannot be written.
    """
    data: dict[str, Json] = {"state": state.value, "error": None if error is None else error.as_json()}
    event = StepEvent(EventKind.RUN_FINISHED, run_id, time.time(), data=data)
    if store.runs.has_begun(run_id):
        store.runs.add(event, before)
    store.record(event)


def hook_called(store: Store, run_id: str, call: HookCall) -> None:
    """Record what became of a hook, once the run has ended."""
    data: dict[str, Json] = {"hook": call.hook, "error": call.error or None}
    event = StepEvent(EventKind.HOOK_CALLED, run_id, time.time(), data=data)
    store.runs.add(event)
    store.record(event)


def interrupt_open_attempts(store: Store, run_id: str, error: Failure) -> None:
    """Record as interrupted every attempt of the run that nobody is at work on any more."""
    for row in store.ledger.rows(_OPEN_ATTEMPTS, [run_id]):
        _close(store, run_id, row, State.INTERRUPTED, error)


def lose_kernel(
    store: Store, run_id: str, state: State, error: Failure, *, lost: tuple[str, int] | None = None
) -> None:
    """Record what the death of a kernel means for the attempts that it was at work on.

    Args:
        store: Where runs are recorded.
        run_id: The run.
        state: What the attempts came to.
        error: Why.
        lost: Step and number of an attempt that was begun; recorded even if the kernel died before it
            could write that down.
    """
    store.recover()
    numbers = attempts_so_far(store, run_id)
    for row in store.ledger.rows(_OPEN_ATTEMPTS, [run_id]):
        _close(store, run_id, row, state, error)
    if lost is not None and numbers.get(lost[0], 0) < lost[1]:
        notebook = store.ledger.rows("select notebook from runs where run_id = ?", [run_id])[0]["notebook"]
        row = {"step": lost[0], "attempt": lost[1], "notebook": notebook, "started_at": datetime.now(UTC)}
        _close(store, run_id, row, state, error)
    store.flush()


def failed_attempts(store: Store, run_id: str, before: Mapping[str, int]) -> dict[str, int]:
    """Step → how many of its attempts in the run have failed since it had as many as in `before`."""
    rows = store.ledger.rows(
        "select step, attempt from attempts where run_id = ? and state = 'failed' and reuse = 0", [run_id]
    )
    return dict(Counter(row["step"] for row in rows if row["attempt"] > before.get(row["step"], 0)))


def _close(store: Store, run_id: str, row: Mapping[str, Any], state: State, error: Failure) -> None:
    now = time.time()
    data: dict[str, Json] = {
        "notebook": row["notebook"],
        "state": state.value,
        "seconds": max(0.0, now - _epoch(row["started_at"])),
        "error": error.as_json(),
        "output": error.output,
        "trace_id": None,
    }
    store.record(StepEvent(EventKind.ATTEMPT_FINISHED, run_id, now, row["step"], row["attempt"], data=data))


def settle_dead_runs(store: Store) -> list[str]:
    """Record as interrupted every run whose process on this machine is gone; returns their ids."""
    if not _left_open(store):
        return []
    store.recover()  # one may have put down its end, and died before the ledger knew of it
    dead = []
    for row in _left_open(store):
        if row["state"] == State.RUNNING:
            finish(store, row["run_id"], State.INTERRUPTED, DEAD)
            dead.append(row["run_id"])
        else:  # the ledger had no room for how its attempts ended
            interrupt_open_attempts(store, row["run_id"], _UNFINISHED)
    store.flush()
    return dead


def _left_open(store: Store) -> list[dict[str, Any]]:
    return [row for row in store.ledger.rows(_OPEN) if is_dead(row)]


_OPEN = """
    select run_id, state, host, pid, coalesce(resumed_at, started_at) as started_at from runs
    where state = 'running' or run_id in (select run_id from attempts where state = 'running')
"""
_OPEN_ATTEMPTS = """
    select step, attempt, notebook, started_at from attempts where run_id = ? and state = 'running'
"""


def is_dead(row: Mapping[str, Any]) -> bool:
    """Whether the process that a run was last started in is known to be gone."""
    return processes.is_gone(row["host"], row["pid"], _epoch(row["started_at"]))


def as_json(parameters: Mapping[str, Any]) -> dict[str, Json]:
    """Parameters as they are recorded; what JSON cannot say is said in words."""
    plain: dict[str, Json] = json.loads(json.dumps(dict(parameters), default=str))
    return plain


def as_recorded(parameters: Mapping[str, Any]) -> dict[str, Json]:
    """Parameters as a run's record gives them back: of NaN and infinity it has the names."""
    plain: dict[str, Json] = json.loads(json.dumps(as_json(parameters)), parse_constant=str)
    return plain


def _epoch(moment: datetime) -> float:
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()

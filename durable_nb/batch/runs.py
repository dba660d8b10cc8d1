"""The life of a run once it has begun: its steps declared, its kernels, its end, or how it is found dead."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from durable_nb.batch import processes
from durable_nb.batch.steps import DeclaredStep
from durable_nb.core.model import EventKind, Json, State, StepEvent
from durable_nb.store.store import Store


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
    """Record how a run ended; attempts that are still open ended with it."""
    store.recover()
    interrupt_open_attempts(store, run_id, error or _UNFINISHED)
    data: dict[str, Json] = {"state": state.value, "error": None}
    if error is not None:
        data["error"] = error.as_json()
    store.record(StepEvent(EventKind.RUN_FINISHED, run_id, time.time(), data=data))
    store.flush()


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
    dead = [row["run_id"] for row in store.ledger.rows(_RUNNING) if is_dead(row)]
    for run_id in dead:
        finish(store, run_id, State.INTERRUPTED, DEAD)
    return dead


_RUNNING = """
    select run_id, host, pid, coalesce(resumed_at, started_at) as started_at from runs where state = 'running'
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


def _epoch(moment: datetime) -> float:
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()

"""Everything that was tried in a run, and in which pass over its notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from durable_nb.core.model import Json, State
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """One try of a step in a run, or one time that the step was reused instead."""

    step: str
    attempt: int
    """Starts at 1; 0 where the step was reused before any try."""
    state: State
    is_reuse: bool
    reason: str
    """Why the step was executed."""
    started_at: datetime
    finished_at: datetime | None
    """None while it runs."""
    seconds: float | None
    saved_seconds: float | None
    error: str
    """Type and message of the error that it ended with."""
    traceback: str
    trace_id: str
    """Of the trace that it left or reused; empty where there is none."""

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        finished = self.finished_at
        return {
            "step": self.step,
            "attempt": self.attempt,
            "state": self.state.value,
            "reuse": self.is_reuse,
            "reason": self.reason or None,
            "started_at": self.started_at.isoformat(timespec="milliseconds"),
            "finished_at": None if finished is None else finished.isoformat(timespec="milliseconds"),
            "seconds": self.seconds,
            "saved_seconds": self.saved_seconds,
            "error": self.error or None,
        }


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a run over its notebook: its beginning, or a resume."""

    started_at: datetime
    ended_at: datetime
    """Of the last one also the end of the run, where it has ended."""
    attempts: tuple[AttemptReport, ...]
    """In the order in which they were begun."""


def run_attempts(store: Store, run_id: str) -> list[AttemptReport]:
    """Every attempt and every reuse in a run, the oldest first."""
    return [_attempt(row) for row in store.ledger.rows(_ATTEMPTS, [run_id])]


def run_passes(store: Store, run_id: str, finished_at: datetime | None) -> list[Pass]:
    """The passes of a run, the oldest first.

    Args:
        store: Where to look.
        run_id: The whole id.
        finished_at: When the run ended; None while it runs, and after its process died.
    """
    attempts = run_attempts(store, run_id)
    starts = [_utc(row["happened_at"]) for row in store.ledger.rows(_STARTS, [run_id])]
    starts = starts or [attempt.started_at for attempt in attempts[:1]]
    passes = []
    for number, start in enumerate(starts):
        until = starts[number + 1] if number + 1 < len(starts) else None
        inside = [
            a
            for a in attempts
            if (a.started_at >= start or not number) and (until is None or a.started_at < until)
        ]
        ends = [a.finished_at or a.started_at for a in inside]
        if until is None and finished_at is not None:
            ends.append(finished_at)
        passes.append(Pass(start, max([start, *ends]), tuple(inside)))
    return passes


_ATTEMPTS = """
    select step, attempt, state, reuse, reason, coalesce(started_at, finished_at) as started_at, finished_at,
        seconds, saved_seconds, trace_id, error_type, error_message, traceback
    from attempts where run_id = ? and coalesce(started_at, finished_at) is not null
    order by started_at, attempt, reuse
"""
_STARTS = "select happened_at from events where run_id = ? and kind = 'run_started' order by happened_at"


def _attempt(row: Mapping[str, Any]) -> AttemptReport:
    return AttemptReport(
        step=row["step"],
        attempt=row["attempt"],
        state=State(row["state"]),
        is_reuse=bool(row["reuse"]),
        reason=row["reason"] or "",
        started_at=_utc(row["started_at"]),
        finished_at=_utc(row["finished_at"]) if row["finished_at"] is not None else None,
        seconds=row["seconds"],
        saved_seconds=row["saved_seconds"],
        error=": ".join(part for part in (row["error_type"], row["error_message"]) if part),
        traceback=row["traceback"] or "",
        trace_id=row["trace_id"] or "",
    )


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)

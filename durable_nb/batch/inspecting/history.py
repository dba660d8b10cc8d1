"""What a step has left so far, and what its attempts came to, newest first."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from durable_nb.core.errors import UnknownStepError
from durable_nb.core.model import Json, State
from durable_nb.core.past import PastExecution, past_executions
from durable_nb.store.store import Store

MOST = 20
"""Entries of a history that are told, if nobody asks for more."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One attempt of a step, one reuse of it, or a decision about it."""

    at: datetime
    state: str
    """How it ended; of a decision what was decided: accept, invalidate, undo, …"""
    run_id: str
    attempt: int
    seconds: float | None
    note: str
    """Why it was executed, the error that it ended with, or who decided."""
    past: PastExecution | None = None
    """What it left, and how its inputs differed from those of the time before; None where it left nothing."""

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "state": self.state,
            "run_id": self.run_id or None,
            "attempt": self.attempt or None,
            "seconds": self.seconds,
            "note": self.note or None,
            "execution": None if self.past is None else self.past.as_json(),
        }


@dataclass(frozen=True, slots=True)
class StepHistory:
    """The past of a step."""

    step: str
    entries: tuple[HistoryEntry, ...]
    """Newest first."""
    more: int
    """Older ones that are left out."""

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {"step": self.step, "entries": [entry.as_json() for entry in self.entries], "more": self.more}


def step_history(store: Store, step: str, *, limit: int = MOST) -> StepHistory:
    """What became of a step over time.

    Args:
        store: Where to look.
        step: Name of the step.
        limit: At most so many entries.

    Raises:
        UnknownStepError: The store has no such step.
    """
    names = list(store.overrides.names(step).all)
    rows = store.ledger.rows(_ENTRIES, [names, names, limit])
    if not rows:
        raise UnknownStepError(unknown_step(step, _known(store), str(store.path)))
    executed = {row["trace_id"] for row in rows if row["state"] == State.COMPLETED}
    past = _past(store, step, executed)
    entries = [
        HistoryEntry(
            at=row["happened_at"].replace(tzinfo=UTC),
            state=row["state"] or "",
            run_id=row["run_id"] or "",
            attempt=row["attempt"] or 0,
            seconds=row["seconds"],
            note=row["note"] or "",
            past=past.get(row["trace_id"]) if row["state"] == State.COMPLETED else None,
        )
        for row in rows
    ]
    return StepHistory(step, tuple(entries), rows[0]["total"] - len(entries))


def unknown_step(step: str, known: Iterable[str], place: str) -> str:
    """What is said of a step that is not there: the nearest name, or those there are."""
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(step, names, n=1)
    if near:
        return f"there is no step {step!r} in {place}; did you mean {near[0]!r}?"
    return f"there is no step {step!r} in {place}. Known steps: {', '.join(names) or 'none'}"


def _past(store: Store, step: str, wanted: set[str]) -> dict[str, PastExecution]:
    """Trace → what it stands for; reading stops when all that are wanted are found."""
    found: dict[str, PastExecution] = {}
    for past in past_executions(
        store.traces.latest(step, limit=_MOST_TRACES), store.overrides.standing(step)
    ):
        if wanted <= found.keys():
            break
        found[past.trace.trace_id] = past
    return found


def _known(store: Store) -> list[str]:
    rows = store.ledger.rows("select step from steps union select step from attempts order by step")
    return [row["step"] for row in rows]


_MOST_TRACES = 500
_ENTRIES = """
    with entries as (
        select coalesce(started_at, finished_at) as happened_at, state, run_id, attempt, seconds, trace_id,
            reuse,
            case when error_type is not null then concat_ws(': ', error_type, nullif(error_message, ''))
                 else reason end as note
        from attempts where list_contains(?::varchar[], step)
        union all
        select happened_at, data->>'override', run_id, null, null, null, 0,
            concat_ws(' ', data->>'reason', concat('by ', coalesce(data->>'user', 'somebody')))
        from events where list_contains(?::varchar[], step) and kind = 'overridden'
    )
    select *, count(*) over () as total from entries where happened_at is not null
    order by happened_at desc, attempt desc, reuse desc limit ?
"""

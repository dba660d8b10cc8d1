"""What the ledger knows of the steps of one notebook, in the form of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from durable_nb.store.ledger_rows import Row
from durable_nb.store.store import Store

_MOST_ATTEMPTS = 4000
"""Attempts that are read for the timelines of all steps together, the newest ones."""


@dataclass(frozen=True, slots=True)
class RecordedSteps:
    """How the steps of a notebook stand in the ledger. Times are whole microseconds since the epoch."""

    steps: Mapping[str, Row] = field(default_factory=dict)
    """Step → its row, in the order of the notebook."""
    attempts: Mapping[str, list[Row]] = field(default_factory=dict)
    """Step → its attempts in the run that touched it last, oldest first."""
    usual: Mapping[str, float] = field(default_factory=dict)
    """Step → how many seconds executing it usually takes."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Step → bytes of what it left."""
    runs: Mapping[str, Row] = field(default_factory=dict)
    """The runs that touched a step last."""
    decided_at: int = 0
    """When somebody last decided something about any step."""


def read_steps(store: Store, notebook: str) -> RecordedSteps:
    """Ask the ledger.

    Raises:
        StoreError: The ledger cannot be read.
    """
    if not store.path.exists():
        return RecordedSteps()
    rows = {row["step"]: row for row in store.ledger.rows(_STEPS, [notebook])}
    if not rows:
        return RecordedSteps()
    attempts: dict[str, list[Row]] = {}
    for row in store.ledger.rows(_ATTEMPTS, [notebook, _MOST_ATTEMPTS]):
        attempts.setdefault(row["step"], []).insert(0, row)
    run_ids = sorted({row["run_id"] for row in rows.values() if row["run_id"]})
    return RecordedSteps(
        rows,
        attempts,
        _pairs(store, _USUAL, [list(rows)]),
        {step: int(size) for step, size in _pairs(store, _SIZES, [notebook]).items()},
        {row["run_id"]: row for row in store.ledger.rows(_RUNS, [run_ids])},
        store.ledger.rows(_DECIDED)[0]["decided_at"] or 0,
    )


def notebooks(store: Store) -> list[str]:
    """The notebooks of which a store knows steps, the one that was touched last first.

    Raises:
        StoreError: The ledger cannot be read.
    """
    if not store.path.exists():
        return []
    return [row["notebook"] for row in store.ledger.rows(_NOTEBOOKS)]


def _pairs(store: Store, sql: str, parameters: list[Any]) -> dict[str, Any]:
    _, rows = store.ledger.answer(sql, parameters)
    return dict(rows)


_STEPS = """
    select step, position, cell_id, source, options, state, reason, run_id, attempt, trace_id, seconds,
        saved_seconds, error_type, error_message, epoch_us(updated_at) as updated_at, notebook
    from steps where notebook = ? order by position nulls last, step
"""
_ATTEMPTS = """
    select a.run_id, a.step, a.attempt, a.reuse, a.state, a.reason, epoch_us(a.started_at) as started_at,
        epoch_us(a.finished_at) as finished_at, a.seconds, a.saved_seconds, a.trace_id,
        a.error_type, a.error_message
    from attempts a join steps s on a.run_id = s.run_id and a.step = s.step and a.notebook = s.notebook
    where s.notebook = ? and a.started_at is not null
    order by a.started_at desc, a.attempt desc, a.reuse desc limit ?
"""
_USUAL = "select step, median(seconds) from traces where list_contains(?::varchar[], step) group by step"
_SIZES = """
    select s.step, sum(o.bytes) from steps s join outputs o on o.trace_id = s.trace_id
    where s.notebook = ? and o.bytes is not null group by s.step
"""
_RUNS = """
    select run_id, host, pid, engine, state, epoch_us(started_at) as started_at
    from runs where list_contains(?::varchar[], run_id)
"""
_DECIDED = "select epoch_us(max(happened_at)) as decided_at from events where kind = 'overridden'"
_NOTEBOOKS = """
    select notebook from steps where notebook <> '' group by notebook
    order by max(updated_at) desc nulls last, notebook limit 200
"""

"""What this kernel has done since the ledger was last read, in the form of the ledger's rows."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping

from durable_nb.core.model import StepEvent
from durable_nb.store.ledger_rows import ATTEMPTS, EVENTS, STEPS, TRACES, Batch, Row, fold


class Happening:
    """An observer of a kernel's events, which folds them as the ledger will.

    Args:
        on_change: Called after each event; it must return at once, for the step waits.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._batch = Batch()
        self._mutex = threading.Lock()

    def __call__(self, event: StepEvent) -> None:
        """Take in an event."""
        with self._mutex:
            self._batch.add_event(dataclasses.replace(event, trace=None))
            for table in (EVENTS, TRACES):
                self._batch.rows[table.label].clear()
        self._on_change()

    def steps_over(self, recorded: Mapping[str, Row]) -> dict[str, Row]:
        """The rows of steps, with what has happened since."""
        with self._mutex:
            newer = {step: dict(row) for (_, step), row in self._batch.rows[STEPS.label].items()}
        known = {step: fold(STEPS, recorded.get(step), row) for step, row in newer.items()}
        return {**recorded, **known}

    def attempts_over(self, recorded: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
        """The attempts of steps, with those made since."""
        with self._mutex:
            newer = {key: dict(row) for key, row in self._batch.rows[ATTEMPTS.label].items()}
        found = {step: {_key(row): row for row in rows} for step, rows in recorded.items()}
        for key, row in newer.items():
            run_id, step, *_ = key
            of_step = found.setdefault(step, {})
            if of_step and any(known[0] != run_id for known in of_step):
                of_step.clear()  # those were of an earlier run
            of_step[key] = fold(ATTEMPTS, of_step.get(key), row)
        return {step: sorted(rows.values(), key=_order) for step, rows in found.items()}


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ATTEMPTS.keys)


def _order(row: Row) -> tuple[int, int, int]:
    return row.get("started_at") or 0, row["attempt"], row["reuse"]

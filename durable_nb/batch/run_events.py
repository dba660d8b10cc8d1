"""What happened in the present pass of a run, read back from the ledger to be kept beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from durable_nb.core.model import EventKind, StepEvent
from durable_nb.store.store import Store

_ELSEWHERE = (
    EventKind.RUN_STARTED,
    EventKind.RUN_FINISHED,
    EventKind.EXECUTING,
    EventKind.STORING,
    EventKind.COMMITTING,
    EventKind.HOOK_CALLED,
    EventKind.OVERRIDDEN,
)
"""Kept in files of their own, or of no use once the attempt has ended."""


def events_since_start(store: Store, run_id: str) -> list[StepEvent]:
    """What happened to the steps of a run since it was last started or resumed, in that order.

    Raises:
        StoreError: The ledger cannot be read.
    """
    rows = store.ledger.rows(_SINCE_START, [run_id, list(_ELSEWHERE), run_id])
    return [
        StepEvent(
            EventKind(row["kind"]),
            run_id,
            _seconds(row["happened_at"]),
            row["step"] or "",
            row["attempt"] or 0,
            json.loads(row["data"] or "{}"),
        )
        for row in rows
    ]


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


_SINCE_START = """
    select kind, happened_at, step, attempt, data from events
    where run_id = ? and not list_contains(?::varchar[], kind) and happened_at >= (
        select max(happened_at) from events where run_id = ? and kind = 'run_started'
    )
    order by happened_at
"""

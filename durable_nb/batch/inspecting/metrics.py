"""The numbers that a run's cells gave to ``durable_nb.metric``."""

from __future__ import annotations

from durable_nb.store.store import Store

_QUERY = """
    select name, arg_max(value, measured_at) as value from metrics join runs using (run_id)
    where run_id = ? and measured_at >= coalesce(resumed_at, started_at)
    group by name order by min(measured_at), name
"""


def metrics_of_run(store: Store, run_id: str) -> dict[str, float]:
    """Name → last value, in the order of measuring; of a run that was resumed what its last pass measured.

    Each pass measures all anew: a step that is reused gives again what it gave when it was executed.
    """
    return {row["name"]: row["value"] for row in store.ledger.rows(_QUERY, [run_id])}

"""The numbers that a run's cells gave to ``durable_nb.metric``."""

from __future__ import annotations

from collections.abc import Sequence

from durable_nb.store.store import Store

_QUERY = """
    select run_id, name, arg_max(value, measured_at) as value from metrics join runs using (run_id)
    where list_contains(?::varchar[], run_id) and measured_at >= coalesce(resumed_at, started_at)
    group by run_id, name order by run_id, min(measured_at), name
"""


def metrics_of_run(store: Store, run_id: str) -> dict[str, float]:
    """Name → last value, in the order of measuring; of a run that was resumed what its last pass measured.

    Each pass measures all anew: a step that is reused gives again what it gave when it was executed.
    """
    return metrics_of_runs(store, [run_id]).get(run_id, {})


def metrics_of_runs(store: Store, run_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """Run → the same; nothing for a run that has measured nothing."""
    found: dict[str, dict[str, float]] = {}
    for row in store.ledger.rows(_QUERY, [list(run_ids)]):
        found.setdefault(row["run_id"], {})[row["name"]] = row["value"]
    return found

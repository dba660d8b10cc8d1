"""The table that a sweep leaves: parameters and metrics, one row a run, as Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.rows import SweepRow

SUMMARY = "summary.parquet"
"""Its name in the sweep's folder."""
_TAKEN = "_"


def summary_columns(rows: Sequence[SweepRow], results: Mapping[int, RowResult]) -> dict[str, list[Any]]:
    """Column → one value a row: parameters, metrics, then how the run ended.

    A metric or a column of ours that has the name of a parameter gets an underscore.
    """
    ended = [results[row.number] for row in rows]
    columns: dict[str, list[Any]] = {}
    for name in _names(row.shown for row in rows):
        columns[name] = [row.shown.get(name) for row in rows]
    for name in _names(result.metrics for result in ended):
        columns[_free(name, columns)] = [result.metrics.get(name) for result in ended]
    ours: dict[str, list[Any]] = {
        "state": [result.state.value for result in ended],
        "seconds": [result.seconds for result in ended],
        "executed": [result.executed for result in ended],
        "reused": [result.reused for result in ended],
        "run_id": [result.run_id or None for result in ended],
        "error": [result.error or None for result in ended],
        "output": [str(row.output) for row in rows],
    }
    return columns | {_free(name, columns): values for name, values in ours.items()}


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _free(name: str, columns: Mapping[str, Any]) -> str:
    while name in columns:
        name += _TAKEN
    return name

"""The table that a sweep leaves: parameters and metrics, one row a run, as Parquet."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.steps import is_executable
from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.rows import SweepRow
from durable_nb.core.cells import parse_loosely

SUMMARY = "summary.parquet"
"""Its name in the sweep's folder."""
_TAKEN = "_"
_NUMBER, _TEXT = "double", "string"


@dataclass(frozen=True, slots=True)
class Summary:
    """The table, column by column."""

    columns: Mapping[str, Sequence[Any]]
    """Column → one value a row."""
    types: Mapping[str, str]
    """Column → its type, where that does not depend on how the rows went."""


def summarise(
    rows: Sequence[SweepRow], results: Mapping[int, RowResult], metrics: Iterable[str] = ()
) -> Summary:
    """Parameters, metrics, then how each run ended.

    A metric or a column of ours that has the name of a parameter gets an underscore.

    Args:
        rows: The rows.
        results: Number of a row → what became of it.
        metrics: Names of metrics that have a column even if no row came to measure them.
    """
    ended = [results[row.number] for row in rows]
    columns: dict[str, list[Any]] = {}
    types: dict[str, str] = {}
    for name in _names(row.shown for row in rows):
        columns[name] = [row.shown.get(name) for row in rows]
    for name in dict.fromkeys([*metrics, *_names(result.metrics for result in ended)]):
        column = _free(name, columns)
        columns[column], types[column] = [result.metrics.get(name) for result in ended], _NUMBER
    ours: dict[str, tuple[str, list[Any]]] = {
        "state": (_TEXT, [result.state.value for result in ended]),
        "seconds": (_NUMBER, [result.seconds for result in ended]),
        "executed": ("int64", [result.executed for result in ended]),
        "reused": ("int64", [result.reused for result in ended]),
        "run_id": (_TEXT, [result.run_id or None for result in ended]),
        "error": (_TEXT, [result.error or None for result in ended]),
        "output": (_TEXT, [str(row.output) for row in rows]),
    }
    for name, (type_, values) in ours.items():
        column = _free(name, columns)
        columns[column], types[column] = values, type_
    return Summary(columns, types)


def metrics_in(nb: NotebookNode) -> list[str]:
    """The metrics that a notebook's code names: ``durable_nb.metric("auc", …)``."""
    cells = [parse_loosely(cell.source) for cell in nb.cells if is_executable(cell)]
    return list(dict.fromkeys(name for tree in cells for name in _measured(tree)))


def _measured(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="durable_nb"), attr="metric") | ast.Name(id="metric"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _free(name: str, columns: Mapping[str, Any]) -> str:
    while name in columns:
        name += _TAKEN
    return name

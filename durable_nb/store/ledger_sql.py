"""How rows get into the ledger: what is there is read, folded with what is new, and replaced.

A few rows travel as parameters, which DuckDB plans in half a millisecond; many as one JSON document,
whose plan costs two milliseconds and whose rows cost next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from durable_nb.core.model import StepEvent
from durable_nb.store.ledger_rows import EVENTS, TABLES, TRACES, Batch, Row, Table, event_key, fold

if TYPE_CHECKING:
    import duckdb

FORMAT = 2
"""Number of the layout in schema.sql."""

_FEW = 8
"""Rows up to which parameters are quicker than a JSON document."""

Key = tuple[Any, ...]
Statement = tuple[str, list[Any]]


def write(connection: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Bring the rows of a batch into the ledger that ``connection`` has in use.

    Rows of events and traces that are there already are left out, so writing again changes nothing.
    """
    known_traces: set[Any] = set()
    for table in TABLES:
        rows = batch.rows[table.label]
        if table.part_of_trace:
            _insert(connection, table, [row for row in rows.values() if row["trace_id"] not in known_traces])
        elif rows:
            known = _known(connection, table, rows.keys())
            _replace(connection, table, rows, known)
            if table is TRACES:
                known_traces = {key[0] for key in known}


def unknown(connection: duckdb.DuckDBPyConnection, events: Sequence[StepEvent]) -> list[StepEvent]:
    """Return those events that are not in the ledger yet."""
    keys = [event_key(event) for event in events]
    known = _known(connection, EVENTS, keys) if keys else {}
    return [event for key, event in zip(keys, events, strict=True) if key not in known]


def _replace(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: dict[Key, Row], known: dict[Key, Row]
) -> None:
    if not table.merged:
        _insert(connection, table, [row for key, row in rows.items() if key not in known])
        return
    folded = {key: fold(table, known.get(key), row) for key, row in rows.items()}
    changed = [key for key in known if folded[key] is not known[key]]
    if changed:
        sql, parameters = _matching(table, changed)
        connection.execute(f"DELETE FROM {table.name} WHERE {sql}", parameters)  # noqa: S608  # our own words
    _insert(connection, table, [row for key, row in folded.items() if row is not known.get(key)])


def _known(connection: duckdb.DuckDBPyConnection, table: Table, keys: Collection[Key]) -> dict[Key, Row]:
    """Return the rows with these keys that are in the ledger; of a table that is not merged only the keys."""
    columns = list(table.types) if table.merged else list(table.keys)
    wanted = ", ".join(_readable(table, column) for column in columns)
    sql, parameters = _matching(table, keys)
    found = connection.execute(f"SELECT {wanted} FROM {table.name} WHERE {sql}", parameters).fetchall()  # noqa: S608
    rows = [dict(zip(columns, values, strict=True)) for values in found]
    return {tuple(row[key] for key in table.keys): row for row in rows}


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Row]) -> None:
    if rows:
        sql, parameters = _source(table, list(table.types), rows)
        columns = ", ".join(map(_quoted, table.types))
        connection.execute(f"INSERT INTO {table.name} ({columns}) {sql}", parameters)


def _matching(table: Table, keys: Collection[Key]) -> Statement:
    if len(keys) <= _FEW:
        one = " AND ".join(f"{_quoted(key)} = {_typed('?', table.types[key])}" for key in table.keys)
        return " OR ".join([f"({one})"] * len(keys)), [_clean(part) for key in keys for part in key]
    rows = [dict(zip(table.keys, key, strict=True)) for key in keys]
    sql, parameters = _source(table, table.keys, rows)
    return f"({', '.join(map(_quoted, table.keys))}) IN ({sql})", parameters


def _source(table: Table, columns: Sequence[str], rows: Sequence[Row]) -> Statement:
    """Return the query that gives rows back, typed as in the table."""
    if len(rows) <= _FEW:
        one = ", ".join(_typed("?", table.types[column]) for column in columns)
        parameters = [_clean(row.get(column)) for row in rows for column in columns]
        return f"VALUES {', '.join([f'({one})'] * len(rows))}", parameters
    shape = json.dumps(
        [{column: _TRANSPORT.get(table.types[column], table.types[column]) for column in columns}]
    )
    items = ", ".join(_typed(f"item.{_quoted(column)}", table.types[column]) for column in columns)
    return f"SELECT {items} FROM (SELECT unnest(from_json(?, '{shape}')) AS item)", [_document(rows)]  # noqa: S608


def _document(rows: Iterable[Row]) -> str:
    return str(_clean(json.dumps(list(rows), ensure_ascii=False)))


def _clean(value: Any) -> Any:
    # a lone surrogate is no UTF-8: better a question mark in a report than no row
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _typed(expression: str, type_: str) -> str:
    return f"make_timestamp({expression})" if type_ == "TIMESTAMP" else f"CAST({expression} AS {type_})"


def _readable(table: Table, column: str) -> str:
    name = _quoted(column)
    conversions = {"TIMESTAMP": f"epoch_us({name})", "UUID": f"replace(CAST({name} AS VARCHAR), '-', '')"}
    return conversions.get(table.types[column], name)


_TRANSPORT = {"TIMESTAMP": "BIGINT", "JSON": "VARCHAR", "UUID": "VARCHAR"}


def _quoted(column: str) -> str:
    return f'"{column}"'

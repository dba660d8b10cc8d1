"""``durable-nb query``: SQL over the ledger."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import existing_store, json_option, one_look, store_option
from durable_nb.core.model import Json

Rows = Sequence[tuple[Any, ...]]

_EPILOG = """\b
Example:
  durable-nb query "from failures"
  durable-nb query "select step, avg(seconds) from attempts group by step" --csv
  durable-nb query            # the tables and views, and what they hold

The SQL is DuckDB's; nothing in the ledger can be changed by it. Times are UTC. A file of SQL: query - < FILE
"""
_TABLES = """
    select name, array_to_string(list(column_name order by column_index), ', ') as columns,
        any_value(about) as about
    from (
        select table_name as name, comment as about from duckdb_tables() where database_name = 'ledger'
        union all
        select view_name, comment from duckdb_views() where database_name = 'ledger' and not internal
    ) join (select table_name as name, column_name, column_index from duckdb_columns()
            where database_name = 'ledger') using (name)
    group by name order by name
"""


@click.command(epilog=_EPILOG)
@click.argument("sql", metavar="[SQL]", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, with a line of column names.")
@store_option
@json_option
def query(sql: str | None, as_csv: bool, store_path: Path | None, as_json: bool) -> None:
    """Ask the ledger in SQL. Without SQL: list its tables and views."""
    from durable_nb.core.errors import UsageError

    if as_csv and as_json:
        raise UsageError("found --csv and --json, expected one of them")
    if sql == "-":
        sql = sys.stdin.read()
    store = existing_store(store_path)
    with one_look(store):
        names, rows = store.ledger.answer(sql if sql and sql.strip() else _TABLES)
    if not names:
        raise UsageError("the query gives no table; a SELECT was expected")
    if as_json:
        print_json([_named(names, row) for row in rows])
    elif as_csv:
        _print_csv(names, rows)
    else:
        _print_table(names, rows)


def plain(value: Any) -> Json:
    """A value of DuckDB as JSON has it; what JSON cannot say is said in words."""
    match value:
        case None | bool() | int() | str():
            found: Json = value
        case float() if math.isfinite(value):
            found = value
        case datetime():
            found = (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
        case timedelta():
            found = value.total_seconds()
        case Decimal():
            found = float(value)
        case dict():
            found = {str(name): plain(part) for name, part in value.items()}
        case list() | tuple():
            found = [plain(part) for part in value]
        case _:
            found = str(value)
    return found


def _named(names: Sequence[str], row: Sequence[Any]) -> dict[str, Json]:
    return {name: plain(value) for name, value in zip(names, row, strict=True)}


def _print_csv(names: Sequence[str], rows: Rows) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(value) for value in row] for row in rows)


def _print_table(names: Sequence[str], rows: Rows) -> None:
    from rich.text import Text

    from durable_nb.cli.tables import plain_table, terminal

    numeric = [all(_is_number(row[i]) for row in rows) and bool(rows) for i in range(len(names))]
    table = plain_table(*names, wrapped=names)
    for column, right in zip(table.columns, numeric, strict=True):
        column.justify = "right" if right else "left"
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(_text(value)) for value in row))
    terminal().print(table)
    if not rows:
        click.echo("no rows", err=True)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, dict | list | tuple):
        return json.dumps(plain(value), ensure_ascii=False)
    return str(value)

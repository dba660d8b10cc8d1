"""How the values of two stored tables differ, told by DuckDB from their Parquet files.

What is put into SQL here are our own words, and names and paths in quotes (S608).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.core.model import Json
from durable_nb.core.secrets import looks_secret

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_EXAMPLES = 3
_LARGEST = 200_000_000
"""Cells of both tables together; of larger ones only the shapes are compared."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value that differs."""

    row: int
    """From 0."""
    column: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"row {self.row:,}: {self.column} {self.was} → {self.now}"


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How one stored table differs from another."""

    rows: tuple[int, int] | None = None
    """Of both; None where nobody could count."""
    columns_gone: tuple[str, ...] = ()
    columns_new: tuple[str, ...] = ()
    only_in_first: int | None = None
    """Rows that the second does not have, in the columns that both have; None where nobody counted."""
    only_in_second: int | None = None
    changed: dict[str, int] = field(default_factory=dict)
    """Column → in how many rows it differs, row by row; of tables with equally many rows."""
    examples: tuple[Cell, ...] = ()
    note: str = ""
    """Why the values were not compared."""

    @property
    def is_reordered(self) -> bool:
        """Whether both have the same rows in another order."""
        return bool(self.changed) and self.only_in_first == self.only_in_second == 0

    def lines(self) -> Iterator[str]:
        """The difference in words."""
        if self.note:
            yield self.note
        if self.is_reordered:
            yield "the same rows in another order"
            return
        if self.only_in_first == self.only_in_second == 0 and not self.changed:
            yield "the same values in the columns that both have"
        elif self.only_in_first is not None and self.only_in_second is not None and not self.changed:
            yield f"{_rows(self.only_in_first)} only in the first, {self.only_in_second:,} only in the second"
        if self.changed:
            counts = (f"{column} in {_rows(count)}" for column, count in self.changed.items())
            yield f"values that differ: {', '.join(counts)}"
        yield from map(str, self.examples)

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        examples: list[Json] = [
            {"row": cell.row, "column": cell.column, "was": cell.was, "now": cell.now}
            for cell in self.examples
        ]
        return {
            "rows": None if self.rows is None else list(self.rows),
            "columns_gone": list(self.columns_gone),
            "columns_new": list(self.columns_new),
            "only_in_first": self.only_in_first,
            "only_in_second": self.only_in_second,
            "changed": dict(self.changed),
            "examples": examples,
            "note": self.note or None,
        }


def compare_tables(was: Path, now: Path) -> TableDifference:
    """Compare two artifacts that hold tables or arrays of numbers.

    Args:
        was: The Parquet file of the first.
        now: That of the second.

    Returns:
        What differs. What DuckDB cannot read is told in its note: a comparison is worth no failure.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="durable-nb-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
        connection = duckdb.connect(":memory:", config=settings)
        try:
            return _compare(connection, was, now)
        except duckdb.Error as error:
            return TableDifference(note=f"their values cannot be compared: {str(error).splitlines()[0]}")
        finally:
            connection.close()


def _compare(connection: DuckDBPyConnection, was: Path, now: Path) -> TableDifference:
    for view, path in (("was", was), ("now", now)):
        connection.execute(f"create view {view} as from read_parquet({_literal(str(path))})")
    before, after = _columns(connection, "was"), _columns(connection, "now")
    both = [name for name in before if name in after]
    rows = _count(connection, "was"), _count(connection, "now")
    gone, new = tuple(n for n in before if n not in after), tuple(n for n in after if n not in before)
    if sum(rows) * max(1, len(both)) > _LARGEST:
        return TableDifference(rows, gone, new, note="too large to compare value by value")
    same_types = [name for name in both if before[name] == after[name]]
    only = _only(connection, same_types) if same_types else (None, None)
    differs = {name: _differs(name, same_type=name in same_types) for name in both}
    changed = _changed(connection, differs) if rows[0] == rows[1] and both else {}
    examples: tuple[Cell, ...] = ()
    if changed and only != (0, 0):
        examples = tuple(_examples(connection, {name: differs[name] for name in changed}))
    return TableDifference(rows, gone, new, only[0], only[1], changed, examples)


def _columns(connection: DuckDBPyConnection, view: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {view}").fetchall()}


def _count(connection: DuckDBPyConnection, view: str) -> int:
    return int(_one(connection, f"select count(*) from {view}")[0])  # noqa: S608


def _only(connection: DuckDBPyConnection, columns: Sequence[str]) -> tuple[int, int]:
    """How many rows only one of them has, each counted as often as it is there."""
    listed = ", ".join(map(_quoted, columns))
    sides = [
        f"(select count(*) from (select {listed} from {one} except all select {listed} from {other}))"  # noqa: S608
        for one, other in (("was", "now"), ("now", "was"))
    ]
    first, second = _one(connection, f"select {sides[0]}, {sides[1]}")
    return int(first), int(second)


def _changed(connection: DuckDBPyConnection, differs: Mapping[str, str]) -> dict[str, int]:
    counts = ", ".join(f"count(*) filter ({condition})" for condition in differs.values())
    found = _one(connection, f"select {counts} from was a positional join now b")  # noqa: S608
    return {column: int(count) for column, count in zip(differs, found, strict=True) if count}


def _examples(connection: DuckDBPyConnection, differs: Mapping[str, str]) -> Iterator[Cell]:
    """The first values that differ; none of columns that seem to hold secrets."""
    shown = [column for column in differs if not looks_secret(column)][:_MOST_EXAMPLES]
    for column in shown:
        most = _MOST_EXAMPLES if len(shown) == 1 else 1
        name = _quoted(column)
        rows = connection.execute(
            "select number, was::varchar, now::varchar from ("  # noqa: S608
            f"select row_number() over () - 1 as number, a.{name} as was, b.{name} as now, "
            f"{differs[column]} as differs from was a positional join now b) "
            f"where differs order by number limit {most}"
        ).fetchall()
        yield from (Cell(int(number), column, _shown(old), _shown(new)) for number, old, new in rows)


def _differs(column: str, *, same_type: bool) -> str:
    name, cast = _quoted(column), "" if same_type else "::varchar"
    return f"a.{name}{cast} is distinct from b.{name}{cast}"


def _one(connection: DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None, "an aggregate has one row"
    return row


def _shown(text: str | None) -> str:
    if text is None:
        return "null"
    return text if len(text) <= 40 else f"{text[:39]}…"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

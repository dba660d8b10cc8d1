"""The table of a sweep: one row a run, one column a parameter; from CSV, Parquet, YAML or JSON."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from durable_nb.batch.yaml_files import load_yaml
from durable_nb.core.errors import UsageError
from durable_nb.core.parameters import Typed
from durable_nb.store.tables import read_rows

Row = dict[str, Any]
"""Parameter → value; a parameter without an entry keeps the notebook's default."""
_LIST_WANTED = "expected a list with one mapping a run:\n- {alpha: 0.1}\n- {alpha: 0.2}"
_OTHER_SEPARATORS = (";", "\t", "|")


def read_table(path: Path) -> list[Row]:
    """The rows of a table; an empty cell is a parameter that is not given.

    Args:
        path: What it is follows from the end of its name: ``.csv``, ``.parquet``, ``.yaml``, ``.json``.

    Raises:
        UsageError: It cannot be read, holds no rows, or holds what no parameter can be.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        known = ", ".join(_READERS)
        raise UsageError(f"the table {path} ends with {path.suffix or 'nothing'!r}, expected one of {known}")
    try:
        rows = read(path)
    except OSError as error:
        raise UsageError(f"cannot read the table {path}: {error.strerror or error}") from error
    if not rows:
        raise UsageError(f"the table {path} has no rows; expected a header and one row a run")
    return [_checked(row, f"row {number} of {path}") for number, row in enumerate(rows, 1)]


def _read_csv(path: Path) -> list[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey=None, strict=True)
            _refuse_doubles(reader.fieldnames or (), path)
            return [_csv_row(row, f"line {reader.line_num} of {path}") for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no CSV table: {error}") from error


def _csv_row(row: Mapping[str | None, Any], where: str) -> Row:
    if None in row:
        raise UsageError(f"{where} has more cells than the header; quote a text that holds a comma")
    if None in row.values():
        raise UsageError(f"{where} has fewer cells than the header")
    return {str(name).strip(): Typed(text.strip()) for name, text in row.items() if text.strip()}


def _read_parquet(path: Path) -> list[Row]:
    names, rows = read_rows(path)
    _refuse_doubles(names, path)
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _read_yaml(path: Path) -> list[Row]:
    content = load_yaml(path, "the table")
    if content is None:
        return []
    if not isinstance(content, list):
        raise UsageError(f"{path} holds a {type(content).__name__}, {_LIST_WANTED}")
    for number, row in enumerate(content, 1):
        if not isinstance(row, dict):
            raise UsageError(f"item {number} of {path} is of type {type(row).__name__}, {_LIST_WANTED}")
    return [{name: value for name, value in row.items() if value is not None} for row in content]


_READERS: Mapping[str, Callable[[Path], list[Row]]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": _read_yaml,
}


def _refuse_doubles(names: Iterable[str], path: Path) -> None:
    seen: set[str] = set()
    for name in names:
        if name.strip() in seen:
            raise UsageError(f"{path} has two columns named {name.strip()!r}; expected one a parameter")
        seen.add(name.strip())


def _checked(row: Mapping[Any, Any], where: str) -> Row:
    for name in row:
        if not isinstance(name, str) or not name.isidentifier():
            hint = "; columns are separated by commas" if _has_other_separator(name) else ""
            raise UsageError(
                f"{where}: found the column {name!r}, expected a Python name such as 'alpha'{hint}"
            )
    return {name: _plain(value, f"{where}: {name}") for name, value in row.items()}


def _has_other_separator(name: Any) -> bool:
    return isinstance(name, str) and any(sign in name for sign in _OTHER_SEPARATORS)


def _plain(value: Any, where: str) -> Any:
    """The value as JSON has it, for it travels to another process, and is written into a notebook."""
    if isinstance(value, str | int | float):  # also True and False; a text stays Typed
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item, where) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item, where) for name, item in value.items()}
    if value is None:
        return None
    raise UsageError(f"{where}: found {type(value).__name__}, expected a number, text, list or mapping")


def in_words(row: Mapping[str, Any]) -> str:
    """A row for people: ``alpha=0.1, day=2026-11-01``."""
    return ", ".join(f"{name}={_short(value)}" for name, value in row.items()) or "the defaults"


def _short(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"

"""Small tables of plain values in Parquet files that people make and read: no part of a store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from durable_nb.core.errors import UsageError
from durable_nb.store.files import write_durably

_INDEX = "__index_level_"
"""Begins the columns in which pandas keeps an index."""


def read_rows(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """The names of a table's columns, and its rows; an index of pandas is left out.

    Raises:
        OSError: The file cannot be read.
        UsageError: It is no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A single file is opened as such: to read a folder, pyarrow wants each name once.
        table = pq.ParquetFile(path).read() if path.is_file() else pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"{path} is no Parquet file that can be read: {error}") from error
    places = [place for place, name in enumerate(table.column_names) if not name.startswith(_INDEX)]
    names = [table.column_names[place] for place in places]
    columns = [table.column(place).to_pylist() for place in places]
    return names, [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def write_columns(
    path: Path, columns: Mapping[str, Sequence[Any]], types: Mapping[str, str] | None = None
) -> None:
    """Write a table; the file is the old one or the new one at every moment.

    Args:
        path: The file.
        columns: Column → one value a row. One whose values have no type in common is written as JSON texts.
        types: Column → the Arrow type that it has even if it holds nothing, such as ``double``.

    Raises:
        StoreError: It cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    known = types or {}
    table = pa.table({name: _column(values, known.get(name)) for name, values in columns.items()})

    def write(file: BinaryIO) -> None:
        pq.write_table(table, file)

    write_durably(path, write)


def _column(values: Sequence[Any], type_: str | None) -> Any:
    import pyarrow as pa

    if type_ is not None:
        return pa.array(values, pa.type_for_alias(type_))
    plain = [str(value) if isinstance(value, str) else value for value in values]
    try:
        return pa.array(plain)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else json.dumps(value) for value in plain])

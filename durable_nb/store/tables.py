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
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise UsageError(f"{path} is no Parquet file: {error}") from error
    names = [name for name in table.column_names if not name.startswith(_INDEX)]
    return names, table.select(names).to_pylist()


def write_columns(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write a table; the file is the old one or the new one at every moment.

    A column whose values have no type in common is written as JSON texts.

    Raises:
        StoreError: It cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: _column(values) for name, values in columns.items()})

    def write(file: BinaryIO) -> None:
        pq.write_table(table, file)

    write_durably(path, write)


def _column(values: Sequence[Any]) -> Any:
    import pyarrow as pa

    plain = [str(value) if isinstance(value, str) else value for value in values]
    try:
        return pa.array(plain)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else json.dumps(value) for value in plain])

"""The beginning of a stored value, read without the rest of it and without the user's libraries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from durable_nb.core.errors import DamagedError
from durable_nb.core.fingerprint import digest
from durable_nb.store.codecs import parquet

if TYPE_CHECKING:
    import pyarrow

TABLES: Final = frozenset({"pandas", "polars", "arrow", "array"})
"""Codecs whose artifacts are columns that say something."""
_LONGEST = 200
"""Characters of one cell."""


@dataclass(frozen=True, slots=True)
class TableHead:
    """The first rows of a table."""

    columns: tuple[tuple[str, str], ...]
    """Name and Arrow type of each column that is shown."""
    rows: tuple[tuple[str, ...], ...]
    """Cells as text; a missing value is empty."""
    row_count: int
    column_count: int


def codec_of(path: Path) -> str:
    """The name of the codec that wrote an artifact.

    Raises:
        DamagedError: It is missing, cut short, altered, or none of ours.
    """
    return str(_opened(path)[0]["codec"])


def table_head(path: Path, most_rows: int, most_columns: int) -> TableHead:
    """The first rows of a table, whatever its size.

    Args:
        path: The artifact.
        most_rows: How many of its rows.
        most_columns: How many of its columns.

    Raises:
        DamagedError: It is missing, cut short, altered, or none of ours.
    """
    import pyarrow

    _, file = _opened(path)
    names = file.schema_arrow.names[:most_columns]
    try:
        batch = next(file.iter_batches(batch_size=most_rows, columns=names, use_threads=False), None)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DamagedError(f"{path}: not a readable artifact ({error})") from error
    fields = [file.schema_arrow.field(name) for name in names]
    columns = [] if batch is None else [_texts(batch.column(name)) for name in names]
    return TableHead(
        tuple((field.name, _type(field.type)) for field in fields),
        tuple(zip(*columns, strict=True)),
        file.metadata.num_rows,
        len(file.schema_arrow.names),
    )


def _opened(path: Path) -> tuple[dict[str, Any], Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, memory_map=True, page_checksum_verification=True)
        entries = file.metadata.metadata or {}
        text = entries[parquet.KEY].decode("utf-8")
        is_whole = digest(text).encode() == entries[parquet.DIGEST]
        head: dict[str, Any] = json.loads(text) if is_whole else {}
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise DamagedError(f"{path}: not a readable artifact ({error})") from error
    if not is_whole:
        raise DamagedError(f"{path}: not a readable artifact (its description was altered)")
    return head, file


def _type(kind: pyarrow.DataType) -> str:
    """The name that users of tables know it by."""
    text = str(kind)
    return _NAMES.get(text, text)


_NAMES = {"large_string": "string", "double": "float64", "float": "float32", "halffloat": "float16"}


def _texts(column: pyarrow.Array) -> list[str]:
    return [_text(scalar) for scalar in column]


def _text(scalar: pyarrow.Scalar) -> str:
    if not scalar.is_valid:
        return ""
    text = str(scalar)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

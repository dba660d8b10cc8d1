"""Parquet files: how columns are laid out on disk, and how they are read back with every checksum checked."""

from __future__ import annotations

import json
import os
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from durable_nb.core.errors import DamagedError
from durable_nb.core.fingerprint import digest
from durable_nb.store.codecs.contract import Content
from durable_nb.store.codecs.parquet_join import join

if TYPE_CHECKING:
    import pyarrow

KEY: Final = b"durable_nb"
"""The entry of the file's key-value metadata that says how to make the value again."""
DIGEST: Final = b"durable_nb.digest"
"""The entry that guards the other one; Parquet's own checksums guard the columns."""
FORMAT: Final = 1
ROW_GROUP: Final = 1 << 20
THREADS: Final = min(4, os.cpu_count() or 1)
"""Row groups are encoded by so many threads at a time."""
SAMPLE: Final = 4096
REPETITIVE: Final = 0.2
"""Texts with fewer distinct values than this share of a sample are kept as a dictionary."""


def bytes_column(pieces: Sequence[Any], kind: pyarrow.DataType) -> pyarrow.Array:
    """A large_binary or large_string array made from its bytes; ``pyarrow.array`` would import pandas."""
    import pyarrow

    ends = array("q", accumulate((memoryview(piece).nbytes for piece in pieces), initial=0))
    content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return pyarrow.Array.from_buffers(
        kind, len(pieces), [None, pyarrow.py_buffer(ends), pyarrow.py_buffer(content)]
    )


def writable(column: pyarrow.ChunkedArray) -> Any:
    """Numbers without nulls as a NumPy array that may be written to.

    It is the column's own memory where that may be written to: the column came out of a file, or out of the
    value that is being stored, and nobody keeps it.
    """
    import numpy

    numbers = column.to_numpy()
    if numbers.flags.writeable:
        return numbers
    if column.num_chunks == 1 and len(column) and not column.null_count:
        chunk = column.chunk(0)
        memory = chunk.buffers()[1]
        if memory.is_mutable and memory.size >= (chunk.offset + len(chunk)) * numbers.itemsize:
            return numpy.frombuffer(memory, numbers.dtype, len(chunk), chunk.offset * numbers.itemsize)
    return numbers.copy()


def write(sink: BinaryIO, codec: str, fingerprint: str, content: Content) -> None:
    """Write a value's columns and description as one Parquet file."""
    import pyarrow

    table = content.table
    head = {"format": FORMAT, "codec": codec, "fingerprint": fingerprint, "layout": content.layout}
    text = json.dumps(head, separators=(",", ":"))
    entries, options = {KEY: text, DIGEST: digest(text)}, _options(content)
    if table.num_rows <= ROW_GROUP:
        _write_table(sink, table, entries, options)
        return

    def encoded(start: int) -> pyarrow.Buffer:
        part = pyarrow.BufferOutputStream()
        _write_table(part, table.slice(start, ROW_GROUP), entries, options)
        return part.getvalue()

    join(_in_threads(encoded, range(0, table.num_rows, ROW_GROUP)), sink)


def _write_table(sink: Any, table: pyarrow.Table, entries: dict[bytes, str], options: dict[str, Any]) -> None:
    from pyarrow import parquet

    writer = parquet.ParquetWriter(sink, table.schema, **options)
    try:
        writer.add_key_value_metadata(entries)
        writer.write_table(table, row_group_size=ROW_GROUP)
    finally:
        writer.close()


def _in_threads(encode: Callable[[int], Any], starts: Iterable[int]) -> Iterator[Any]:
    """Results in their order, as many ahead as there are threads: more would only fill memory."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="durable_nb-encode") as pool:
        running: deque[Future[Any]] = deque()
        for start in starts:
            running.append(pool.submit(encode, start))
            if len(running) > THREADS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def read(path: Path) -> tuple[dict[str, Any], pyarrow.Table]:
    """The description and the columns of a Parquet file.

    Raises:
        DamagedError: It is missing, cut short, altered, or none of ours.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with pyarrow.memory_map(str(path)) if path.stat().st_size else path.open("rb") as source:
            return _read(parquet, source)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{path}: not a readable artifact ({error})") from error


def read_bytes(data: bytes) -> tuple[dict[str, Any], pyarrow.Table]:
    """As ``read``, from memory."""
    import pyarrow
    from pyarrow import parquet

    return _read(parquet, pyarrow.BufferReader(data))


def _read(parquet: Any, source: Any) -> tuple[dict[str, Any], pyarrow.Table]:
    file = parquet.ParquetFile(source, page_checksum_verification=True, pre_buffer=False)
    entries = file.metadata.metadata
    text = entries[KEY].decode("utf-8")
    if digest(text).encode() != entries[DIGEST]:
        raise ValueError("its description was altered")
    head = json.loads(text)
    if head["format"] != FORMAT:
        raise ValueError(f"format {head['format']}, this version reads {FORMAT}")
    small = file.metadata.num_rows * max(1, file.metadata.num_columns) < ROW_GROUP // 16
    return head, file.reader.read_all(use_threads=not small)


def _options(content: Content) -> dict[str, Any]:
    table = content.table
    repetitive = [name for name in table.column_names if _is_repetitive(table.column(name))]
    encodings = {field.name: _encoding(field.type) for field in table.schema if field.name not in repetitive}
    return {
        "compression": content.compression,
        "use_dictionary": repetitive or False,
        "column_encoding": {name: encoding for name, encoding in encodings.items() if encoding} or None,
        "write_statistics": False,
        "write_page_checksum": True,
        "use_compliant_nested_type": False,  # keeps the name that a list gives its element
        "write_batch_size": 1 << 16,
        "max_rows_per_page": ROW_GROUP,
        "store_schema": not content.plain,
    }


def _encoding(kind: pyarrow.DataType) -> str | None:
    from pyarrow import types

    if types.is_integer(kind) or types.is_temporal(kind):
        return None if types.is_interval(kind) else "DELTA_BINARY_PACKED"
    if types.is_string(kind) or types.is_large_string(kind):
        return "DELTA_LENGTH_BYTE_ARRAY"
    return None


def _is_repetitive(column: pyarrow.ChunkedArray) -> bool:
    from pyarrow import compute, types

    if types.is_dictionary(column.type):
        return True
    if not (types.is_string(column.type) or types.is_large_string(column.type)) or len(column) < 64:
        return False
    step = max(1, len(column) // SAMPLE)
    sample = column.take(list(range(0, len(column), step)))
    return bool(compute.count_distinct(sample).as_py() < REPETITIVE * len(sample))

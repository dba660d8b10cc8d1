"""Row groups encoded by several threads make one ordinary Parquet file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from durable_nb.store.codecs.parquet_join import join
from durable_nb.store.codecs.thrift import read_struct, write_struct

ROWS = 1000


def table(rows: int) -> pa.Table:
    numbers = pa.array([None if n % 7 == 0 else n for n in range(rows)], pa.int64())
    return pa.table(
        {
            "number": numbers,
            "text": pa.array([f"t{n % 13}" for n in range(rows)]),
            "kind": pa.array([f"k{n % 3}" for n in range(rows)]).dictionary_encode(),
            "list": pa.array([list(range(n % 4)) for n in range(rows)]),
            "flag": pa.array([n % 2 == 0 for n in range(rows)]),
        }
    )


def as_file(part: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(part, sink, write_page_checksum=True, **options)
    return sink.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": False, "compression": "none"},
        {"write_statistics": True, "write_page_index": True},
        {"row_group_size": 100, "data_page_version": "2.0"},
        {"use_dictionary": False, "column_encoding": {"number": "DELTA_BINARY_PACKED"}},
    ],
)
@pytest.mark.parametrize("parts", [1, 2, 17])
def test_a_joined_file_is_read_by_everybody(tmp_path: Path, parts: int, options: dict[str, Any]) -> None:
    """pyarrow with all checksums, by row group too, and DuckDB."""
    whole = table(ROWS)
    step = -(-ROWS // parts)
    path = tmp_path / "joined.parquet"
    with path.open("wb") as sink:
        join((as_file(whole.slice(at, step), **options) for at in range(0, ROWS, step)), sink)

    file = pq.ParquetFile(path, page_checksum_verification=True)
    assert whole.combine_chunks() == file.read().combine_chunks()
    assert ROWS == file.metadata.num_rows
    last = file.metadata.num_row_groups - 1
    groups = [file.read_row_group(number) for number in range(last + 1)]
    assert whole.combine_chunks() == pa.concat_tables(groups).combine_chunks()
    seen = duckdb.sql(f"select count(*), sum(number), sum(len(list)), max(text) from '{path}'").fetchall()
    assert [(ROWS, sum(n for n in range(ROWS) if n % 7), sum(n % 4 for n in range(ROWS)), "t9")] == seen


def test_a_footer_is_written_as_it_was_read() -> None:
    """Everything that Parquet's writers put into it, statistics and long lists included."""
    for options in ({}, {"write_page_index": True}, {"row_group_size": 10}):
        file = as_file(table(ROWS), **options)
        length = int.from_bytes(file[-8:-4], "little")
        footer = file[-8 - length : -8]
        assert footer == write_struct(read_struct(footer))

"""Files as artifacts: in pieces of some megabytes, so that neither way holds a whole file in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from durable_nb.core.errors import DamagedError
from durable_nb.core.fingerprint import digest
from durable_nb.store.codecs.parquet import DIGEST, FORMAT, KEY

if TYPE_CHECKING:
    import pyarrow


class Readable(Protocol):
    """What can be read in pieces."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        ...


CODEC: Final = "file"
PIECE: Final = 8 << 20


def write_copy(source: Readable, sink: BinaryIO, fingerprint: str) -> None:
    """Write the rest of an open file as a Parquet file: one binary column, one row group a piece."""
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([pyarrow.field("bytes", pyarrow.large_binary(), nullable=False)])
    head = {"format": FORMAT, "codec": CODEC, "fingerprint": fingerprint, "layout": {}}
    text = json.dumps(head, separators=(",", ":"))
    writer = parquet.ParquetWriter(
        sink,
        schema,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        write_page_checksum=True,
    )
    try:
        writer.add_key_value_metadata({KEY: text, DIGEST: digest(text)})
        while piece := source.read(PIECE):
            writer.write_table(_table(piece, schema))
    finally:
        writer.close()


def _table(piece: bytes, schema: pyarrow.Schema) -> pyarrow.Table:
    import pyarrow

    return pyarrow.table([pyarrow.array([piece], pyarrow.large_binary())], schema=schema)


def read_copy(path: Path) -> Iterator[bytes]:
    """Yield the content of a stored file, piece by piece.

    Raises:
        DamagedError: It is missing, cut short, altered, or holds no file.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with path.open("rb") as source:
            file = parquet.ParquetFile(source, page_checksum_verification=True, pre_buffer=False)
            _check_head(file.metadata.metadata)
            for number in range(file.metadata.num_row_groups):
                yield file.read_row_group(number).column(0)[0].as_buffer()
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{path}: not a readable artifact ({error})") from error


def _check_head(entries: dict[bytes, bytes]) -> None:
    text = entries[KEY].decode("utf-8")
    if digest(text).encode() != entries[DIGEST]:
        raise ValueError("its description was altered")
    head = json.loads(text)
    if (head["format"], head["codec"]) != (FORMAT, CODEC):
        raise ValueError(
            f"format {head['format']} of codec {head['codec']!r} is no file that this version reads"
        )

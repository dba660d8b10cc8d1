"""One Parquet file out of several that hold consecutive rows of one table.

A Parquet file is encoded by one thread. Row groups are independent of each other, though, but for where they
stand in the file: so they are encoded as files of their own, by several threads, and their bytes are put one
after another under one footer whose offsets are moved accordingly.

Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, BinaryIO, Final

from durable_nb.store.codecs.thrift import Items, Struct, read_struct, write_struct

_MAGIC: Final = b"PAR1"
_TAIL: Final = 8
"""Bytes at the end of a file: the footer's length and the magic number."""

# Numbers of fields in parquet.thrift.
_FILE_ROWS, _FILE_ROW_GROUPS = 3, 4
_GROUP_COLUMNS, _GROUP_OFFSET, _GROUP_ORDINAL = 1, 5, 7
_CHUNK_OFFSETS, _CHUNK_META = (2, 4, 6), 3
_META_OFFSETS = (9, 10, 11, 14)


def join(parts: Iterable[Any], sink: BinaryIO) -> None:
    """Write the rows of several Parquet files as one file.

    Args:
        parts: At least one whole file each, as an object with the buffer interface; equal schemas.
        sink: Where the file goes; it is written from its start to its end.
    """
    sink.write(_MAGIC)
    at = len(_MAGIC)
    footer: Struct | None = None
    for part in parts:
        view = memoryview(part).cast("B")
        (length,) = struct.unpack("<I", view[-_TAIL : -len(_MAGIC)])
        body = view[len(_MAGIC) : len(view) - _TAIL - length]
        found = read_struct(bytes(view[len(view) - _TAIL - length : -_TAIL]))
        footer = _added(footer, found, at - len(_MAGIC))
        sink.write(body)
        at += len(body)
    assert footer is not None, "there is at least one part"
    written = write_struct(footer)
    sink.write(written + struct.pack("<I", len(written)) + _MAGIC)


def _added(footer: Struct | None, found: Struct, shift: int) -> Struct:
    groups: Items = found.get(_FILE_ROW_GROUPS)
    before: list[Struct] = [] if footer is None else footer.get(_FILE_ROW_GROUPS).values
    for group in groups.values:
        _move(group, shift)
        if group.get(_GROUP_ORDINAL) is not None:
            group.replace(_GROUP_ORDINAL, group.get(_GROUP_ORDINAL) + len(before))
    if footer is None:
        return found
    before += groups.values
    footer.replace(_FILE_ROWS, footer.get(_FILE_ROWS) + found.get(_FILE_ROWS))
    return footer


def _move(group: Struct, shift: int) -> None:
    _move_fields(group, (_GROUP_OFFSET,), shift)
    for chunk in group.get(_GROUP_COLUMNS).values:
        _move_fields(chunk, _CHUNK_OFFSETS, shift)
        _move_fields(chunk.get(_CHUNK_META), _META_OFFSETS, shift)


def _move_fields(holder: Struct, numbers: tuple[int, ...], shift: int) -> None:
    for number in numbers:
        if holder.get(number):  # 0 stands for no offset: no page begins in the magic number
            holder.replace(number, holder.get(number) + shift)

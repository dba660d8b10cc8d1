"""Trying the way through Parquet before a table counts as kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from durable_nb.store.codecs import parquet
from durable_nb.store.codecs.contract import Content

if TYPE_CHECKING:
    import pyarrow

ALWAYS_BELOW: Final = 4 << 20
"""Bytes of columns for which writing and reading in memory costs little."""


def through_parquet(content: Content) -> pyarrow.Table:
    """The table as it will be read: really, or as it is where Parquet is proven to keep its types."""
    if content.table.nbytes > ALWAYS_BELOW and all(map(is_proven, content.table.schema.types)):
        return content.table
    sink = io.BytesIO()
    parquet.write(sink, "", "", content)
    return parquet.read_bytes(sink.getvalue())[1]


def is_proven(kind: pyarrow.DataType) -> bool:
    """Whether Parquet, with the Arrow schema beside it, keeps every value of this type."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    if types.is_temporal(kind):
        return not (getattr(kind, "unit", "") == "s" or types.is_interval(kind) or types.is_date64(kind))
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return bool(numbers or is_text(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def is_text(kind: pyarrow.DataType) -> bool:
    """Whether it is a text, with short or long offsets."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))

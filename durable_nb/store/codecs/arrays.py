"""NumPy arrays of any dtype and shape, and NumPy scalars, as one column."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from durable_nb.store.codecs.contract import CodecContext, Content, Unsuitable
from durable_nb.store.codecs.parquet import bytes_column, writable

if TYPE_CHECKING:
    import pyarrow

NATIVE: Final = frozenset(f"<{kind}" for kind in ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"))
BYTES: Final = frozenset({"|i1", "|u1", "|b1"})
PIECE: Final = 16 << 20
"""Bytes in one cell, where elements have no column type of their own."""


def describe(dtype: Any) -> Any:
    """A dtype as JSON."""
    if dtype.metadata is not None:
        raise Unsuitable("a dtype with metadata")
    if dtype.names is not None:
        if dtype.type.__name__ != "void":
            raise Unsuitable(f"a dtype of {dtype.type.__name__}")
        fields = [(name, *dtype.fields[name]) for name in dtype.names]
        return {
            "names": list(dtype.names),
            "formats": [describe(field[1]) for field in fields],
            "offsets": [field[2] for field in fields],
            "titles": [field[3] if len(field) > 3 else None for field in fields],
            "itemsize": dtype.itemsize,
            "aligned": dtype.isalignedstruct,
        }
    if dtype.subdtype is not None:
        return {"base": describe(dtype.subdtype[0]), "shape": list(dtype.subdtype[1])}
    if dtype.hasobject or dtype.kind == "T" or dtype.isbuiltin == 2:
        raise Unsuitable(f"an array of {dtype}")
    return dtype.str


def dtype_of(described: Any) -> Any:
    """The dtype that ``describe`` was given."""
    import numpy

    if isinstance(described, str):
        return numpy.dtype(described)
    if "base" in described:
        return numpy.dtype((dtype_of(described["base"]), tuple(described["shape"])))
    fields: Any = dict(described, formats=[dtype_of(part) for part in described["formats"]])
    aligned = fields.pop("aligned")
    if not any(title is not None for title in fields["titles"]):
        del fields["titles"]
    return numpy.dtype(fields, align=aligned)


class ArrayCodec:
    """Arrays and scalars of exactly NumPy's own types."""

    name = "array"

    def accepts(self, value: object) -> bool:
        """Whether it is one of NumPy's own, and NumPy therefore loaded."""
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return False
        return type(value) is numpy.ndarray or (
            isinstance(value, numpy.generic) and type(value).__module__ == "numpy"
        )

    def encode(self, value: Any, context: CodecContext) -> Content:
        """One column of numbers where Parquet has the type, of bytes elsewhere."""
        import numpy

        if isinstance(value, numpy.generic):
            return self._encode(numpy.asarray(value), scalar=True)
        return self._encode(value, scalar=False)

    def _encode(self, array: Any, *, scalar: bool) -> Content:
        order = axes(array)
        layout = {
            "dtype": describe(array.dtype),
            "shape": list(array.shape),
            "axes": order,
            "writeable": bool(array.flags.writeable),
            "scalar": scalar,
        }
        import numpy

        flat = numpy.ascontiguousarray(array.transpose(order)).reshape(-1)
        import pyarrow

        column, layout["column"] = to_column(flat)
        return Content(pyarrow.table({"value": column}), layout)

    def decode(self, table: pyarrow.Table, layout: dict[str, Any], context: CodecContext) -> Any:
        """The array again, with its memory order."""
        dtype, shape, order = dtype_of(layout["dtype"]), layout["shape"], layout["axes"]
        flat = from_column(table.column(0), layout["column"], dtype)
        array = flat.reshape([shape[axis] for axis in order])
        back = sorted(range(len(order)), key=order.__getitem__)
        array = array.transpose(back) if back != sorted(back) else array
        if layout["scalar"]:
            return array[()]
        array.flags.writeable = layout["writeable"]
        return array

    def rehearse(self, content: Content, context: CodecContext) -> Any:
        """Parquet keeps numbers and bytes as they are."""
        return self.decode(content.table, content.layout, context)


def axes(array: Any) -> list[int]:
    """The axes from the one whose elements lie furthest apart in memory to the closest."""
    if array.flags.c_contiguous:
        return list(range(array.ndim))
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def to_column(flat: Any) -> tuple[pyarrow.Array, str]:
    """A flat contiguous array as a column, and what kind of column it is."""
    import pyarrow

    code = flat.dtype.str
    if code in NATIVE or code in BYTES:
        return _numbers(flat), "numbers"
    if flat.dtype.kind in "mM" and code[0] != ">":
        return _numbers(flat.view("i8")), "ticks"
    data = memoryview(flat.view("u1") if flat.dtype.itemsize and flat.size else b"").cast("B")
    pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
    return bytes_column(pieces, pyarrow.large_binary()), "bytes"


def _numbers(flat: Any) -> pyarrow.Array:
    """An array of the same memory; ``pyarrow.array`` would import pandas."""
    import pyarrow

    kind = pyarrow.from_numpy_dtype(flat.dtype)
    memory = flat
    if flat.dtype.kind == "b":  # one bit each in Arrow, one byte in NumPy
        memory = sys.modules["numpy"].packbits(flat, bitorder="little")
    return pyarrow.Array.from_buffers(kind, len(flat), [None, pyarrow.py_buffer(memory)])


def from_column(column: pyarrow.ChunkedArray, kind: str, dtype: Any) -> Any:
    """The flat writable array that ``to_column`` was given."""
    import numpy

    if kind == "bytes":
        data = bytearray().join(piece.as_buffer() for chunk in column.chunks for piece in chunk)
        return numpy.frombuffer(data, dtype)
    numbers = writable(column)
    return numbers.view(dtype) if kind == "ticks" else numbers

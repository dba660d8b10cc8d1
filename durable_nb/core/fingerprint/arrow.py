"""Arrow data: pyarrow arrays and tables, and what others keep in Arrow memory.

Content is type, validity and valid values. Chunks, slices, the bytes under a null and schema metadata are
not. pyarrow is reached through the objects it made, never imported.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from durable_nb.core.fingerprint.hashing import Stream
from durable_nb.core.fingerprint.numeric import flat_bytes
from durable_nb.core.fingerprint.walker import BASES, NAMED, Walker, type_name

TEXTS: Final = frozenset({"string", "large_string", "binary", "large_binary"})
VIEWS: Final = {"string_view": "large_string", "binary_view": "large_binary"}
LISTS: Final = ("ListType", "LargeListType", "FixedSizeListType", "MapType")
FLOATS: Final = {"halffloat": "<f2", "float": "<f4", "double": "<f8"}


def describe(kind: Any) -> Any:
    """An Arrow type as plain values: everything that makes two types different."""
    name = str(kind)
    if kind.num_fields == 0:
        return (type(kind).__name__, name)
    if type(kind).__name__ == "DictionaryType":
        return ("dictionary", describe(kind.index_type), describe(kind.value_type), kind.ordered)
    fields = [kind.field(i) for i in range(kind.num_fields)]
    size = getattr(kind, "list_size", None)
    parts = [(field.name, field.nullable, describe(field.type)) for field in fields]
    return (type(kind).__name__, name.partition("<")[0], size, getattr(kind, "keys_sorted", None), parts)


def column(walker: Walker, kind: Any, chunks: list[Any]) -> None:
    """Add the values of a column given in chunks; its type was added before."""
    walker.size(sum(map(len, chunks)))
    name, family = str(kind), type(kind).__name__
    if name in VIEWS:
        chunks = [chunk.cast(VIEWS[name]) for chunk in chunks]
        name = VIEWS[name]
    if name == "null":
        return
    if family == "DictionaryType":
        _dictionary(walker, chunks)
    elif name in TEXTS:
        _texts(walker, _valid(walker, chunks))
    elif family in LISTS:
        _lists(walker, kind, _valid(walker, chunks))
    elif family == "StructType":
        _struct(walker, kind, _valid(walker, chunks))
    elif family == "ExtensionType" or hasattr(kind, "storage_type"):
        column(walker, kind.storage_type, [chunk.storage for chunk in chunks])
    else:
        _fixed(walker, kind, chunks)


def _valid(walker: Walker, chunks: list[Any]) -> list[Any]:
    """Add which values are there, and return only those."""
    if not any(chunk.null_count for chunk in chunks):
        walker.out += b"1"
        return chunks
    walker.out += b"0"
    stream = Stream()
    for chunk in chunks:
        stream.raw(_bytes_of(chunk.is_valid().cast("uint8"), 1))
    walker.out += stream.digest()
    return [chunk.drop_null() if chunk.null_count else chunk for chunk in chunks]


def _bytes_of(chunk: Any, width: int) -> memoryview:
    """The values of a fixed-width array where they lie."""
    buffer = chunk.buffers()[1]
    if buffer is None or len(chunk) == 0:
        return memoryview(b"")
    return memoryview(buffer)[chunk.offset * width : (chunk.offset + len(chunk)) * width]


def _fixed(walker: Walker, kind: Any, chunks: list[Any]) -> None:
    name = str(kind)
    try:
        width = kind.bit_width
    except ValueError:
        width = 0
    if width == 0 or (width % 8 and name != "bool"):
        _objects(walker, chunks)
        return
    chunks = _valid(walker, chunks)
    if name == "bool":
        chunks, width = [chunk.cast("uint8") for chunk in chunks], 8
    stream = Stream()
    for chunk in chunks:
        data = _bytes_of(chunk, width // 8)
        if name in FLOATS:
            _floats(stream, data, FLOATS[name])
        else:
            stream.raw(data)
    walker.out += stream.digest()


def _floats(stream: Stream, data: memoryview, dtype: str) -> None:
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        flat_bytes(stream.raw, numpy.frombuffer(data, dtype))
        return
    # without NumPy a NaN keeps its own bits: at worst an equal column is not recognised
    stream.raw(data)


def _texts(walker: Walker, chunks: list[Any]) -> None:
    data, sizes = Stream(), Stream()
    for chunk in chunks:
        if len(chunk) == 0:
            continue
        first, last, lengths = _extent(chunk)
        sizes.raw(lengths)
        content = chunk.buffers()[2]
        if content is not None and last > first:
            data.raw(memoryview(content)[first:last])
    walker.out += sizes.digest() + data.digest()


def _extent(chunk: Any) -> tuple[int, int, memoryview]:
    """Where the texts of a chunk begin and end in its buffer, and how long each one is."""
    width = 8 if str(chunk.type).startswith("large") else 4
    offsets = memoryview(chunk.buffers()[1])[chunk.offset * width : (chunk.offset + len(chunk) + 1) * width]
    bounds = offsets.cast("q" if width == 8 else "i")
    compute = sys.modules["pyarrow.compute"]
    lengths = compute.binary_length(chunk).cast("int64")
    return bounds[0], bounds[-1], _bytes_of(lengths, 8)


def _lists(walker: Walker, kind: Any, chunks: list[Any]) -> None:
    stream = Stream()
    subtract = sys.modules["pyarrow.compute"].subtract
    for chunk in chunks:
        if type(kind).__name__ != "FixedSizeListType" and len(chunk):
            offsets = chunk.offsets
            lengths = subtract(offsets.slice(1), offsets.slice(0, len(chunk)))
            stream.raw(_bytes_of(lengths.cast("int64"), 8))
    walker.out += stream.digest()
    if type(kind).__name__ == "MapType":
        for name, inner in (("keys", kind.key_type), ("items", kind.item_type)):
            column(walker, inner, [_entries(chunk, name) for chunk in chunks])
    else:
        column(walker, kind.field(0).type, [chunk.flatten() for chunk in chunks])


def _entries(chunk: Any, name: str) -> Any:
    """Keys or items of the maps of a chunk; pyarrow gives those of the whole buffer."""
    first, last = (chunk.offsets[at].as_py() for at in (0, len(chunk))) if len(chunk) else (0, 0)
    return getattr(chunk, name).slice(first, last - first)


def _struct(walker: Walker, kind: Any, chunks: list[Any]) -> None:
    parts = [chunk.flatten() for chunk in chunks]
    for at in range(kind.num_fields):
        column(walker, kind.field(at).type, [part[at] for part in parts])


def _dictionary(walker: Walker, chunks: list[Any]) -> None:
    pyarrow = sys.modules["pyarrow"]
    if len(chunks) > 1:
        chunks = pyarrow.chunked_array(chunks).unify_dictionaries().chunks
    indices = [chunk.indices.cast("int64") for chunk in chunks]
    walker.out += b"1" if indices else b"0"
    if not indices:
        return
    column(walker, indices[0].type, indices)
    dictionary = chunks[0].dictionary
    column(walker, dictionary.type, [dictionary])


def _objects(walker: Walker, chunks: list[Any]) -> None:
    values = [value for chunk in chunks for value in chunk.to_pylist()]
    walker.walk(values)


def _array(walker: Walker, value: Any) -> None:
    walker.tag("pyarrow.Array")
    walker.walk(describe(value.type))
    load_compute()
    column(walker, value.type, [value])


def _chunked(walker: Walker, value: Any) -> None:
    walker.tag("pyarrow.ChunkedArray")
    walker.walk(describe(value.type))
    load_compute()
    column(walker, value.type, value.chunks)


def load_compute() -> None:
    """Make pyarrow load its compute module, which methods of its arrays do on first use."""
    if "pyarrow.compute" not in sys.modules:
        sys.modules["pyarrow"].array([0]).is_valid()


def _schema(walker: Walker, schema: Any) -> None:
    walker.walk([(field.name, field.nullable, describe(field.type)) for field in schema])


def _table(walker: Walker, value: Any) -> None:
    walker.tag(type_name(type(value)))
    _schema(walker, value.schema)
    walker.size(value.num_rows)
    load_compute()
    for field, data in zip(value.schema, value.columns, strict=True):
        column(
            walker, field.type, getattr(data, "chunks", None) or ([] if hasattr(data, "chunks") else [data])
        )


def _type(walker: Walker, value: Any) -> None:
    walker.tag("pyarrow.DataType")
    walker.walk(describe(value))


def _bare_schema(walker: Walker, value: Any) -> None:
    walker.tag("pyarrow.Schema")
    _schema(walker, value)


NAMED.update(
    {
        "pyarrow.lib.Table": _table,
        "pyarrow.lib.RecordBatch": _table,
        "pyarrow.lib.ChunkedArray": _chunked,
        "pyarrow.lib.Schema": _bare_schema,
        "pyarrow.lib.DataType": _type,
    }
)
BASES["pyarrow.lib.Array"] = _array
BASES["pyarrow.lib.DataType"] = _type

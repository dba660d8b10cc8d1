"""One pandas column ↔ one Arrow column and a description from which the dtype is made again."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final

from durable_nb.store.codecs import jsonlike
from durable_nb.store.codecs.arrays import BYTES, NATIVE
from durable_nb.store.codecs.contract import Unsuitable
from durable_nb.store.codecs.parquet import writable

if TYPE_CHECKING:
    import pyarrow

Spec = dict[str, Any]

OBJECTS: Final = {
    str: "large_string",
    bytes: "large_binary",
    bool: "bool",
    int: "int64",
    datetime.date: "date32",
}
"""Types of which a column of objects can consist, besides a kind of missing value."""


def to_arrow(data: Any) -> tuple[Any, Spec]:
    """A NumPy or extension array as an Arrow column; ``Unsuitable`` when something would be lost."""
    import numpy

    if isinstance(getattr(data, "dtype", None), numpy.dtype) or type(data).__name__ == "NumpyExtensionArray":
        return _numpy(data.to_numpy() if hasattr(data, "to_numpy") else data)
    for kind, writer in WRITERS.items():
        if type(data.dtype).__name__ == kind:
            return writer(data)
    if hasattr(data, "_mask") and data.dtype.kind in "iufb":
        return data.__arrow_array__(), {"kind": "masked", "dtype": str(data.dtype)}
    raise Unsuitable(f"a column of dtype {data.dtype}")


def from_arrow(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    """The array that ``to_arrow`` was given."""
    return READERS[spec["kind"]](column, spec)


def _numpy(data: Any) -> tuple[Any, Spec]:
    import pyarrow

    if data.ndim != 1:
        raise Unsuitable("a column of more than one dimension")
    code = data.dtype.str
    if data.dtype.kind == "O":
        return _objects(data)
    if data.dtype.metadata is not None:
        raise Unsuitable("a dtype with metadata")
    if code in NATIVE or code in BYTES:
        return pyarrow.array(data), {"kind": "numpy", "dtype": code}
    if data.dtype.kind in "mM" and code[0] == "<":
        unit = _unit(data.dtype)
        kind = "timestamp" if data.dtype.kind == "M" else "duration"
        return _ticks(data.view("i8"), kind, unit), {"kind": "numpy", "dtype": code}
    raise Unsuitable(f"a column of dtype {data.dtype}")


def _unit(dtype: Any) -> str:
    import numpy

    unit, count = numpy.datetime_data(dtype)
    if count != 1 or unit not in {"s", "ms", "us", "ns"}:
        raise Unsuitable(f"a column of dtype {dtype}")
    return unit


def _ticks(ticks: Any, kind: str, unit: str, zone: str | None = None) -> Any:
    """Times as Arrow times; Parquet has no seconds, which therefore stay numbers."""
    import numpy
    import pyarrow

    array = pyarrow.array(ticks, mask=ticks == numpy.iinfo("i8").min)
    if unit == "s":
        return array
    return array.view(pyarrow.timestamp(unit, zone) if kind == "timestamp" else pyarrow.duration(unit))


def _objects(data: Any) -> tuple[Any, Spec]:
    import pyarrow

    values = data.tolist()
    kinds = set(map(type, values))
    missing = _missing(values, kinds)
    kinds -= {type(None), float} if missing else set()
    if len(kinds) == 1 and (kind := kinds.pop()) in OBJECTS:
        if missing == "nan":
            values = [None if type(value) is float else value for value in values]
        try:
            column = pyarrow.array(values, getattr(pyarrow, OBJECTS[kind].replace("bool", "bool_"))())
        except (pyarrow.ArrowException, UnicodeEncodeError, OverflowError):
            pass  # an integer too large, half a surrogate pair: as JSON below
        else:
            return column, {"kind": "objects", "of": kind.__name__, "missing": missing}
    texts = pyarrow.array([jsonlike.dumps(value) for value in values], pyarrow.large_string())
    return texts, {"kind": "json"}


def _missing(values: list[Any], kinds: set[type]) -> str:
    """The one kind of missing value among objects: ``none``, ``nan``, or none at all."""
    if float not in kinds:
        return "none" if type(None) in kinds else ""
    nans = type(None) not in kinds and all(v != v for v in values if type(v) is float)
    return "nan" if nans else ""


def _string(data: Any) -> tuple[Any, Spec]:
    missing = "nan" if isinstance(data.dtype.na_value, float) else "NA"
    spec = {"kind": "string", "storage": data.dtype.storage, "na": missing}
    return data.__arrow_array__(), spec


def _zoned(data: Any) -> tuple[Any, Spec]:
    dtype = data.dtype
    spec = {"kind": "datetimetz", "unit": dtype.unit, "tz": jsonlike.to_json(dtype.tz)}
    return _ticks(data.asi8, "timestamp", dtype.unit, "UTC"), spec


def _arrow(data: Any) -> tuple[Any, Spec]:
    return data.__arrow_array__(), {"kind": "arrow"}


def _interval(data: Any) -> tuple[Any, Spec]:
    import pyarrow

    left, left_spec = to_arrow(data.left.array)
    right, right_spec = to_arrow(data.right.array)
    spec = {"kind": "interval", "closed": data.closed, "left": left_spec, "right": right_spec}
    return pyarrow.StructArray.from_arrays([_whole(left), _whole(right)], ["left", "right"]), spec


def _whole(column: Any) -> Any:
    """A column as one array."""
    import pyarrow

    if not isinstance(column, pyarrow.ChunkedArray):
        return column
    combined = column.combine_chunks()
    return combined.combine_chunks() if isinstance(combined, pyarrow.ChunkedArray) else combined


def _categorical(data: Any) -> tuple[Any, Spec]:
    import pyarrow

    from durable_nb.store.codecs.pandas_index import index_to_side
    from durable_nb.store.codecs.rehearsal import is_text

    codes = pyarrow.array(data.codes, mask=data.codes == -1)
    spec = {"kind": "category", "ordered": bool(data.ordered), "categories": index_to_side(data.categories)}
    if type(data.categories).__name__ != "Index":
        return codes, spec
    labels, label_spec = to_arrow(data.categories.array)
    labels = _whole(labels)
    if not is_text(labels.type) or label_spec["kind"] == "json" or labels.null_count:
        return codes, spec
    labels = labels.cast(pyarrow.large_string())
    column = pyarrow.DictionaryArray.from_arrays(codes.cast(pyarrow.int32()), labels)
    return column, {**spec, "texts": True}


def _read_categorical(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    import numpy
    import pandas
    import pyarrow
    from pyarrow import compute

    from durable_nb.store.codecs.pandas_index import index_from_side

    categories = index_from_side(spec["categories"])
    dtype = pandas.CategoricalDtype(categories, spec["ordered"])
    if spec.get("texts"):
        column = column.unify_dictionaries()
        found = column.chunk(0).dictionary if column.num_chunks else pyarrow.array([], pyarrow.large_string())
        known = pyarrow.array(categories.astype(object).tolist(), pyarrow.large_string())
        places = compute.index_in(found.cast(pyarrow.large_string()), value_set=known).to_numpy(
            zero_copy_only=False
        )
        codes = pyarrow.chunked_array([c.indices for c in column.chunks], pyarrow.int32())
        numbers = codes.fill_null(len(places)).to_numpy()
        numbers = numpy.append(places, -1).astype(_code_type(len(categories)))[numbers]
    else:
        numbers = column.fill_null(-1).to_numpy()
    return pandas.Categorical.from_codes(numbers, dtype=dtype, validate=False)


def _code_type(count: int) -> str:
    return next(code for code, limit in (("i1", 7), ("i2", 15), ("i4", 31), ("i8", 63)) if count < 1 << limit)


def _read_numpy(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    import numpy

    dtype = numpy.dtype(spec["dtype"])
    if dtype.kind in "mM":
        return _read_ticks(column).view(dtype)
    return writable(column)


def _read_ticks(column: pyarrow.ChunkedArray) -> Any:
    import numpy
    import pyarrow

    ticks = pyarrow.chunked_array([chunk.view(pyarrow.int64()) for chunk in column.chunks], pyarrow.int64())
    if ticks.null_count:
        ticks = ticks.fill_null(numpy.iinfo("i8").min)
    return writable(ticks)


def _read_zoned(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    import pandas

    dtype = pandas.DatetimeTZDtype(spec["unit"], jsonlike.from_json(spec["tz"]))
    times = _read_ticks(column).view(f"M8[{spec['unit']}]")
    return pandas.DatetimeIndex(times, copy=False).tz_localize("UTC").tz_convert(dtype.tz).array


def _read_objects(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    import numpy

    if spec["of"] in {"str", "bytes"}:
        values = column.to_numpy(zero_copy_only=False)
        values = values if values.flags.writeable else values.copy()
    else:
        values = numpy.empty(len(column), object)
        values[:] = column.to_pylist()
    if spec["missing"] == "nan":
        values[column.is_null().to_numpy()] = float("nan")
    return values


def _read_json(column: pyarrow.ChunkedArray, _: Spec) -> Any:
    import numpy

    values = numpy.empty(len(column), object)
    for at, text in enumerate(column.to_pylist()):
        values[at] = jsonlike.loads(text)
    return values


def _read_string(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    import pandas

    dtype: Any = pandas.StringDtype(
        spec["storage"], na_value=pandas.NA if spec["na"] == "NA" else float("nan")
    )
    return dtype.__from_arrow__(column)


def _read_masked(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    import pandas

    dtype: Any = pandas.api.types.pandas_dtype(spec["dtype"])
    return dtype.__from_arrow__(column)


def _read_arrow(column: pyarrow.ChunkedArray, _: Spec) -> Any:
    import pandas

    return pandas.arrays.ArrowExtensionArray(column)


def _read_interval(column: pyarrow.ChunkedArray, spec: Spec) -> Any:
    import pandas

    parts = _whole(column).flatten()
    left, right = (
        from_arrow(_chunked(part), spec[side]) for part, side in zip(parts, ("left", "right"), strict=True)
    )
    return pandas.arrays.IntervalArray.from_arrays(left, right, closed=spec["closed"])


def _chunked(array: Any) -> Any:
    import pyarrow

    return pyarrow.chunked_array([array])


WRITERS: Final = {
    "CategoricalDtype": _categorical,
    "StringDtype": _string,
    "DatetimeTZDtype": _zoned,
    "ArrowDtype": _arrow,
    "IntervalDtype": _interval,
}
READERS: Final = {
    "numpy": _read_numpy,
    "datetimetz": _read_zoned,
    "objects": _read_objects,
    "json": _read_json,
    "string": _read_string,
    "category": _read_categorical,
    "masked": _read_masked,
    "arrow": _read_arrow,
    "interval": _read_interval,
}

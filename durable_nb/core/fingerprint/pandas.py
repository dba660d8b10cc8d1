"""pandas frames, series, indices, extension arrays and scalars.

Content is values, dtypes, labels, names, attrs and flags; blocks and memory layout are not. pandas is reached
through the objects it made, never imported.
"""

from __future__ import annotations

from typing import Any

from durable_nb.core.fingerprint import arrow, numeric
from durable_nb.core.fingerprint.definitions import class_of
from durable_nb.core.fingerprint.objects import instance
from durable_nb.core.fingerprint.walker import BASES, NAMED, Obstacle, Walker


def values(walker: Walker, data: Any) -> None:
    """Add the values of one column or index: a NumPy array or an extension array."""
    if hasattr(data, "to_numpy") and type(data).__name__ == "NumpyExtensionArray":
        data = data.to_numpy()
    if type(data).__module__ == "numpy":
        walker.out += b"n"
        numeric.content(walker, data)
        return
    walker.out += b"e"
    walker.walk(data)


def _frame(walker: Walker, frame: Any) -> None:
    if walker.first(frame):
        walker.tag("pandas.DataFrame")
        _frame_content(walker, frame)


def _frame_content(walker: Walker, frame: Any) -> None:
    walker.part(".columns", frame.columns)
    walker.part(".index", frame.index)
    for label, series in frame.items():
        try:
            values(walker, series.array)
        except Obstacle as obstacle:
            raise obstacle.within(f"[{label!r}]") from None
    _attributes(walker, frame)


def _attributes(walker: Walker, value: Any) -> None:
    walker.walk(value.flags.allows_duplicate_labels)
    walker.part(".attrs", value.attrs)


def _series(walker: Walker, series: Any) -> None:
    if walker.first(series):
        walker.tag("pandas.Series")
        _series_content(walker, series)


def _series_content(walker: Walker, series: Any) -> None:
    walker.part(".name", series.name)
    walker.part(".index", series.index)
    values(walker, series.array)
    _attributes(walker, series)


def _subclass(feed: Any) -> Any:
    def subclass(walker: Walker, value: Any) -> None:
        if not walker.first(value):
            return
        walker.tag("pandas of a class")
        class_of(walker, type(value))
        feed(walker, value)
        for name in sorted({*type(value)._metadata, *_own_attributes(value)} - {"_name", "name"}):
            walker.walk(name)
            walker.part(f".{name}", getattr(value, name, None))

    return subclass


def _own_attributes(value: Any) -> set[str]:
    internal = {"_mgr", "_item_cache", "_attrs", "_flags", "_is_copy", "_name", "_typ", "_metadata"}
    return {name for name in value.__dict__ if name not in internal and not name.startswith("_cache")}


def _index(walker: Walker, index: Any) -> None:
    walker.tag("pandas.Index")
    walker.walk(type(index).__name__)
    walker.part(".name", index.name)
    values(walker, index.array)
    walker.walk(getattr(index, "freqstr", None))


def _range_index(walker: Walker, index: Any) -> None:
    walker.tag("pandas.RangeIndex")
    walker.walk((index.start, index.stop, index.step))
    walker.part(".name", index.name)


def _multi_index(walker: Walker, index: Any) -> None:
    walker.tag("pandas.MultiIndex")
    walker.part(".names", list(index.names))
    walker.size(index.nlevels)
    for level, codes in zip(index.levels, index.codes, strict=True):
        walker.part(".levels", level)
        numeric.content(walker, codes)


def _index_subclass(walker: Walker, index: Any) -> None:
    walker.tag("pandas index of a class")
    class_of(walker, type(index))
    instance(walker, index)


def _categorical(walker: Walker, data: Any) -> None:
    walker.tag("pandas.Categorical")
    walker.walk(data.ordered)
    walker.part(".categories", data.categories)
    numeric.content(walker, data.codes)


def _masked(walker: Walker, data: Any) -> None:
    walker.tag("pandas masked")
    walker.walk(str(data.dtype))
    missing = data._mask
    numeric.content(walker, missing)
    known = data._data
    if missing.any():
        known = known.copy()
        known[missing] = known.dtype.type(0)
    numeric.content(walker, known)


def _string(walker: Walker, data: Any) -> None:
    walker.tag("pandas string")
    dtype = data.dtype
    walker.walk((dtype.storage, dtype.na_value))
    if hasattr(data, "_pa_array"):
        _arrow_texts(walker, data._pa_array)
    else:
        numeric.content(walker, data._ndarray)


def _arrow_texts(walker: Walker, chunked: Any) -> None:
    arrow.load_compute()
    arrow.column(walker, chunked.type, chunked.chunks)


def _arrow_array(walker: Walker, data: Any) -> None:
    walker.tag("pandas arrow")
    walker.walk(data._pa_array)


def _datetimes(walker: Walker, data: Any) -> None:
    walker.tag("pandas times")
    walker.walk(type(data).__name__)
    walker.walk(data.dtype)
    walker.walk(getattr(data, "freqstr", None))
    numeric.content(walker, data.asi8)


def _interval_array(walker: Walker, data: Any) -> None:
    walker.tag("pandas intervals")
    walker.walk(data.closed)
    walker.walk(data.left)
    walker.walk(data.right)


def _sparse(walker: Walker, data: Any) -> None:
    walker.tag("pandas sparse")
    walker.walk(data.fill_value)
    walker.walk((type(data.sp_index).__name__, data.sp_index.length))
    numeric.content(
        walker, data.sp_index.indices if hasattr(data.sp_index, "indices") else data.sp_index.blocs
    )
    if not hasattr(data.sp_index, "indices"):
        numeric.content(walker, data.sp_index.blengths)
    numeric.content(walker, data.sp_values)


def _numpy_backed(walker: Walker, data: Any) -> None:
    walker.tag("pandas numpy")
    numeric.content(walker, data.to_numpy())


def _dtype(walker: Walker, dtype: Any) -> None:
    walker.tag("pandas dtype")
    walker.walk((type(dtype).__name__, str(dtype)))
    for name in (
        "tz",
        "categories",
        "ordered",
        "na_value",
        "storage",
        "freqstr",
        "pyarrow_dtype",
        "fill_value",
    ):
        walker.part(f".{name}", getattr(dtype, name, None))


def _timestamp(walker: Walker, value: Any) -> None:
    walker.tag("pandas.Timestamp")
    walker.walk((value.unit, value.asm8.view("i8").item(), value.fold))
    walker.part(".tz", value.tz)


def _timedelta(walker: Walker, value: Any) -> None:
    walker.tag("pandas.Timedelta")
    walker.walk((value.unit, value.asm8.view("i8").item()))


def _period(walker: Walker, value: Any) -> None:
    walker.tag("pandas.Period")
    walker.walk((value.freqstr, value.ordinal))


def _interval(walker: Walker, value: Any) -> None:
    walker.tag("pandas.Interval")
    walker.walk((value.left, value.right, value.closed))


def _singleton(name: str) -> Any:
    def feed(walker: Walker, _: object) -> None:
        walker.tag(name)

    return feed


def _offset(walker: Walker, value: Any) -> None:
    instance(walker, value, shareable=True)


def _named(feed: Any, *names: str) -> None:
    NAMED.update(dict.fromkeys(names, feed))


def _both(kind: str, feed: Any, module: str) -> None:
    _named(feed, f"pandas.{kind}", f"{module}.{kind}")


_both("DataFrame", _frame, "pandas.core.frame")
_both("Series", _series, "pandas.core.series")
_both("Index", _index, "pandas.core.indexes.base")
_both("RangeIndex", _range_index, "pandas.core.indexes.range")
_both("MultiIndex", _multi_index, "pandas.core.indexes.multi")
for _kind, _module in {
    "DatetimeIndex": "datetimes",
    "TimedeltaIndex": "timedeltas",
    "PeriodIndex": "period",
    "CategoricalIndex": "category",
    "IntervalIndex": "interval",
}.items():
    _both(_kind, _index, f"pandas.core.indexes.{_module}")
for _module, _kinds, _feed in (
    ("categorical", ("Categorical",), _categorical),
    ("integer", ("IntegerArray",), _masked),
    ("floating", ("FloatingArray",), _masked),
    ("boolean", ("BooleanArray",), _masked),
    ("string_", ("StringArray", "StringArrayNumpySemantics"), _string),
    ("string_arrow", ("ArrowStringArray", "ArrowStringArrayNumpySemantics"), _string),
    ("arrow.array", ("ArrowExtensionArray",), _arrow_array),
    ("datetimes", ("DatetimeArray",), _datetimes),
    ("timedeltas", ("TimedeltaArray",), _datetimes),
    ("period", ("PeriodArray",), _datetimes),
    ("interval", ("IntervalArray",), _interval_array),
    ("sparse.array", ("SparseArray",), _sparse),
    ("numpy_", ("NumpyExtensionArray", "PandasArray"), _numpy_backed),
):
    for _kind in _kinds:
        _named(_feed, f"pandas.core.arrays.{_module}.{_kind}", f"pandas.arrays.{_kind}", f"pandas.{_kind}")
_named(_timestamp, "pandas.Timestamp", "pandas._libs.tslibs.timestamps.Timestamp")
_named(_timedelta, "pandas.Timedelta", "pandas._libs.tslibs.timedeltas.Timedelta")
_named(_period, "pandas.Period", "pandas._libs.tslibs.period.Period")
_named(_interval, "pandas.Interval", "pandas._libs.interval.Interval")
_named(_singleton("NaT"), "pandas._libs.tslibs.nattype.NaTType", "pandas.NaTType")
_named(_singleton("NA"), "pandas._libs.missing.NAType", "pandas.api.typing.NAType")
BASES["pandas.DataFrame"] = BASES["pandas.core.frame.DataFrame"] = _subclass(_frame_content)
BASES["pandas.Series"] = BASES["pandas.core.series.Series"] = _subclass(_series_content)
BASES["pandas.Index"] = BASES["pandas.core.indexes.base.Index"] = _index_subclass
BASES["pandas._libs.tslibs.offsets.BaseOffset"] = _offset
BASES["pandas.core.dtypes.base.ExtensionDtype"] = BASES["pandas.api.extensions.ExtensionDtype"] = _dtype

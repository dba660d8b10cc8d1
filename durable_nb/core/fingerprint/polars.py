"""polars frames, series, lazy frames and dtypes.

Content is names, dtypes and values; chunks are not. polars hands its columns out as Arrow arrays.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from durable_nb.core.fingerprint import arrow
from durable_nb.core.fingerprint.walker import BASES, NAMED, Walker

FOREIGN: Final = ("Object", "Int128", "UInt128")
"""Parts of dtypes that Arrow lacks."""


def _frame(walker: Walker, frame: Any) -> None:
    if not walker.first(frame):
        return
    walker.tag("polars.DataFrame")
    walker.size(frame.height)
    walker.size(frame.width)
    for column in frame.get_columns():
        walker.part(f"[{column.name!r}]", column)


def _series(walker: Walker, series: Any) -> None:
    walker.tag("polars.Series")
    walker.walk(series.name)
    walker.walk(series.dtype)
    values(walker, series)


def values(walker: Walker, series: Any) -> None:
    """Add the values of one column; name and dtype were added before."""
    if any(name in repr(series.dtype) for name in FOREIGN):
        objects = series.to_list()
        walker.walk(objects)
        return
    texts = _texts(series.dtype)
    data = (series if texts == series.dtype else series.cast(texts)).to_arrow()
    arrow.load_compute()
    chunks = getattr(data, "chunks", None)
    arrow.column(walker, data.type, [data] if chunks is None else chunks)


def _texts(dtype: Any) -> Any:
    """A dtype with texts in place of categories, whose numbers depend on the process."""
    kind, polars = type(dtype).__name__, sys.modules["polars"]
    if kind in {"Categorical", "Enum"}:
        return polars.String
    if kind == "List":
        return polars.List(_texts(dtype.inner))
    if kind == "Array":
        return polars.Array(_texts(dtype.inner), dtype.size)
    if kind == "Struct":
        return polars.Struct({field.name: _texts(field.dtype) for field in dtype.fields})
    return dtype


def _describe(dtype: Any) -> Any:
    """A dtype as plain values: everything that makes two dtypes different."""
    kind = type(dtype).__name__
    if isinstance(dtype, type):
        return ("class", repr(dtype))
    if kind == "Enum":
        return (kind, dtype.categories.to_list())
    if kind == "List":
        return (kind, _describe(dtype.inner))
    if kind == "Array":
        return (kind, dtype.size, _describe(dtype.inner))
    if kind == "Struct":
        return (kind, [(field.name, _describe(field.dtype)) for field in dtype.fields])
    return (kind, repr(dtype))


def _lazy(walker: Walker, frame: Any) -> None:
    if walker.first(frame):
        walker.tag("polars.LazyFrame")
        walker.walk(frame.__getstate__())


def _dtype(walker: Walker, dtype: Any) -> None:
    walker.tag("polars.DataType")
    walker.walk(_describe(dtype))


NAMED.update(
    {
        "polars.dataframe.frame.DataFrame": _frame,
        "polars.series.series.Series": _series,
        "polars.lazyframe.frame.LazyFrame": _lazy,
    }
)
BASES["polars.datatypes.classes.DataType"] = _dtype

"""A pandas index ↔ Arrow columns and a description.

Row indices become columns of the file; column labels, categories and levels are small and go into the
description, as an Arrow stream in base64.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from durable_nb.store.codecs import jsonlike
from durable_nb.store.codecs.contract import Unsuitable
from durable_nb.store.codecs.pandas_columns import from_arrow, to_arrow

if TYPE_CHECKING:
    import pyarrow

Spec = dict[str, Any]

SIMPLE = frozenset({"Index", "DatetimeIndex", "TimedeltaIndex", "CategoricalIndex", "IntervalIndex"})


def index_to_arrow(index: Any) -> tuple[list[Any], Spec]:
    """An index as columns, none for a range, one for each level of a MultiIndex."""
    kind = type(index).__name__
    if type(index).__module__.partition(".")[0] != "pandas":
        raise Unsuitable(f"an index of {type(index).__qualname__}")
    if kind == "RangeIndex":
        bounds = [index.start, index.stop, index.step]
        return [], {"kind": kind, "range": bounds, "name": jsonlike.to_json(index.name)}
    if kind == "MultiIndex":
        return _multi(index)
    if kind not in SIMPLE:
        raise Unsuitable(f"an index of {kind}")
    column, spec = to_arrow(index.array)
    freq = getattr(index, "freqstr", None)
    return [column], {"kind": kind, "data": spec, "name": jsonlike.to_json(index.name), "freq": freq}


def _multi(index: Any) -> tuple[list[Any], Spec]:
    import pyarrow

    codes = [pyarrow.array(codes) for codes in index.codes]
    return codes, {
        "kind": "MultiIndex",
        "names": [jsonlike.to_json(name) for name in index.names],
        "levels": [index_to_side(level) for level in index.levels],
    }


def index_from_arrow(columns: list[pyarrow.ChunkedArray], spec: Spec) -> Any:
    """The index that ``index_to_arrow`` was given."""
    import pandas

    kind = spec["kind"]
    if kind == "RangeIndex":
        start, stop, step = spec["range"]
        return pandas.RangeIndex(start, stop, step, name=jsonlike.from_json(spec["name"]))
    if kind == "MultiIndex":
        levels = [index_from_side(side) for side in spec["levels"]]
        names = [jsonlike.from_json(name) for name in spec["names"]]
        codes = [column.to_numpy() for column in columns]
        return pandas.MultiIndex(levels, codes, names=names, verify_integrity=False)
    data = from_arrow(columns[0], spec["data"])
    name = jsonlike.from_json(spec["name"])
    if kind in {"DatetimeIndex", "TimedeltaIndex"}:
        return getattr(pandas, kind)(data, name=name, freq=spec["freq"])
    if kind == "Index":
        return pandas.Index(data, dtype=data.dtype, name=name)
    return getattr(pandas, kind)(data, name=name)


def index_to_side(index: Any) -> Spec:
    """A small index wholly as JSON."""
    import pyarrow

    columns, spec = index_to_arrow(index)
    table = pyarrow.table({str(at): column for at, column in enumerate(columns)})
    if not columns:
        return spec
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {**spec, "arrow": base64.b64encode(sink.getvalue()).decode("ascii")}


def index_from_side(spec: Spec) -> Any:
    """The index that ``index_to_side`` was given."""
    import pyarrow

    if "arrow" not in spec:
        return index_from_arrow([], spec)
    data = base64.b64decode(spec["arrow"])
    table = pyarrow.ipc.open_stream(pyarrow.BufferReader(data)).read_all()
    return index_from_arrow(table.columns, spec)

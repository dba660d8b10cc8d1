"""pandas frames, series and indices as Parquet columns under their own names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from durable_nb.store.codecs import jsonlike
from durable_nb.store.codecs.arrow_tables import column_names
from durable_nb.store.codecs.contract import CodecContext, Content
from durable_nb.store.codecs.pandas_columns import from_arrow, to_arrow
from durable_nb.store.codecs.pandas_index import (
    index_from_arrow,
    index_from_side,
    index_to_arrow,
    index_to_side,
)
from durable_nb.store.codecs.rehearsal import through_parquet

if TYPE_CHECKING:
    import pyarrow


class PandasCodec:
    """Whatever consists of columns that Arrow has; dtypes, index and labels are described beside them."""

    name = "pandas"

    def accepts(self, value: object) -> bool:
        """Whether it is exactly a frame, series or index, and pandas therefore loaded."""
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return False
        return type(value) in (pandas.DataFrame, pandas.Series) or (
            isinstance(value, pandas.Index) and type(value).__module__.partition(".")[0] == "pandas"
        )

    def encode(self, value: Any, context: CodecContext) -> Content:
        """Columns and index as Arrow columns."""
        import pandas

        if isinstance(value, pandas.DataFrame):
            return _encode_frame(value)
        if isinstance(value, pandas.Series):
            return _encode_series(value)
        columns, spec = index_to_arrow(value)
        labels = list(value.names) if len(columns) > 1 else [value.name]
        return Content(_table(columns, labels, []), {"shape": "index", "index": spec})

    def decode(self, table: pyarrow.Table, layout: dict[str, Any], context: CodecContext) -> Any:
        """The frame, series or index again."""
        return {"frame": _decode_frame, "series": _decode_series, "index": _decode_index}[layout["shape"]](
            table, layout
        )

    def rehearse(self, content: Content, context: CodecContext) -> Any:
        """Through a real file in memory, unless Parquet is known to keep all of it."""
        return self.decode(through_parquet(content), content.layout, context)


def _encode_frame(frame: Any) -> Content:
    columns, specs = [], []
    for _, series in frame.items():  # noqa: PERF102 - a frame's values() are something else
        column, spec = to_arrow(series.array)
        columns.append(column)
        specs.append(spec)
    index_columns, index = index_to_arrow(frame.index)
    layout = {
        "shape": "frame",
        "rows": len(frame),
        "columns": specs,
        "labels": _labels(frame.columns),
        "index": index,
        **_attributes(frame),
    }
    return Content(_table(columns + index_columns, list(frame.columns), list(frame.index.names)), layout)


def _labels(labels: Any) -> dict[str, Any]:
    return index_to_side(labels)


def _encode_series(series: Any) -> Content:
    column, spec = to_arrow(series.array)
    index_columns, index = index_to_arrow(series.index)
    layout = {
        "shape": "series",
        "column": spec,
        "name": jsonlike.to_json(series.name),
        "index": index,
        **_attributes(series),
    }
    return Content(_table([column, *index_columns], [series.name], list(series.index.names)), layout)


def _attributes(value: Any) -> dict[str, Any]:
    return {
        "attrs": jsonlike.to_json(dict(value.attrs)),
        "duplicates": bool(value.flags.allows_duplicate_labels),
    }


def _table(columns: list[Any], labels: list[Any], index_names: list[Any]) -> pyarrow.Table:
    import pyarrow

    missing = len(columns) - len(labels)
    index_labels = [
        name if isinstance(name, str) else f"index_{at}" for at, name in enumerate(index_names[:missing])
    ]
    names = column_names(
        [str(label) if not isinstance(label, str) else label for label in labels] + index_labels
    )
    if not columns:
        return pyarrow.table({})
    return pyarrow.table(columns, names=names[: len(columns)])


def _decode_frame(table: pyarrow.Table, layout: dict[str, Any]) -> Any:
    import pandas

    specs = layout["columns"]
    index = index_from_arrow(table.columns[len(specs) :], layout["index"])
    data = {
        at: pandas.Series(from_arrow(column, spec), index=index, dtype=_kept_dtype(spec), copy=False)
        for at, (column, spec) in enumerate(zip(table.columns, specs, strict=False))
    }
    frame = pandas.DataFrame(data, index=index, copy=False)
    frame.columns = index_from_side(layout["labels"])
    return _with_attributes(frame, layout)


def _kept_dtype(spec: dict[str, Any]) -> Any:
    """Pandas turns a column of text objects into ``str`` unless told not to."""
    return object if spec["kind"] in {"objects", "json"} else None


def _decode_series(table: pyarrow.Table, layout: dict[str, Any]) -> Any:
    import pandas

    spec = layout["column"]
    index = index_from_arrow(table.columns[1:], layout["index"])
    name = jsonlike.from_json(layout["name"])
    data = from_arrow(table.column(0), spec)
    return _with_attributes(
        pandas.Series(data, index=index, dtype=_kept_dtype(spec), name=name, copy=False), layout
    )


def _decode_index(table: pyarrow.Table, layout: dict[str, Any]) -> Any:
    return index_from_arrow(table.columns, layout["index"])


def _with_attributes(value: Any, layout: dict[str, Any]) -> Any:
    value.attrs.update(jsonlike.from_json(layout["attrs"]))
    if not layout["duplicates"]:
        value.flags.allows_duplicate_labels = False
    return value

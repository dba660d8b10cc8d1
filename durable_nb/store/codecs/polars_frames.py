"""polars frames and series, through the Arrow columns that polars hands out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from durable_nb.store.codecs.arrow_tables import column_names
from durable_nb.store.codecs.contract import CodecContext, Content, Unsuitable
from durable_nb.store.codecs.rehearsal import through_parquet

if TYPE_CHECKING:
    import pyarrow


def _from_arrow(table: pyarrow.Table) -> Any:
    import polars

    try:
        return polars.from_arrow(table)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # polars gives up on damaged text beyond Exception
            raise
        raise ValueError(f"polars cannot read it: {error}") from error


class PolarsCodec:
    """Frames and series of any dtype that Arrow has."""

    name = "polars"

    def accepts(self, value: object) -> bool:
        """Whether it is exactly a frame or series, and polars therefore loaded."""
        polars = sys.modules.get("polars")
        return polars is not None and type(value) in (polars.DataFrame, polars.Series)

    def encode(self, value: Any, context: CodecContext) -> Content:
        """The columns under their own names."""
        import polars

        shape = type(value).__name__
        frame = value if shape == "DataFrame" else value.to_frame()
        if polars.Object in frame.dtypes:
            raise Unsuitable("a column of Python objects")
        names = column_names(frame.columns)
        table = frame.to_arrow().rename_columns(names)
        return Content(table, {"shape": shape, "names": frame.columns, "height": frame.height})

    def decode(self, table: pyarrow.Table, layout: dict[str, Any], context: CodecContext) -> Any:
        """The frame or series again."""
        frame = _from_arrow(table.rename_columns([f"column_{at}" for at in range(table.num_columns)]))
        frame.columns = layout["names"]
        return frame if layout["shape"] == "DataFrame" else frame.to_series(0)

    def rehearse(self, content: Content, context: CodecContext) -> Any:
        """Through a real file in memory, unless Parquet is known to keep all of it."""
        return self.decode(through_parquet(content), content.layout, context)

"""pyarrow tables, record batches and arrays: Parquet's own kind."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from durable_nb.store.codecs.contract import CodecContext, Content, Unsuitable
from durable_nb.store.codecs.rehearsal import through_parquet

if TYPE_CHECKING:
    import pyarrow


class ArrowCodec:
    """Whatever pyarrow can write to Parquet and read back the same."""

    name = "arrow"

    def accepts(self, value: object) -> bool:
        """Whether it is a table or array of pyarrow."""
        return type(value).__module__ == "pyarrow.lib" and (
            type(value).__name__ in {"Table", "RecordBatch", "ChunkedArray"} or hasattr(value, "null_count")
        )

    def encode(self, value: Any, context: CodecContext) -> Content:
        """The columns under their own names where those are unique."""
        import pyarrow

        if isinstance(value, pyarrow.Table | pyarrow.RecordBatch):
            shape = type(value).__name__
            table = value if shape == "Table" else pyarrow.Table.from_batches([value])
        elif isinstance(value, pyarrow.ChunkedArray | pyarrow.Array):
            shape = "ChunkedArray" if isinstance(value, pyarrow.ChunkedArray) else "Array"
            table = pyarrow.table({"value": value})
        else:
            raise Unsuitable(f"{type(value).__name__} is no table")
        schema = base64.b64encode(table.schema.serialize()).decode("ascii")
        names = column_names(table.column_names)
        return Content(
            pyarrow.table(table.columns, schema=_renamed(table.schema, names)),
            {"shape": shape, "schema": schema},
        )

    def decode(self, table: pyarrow.Table, layout: dict[str, Any], context: CodecContext) -> Any:
        """The table again, with its schema metadata."""
        import pyarrow

        schema = pyarrow.ipc.read_schema(pyarrow.BufferReader(base64.b64decode(layout["schema"])))
        table = pyarrow.table(table.columns, schema=schema)
        shape = layout["shape"]
        if shape == "Table":
            return table
        if shape == "RecordBatch":
            return _one_batch(table)
        return table.column(0) if shape == "ChunkedArray" else _one_array(table.column(0))

    def rehearse(self, content: Content, context: CodecContext) -> Any:
        """Through a real file in memory, unless Parquet is known to keep all of it."""
        return self.decode(through_parquet(content), content.layout, context)


def column_names(labels: list[Any]) -> list[str]:
    """A unique, non-empty name for each column: its own label where that is possible."""
    names: list[str] = []
    used = {label for label in labels if isinstance(label, str)}
    for at, label in enumerate(labels):
        name = label if isinstance(label, str) and label and label not in names else f"column_{at}"
        while name != label and name in used:
            name += "_"
        used.add(name)
        names.append(name)
    return names


def _renamed(schema: pyarrow.Schema, names: list[str]) -> pyarrow.Schema:
    import pyarrow

    fields = [field.with_name(name).remove_metadata() for field, name in zip(schema, names, strict=True)]
    return pyarrow.schema(fields)


def _one_array(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    import pyarrow

    combined = column.combine_chunks()
    return combined.combine_chunks() if isinstance(combined, pyarrow.ChunkedArray) else combined


def _one_batch(table: pyarrow.Table) -> pyarrow.RecordBatch:
    import pyarrow

    return pyarrow.RecordBatch.from_arrays([_one_array(c) for c in table.columns], schema=table.schema)

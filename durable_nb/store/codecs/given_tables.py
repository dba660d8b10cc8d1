"""Tables that a person gives as Parquet files, in the form that the notebook's library has."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from durable_nb.core.errors import UsageError


def read_table(path: Path, like: str = "") -> Any:
    """The table in a Parquet file, as a frame.

    Args:
        path: The file.
        like: Qualified name of the type wanted: of polars, of pyarrow, else a pandas frame is made.

    Raises:
        UsageError: The library is not installed here.
        ValueError: The file is no Parquet file.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    library = like.partition(".")[0]
    try:
        if library == "polars":
            return import_module("polars").from_arrow(table)
        return table if library == "pyarrow" else table.to_pandas()
    except ModuleNotFoundError as error:
        raise UsageError(f"{path}: to give a table {error.name} is needed here; install it") from error

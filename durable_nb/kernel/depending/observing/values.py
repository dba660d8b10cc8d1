"""Files behind values that read them only when they are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def files_behind(value: object) -> Iterator[str]:
    """The paths, URLs or folders that a lazy value of a library will read; nothing for any other value."""
    cls = type(value)
    library = cls.__module__.partition(".")[0]
    if library == "polars" and cls.__name__ == "LazyFrame":
        yield from _scanned(value)
    elif library == "pyarrow" and isinstance(files := getattr(value, "files", None), list):
        yield from files
    elif library == "pyarrow" and cls.__name__ == "UnionDataset":
        for child in getattr(value, "children", ()):
            yield from files_behind(child)


def _scanned(frame: Any) -> Iterator[str]:
    plan = frame._ldf.visit()
    waiting = [plan.get_node()]
    while waiting:
        plan.set_node(waiting.pop())
        yield from (str(path) for path in getattr(plan.view_current_node(), "paths", None) or ())
        waiting += plan.get_inputs()

"""One cell of a notebook, as a file or a front end has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_SKIPPED = "skip-execution"


class NotebookCell(NamedTuple):
    """A cell of any kind, in its place among the others."""

    kind: str
    """``code``, ``markdown`` or ``raw``."""
    source: str
    tags: Sequence[str] = ()
    cell_id: str = ""
    """The front end's id of it; empty where nothing tells it."""


def is_skipped(cell: NotebookCell) -> bool:
    """Whether engines leave the cell out, because of its tag."""
    return _SKIPPED in cell.tags

"""The cell at the top of an output notebook that says what a run that went on after a failure has left."""

from __future__ import annotations

from collections.abc import Mapping

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from durable_nb.batch.cell_status import OURS
from durable_nb.batch.ended import Ended, name_of
from durable_nb.batch.steps import DeclaredStep
from durable_nb.core.model import State

_REMOVED_BY_PAPERMILL = "papermill-error-cell-tag"
"""papermill takes cells with this tag out of a notebook before it executes it again."""
_ORDER = (State.FAILED, State.WAITING, State.BLOCKED, State.INTERRUPTED, State.REUSED, State.COMPLETED)


def summary_cell(nb: NotebookNode, steps: Mapping[int, DeclaredStep], ended: Ended) -> NotebookNode:
    """What failed, what is blocked by that, and what is done, by the names of steps and numbers of cells."""
    found: dict[str, list[str]] = {}
    for index, known in enumerate(nb.cells):
        if OURS in known.metadata:
            found.setdefault(known.metadata[OURS]["state"], []).append(name_of(index, steps))
    lines = [f"**This run is {ended.state}.** The same command goes on from here.", ""]
    lines += [f"- {state}: {_listed(found[state])}" for state in _ORDER if state in found]
    cell: NotebookNode = new_markdown_cell("\n".join(lines))
    cell.metadata["tags"] = [_REMOVED_BY_PAPERMILL]
    return cell


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" if name.isidentifier() else name for name in names)

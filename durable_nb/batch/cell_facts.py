"""What the store and the code say of a notebook's cells before they run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from nbformat import NotebookNode

from durable_nb.batch.steps import DeclaredStep, is_executable
from durable_nb.core.independence import CellFacts, facts_of_plain, facts_of_step, imported_names
from durable_nb.core.model import Trace
from durable_nb.store.store import Store

_MOST_TRACES = 20
"""Traces of one step that are looked at, newest first, for one that the present code has left."""


def facts_of_cells(nb: NotebookNode, steps: Mapping[int, DeclaredStep], store: Store) -> list[CellFacts]:
    """What is known of each cell that a run executes, in their order.

    Args:
        nb: The notebook.
        steps: Its steps by the index of their cell.
        store: Where their traces are.

    Raises:
        StoreError: The traces cannot be read.
    """

    def traces(step: str) -> Iterator[Trace]:
        return islice(store.traces.latest(step), _MOST_TRACES)

    cells = [(index, cell.source) for index, cell in enumerate(nb.cells) if is_executable(cell)]
    imported = {name for _, source in cells for name in imported_names(source)}
    return [
        facts_of_step(index, steps[index].cell, traces)
        if index in steps
        else facts_of_plain(index, source, imported)
        for index, source in cells
    ]

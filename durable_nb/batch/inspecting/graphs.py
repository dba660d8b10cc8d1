"""The graph of a notebook file, with how its steps stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from durable_nb.batch.reading import cells_of, read_outline
from durable_nb.batch.steps import declared_steps
from durable_nb.core.graphs.graph import Graph, make_graph
from durable_nb.core.model import Trace
from durable_nb.core.planning import plan_cells

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from durable_nb.store.store import Store


def notebook_graph(notebook: Path, store: Store | None = None) -> Graph:
    """Which steps a notebook file has, and what flows between them.

    Args:
        notebook: The file.
        store: Where traces of its steps are; they tell more than the code alone.

    Raises:
        NotebookError: The file is no notebook, or cannot be read.
        UsageError: A step in it that cannot be understood.
    """
    nb = read_outline(notebook)
    declared_steps(nb)  # refuses two cells with one name, as a run does
    latest: Callable[[str], Trace | None] = (
        (lambda _: None) if store is None else (lambda step: next(store.traces.latest(step, limit=1), None))
    )
    return graph_of(str(notebook), nb, latest)


def graph_of(notebook: str, nb: NotebookNode, trace_of: Callable[[str], Trace | None]) -> Graph:
    """The graph of a notebook that was read."""
    return make_graph(notebook, plan_cells(cells_of(nb)), trace_of)

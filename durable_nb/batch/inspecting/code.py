"""The notebook of a run as it was when it ran: its graph, and the code of its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.batch.reading import cells_of, read_outline
from durable_nb.core.cells import read_cell
from durable_nb.core.errors import DamagedError, NotebookError, UsageError
from durable_nb.core.model import Trace
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.store.store import Store

if TYPE_CHECKING:
    from durable_nb.core.graphs.graph import Graph
    from durable_nb.core.planning import PlanCell


def run_cells(store: Store, run_id: str) -> list[NotebookCell] | None:
    """The cells of the notebook that a run executed last; of the file as it is now if the run kept none.

    Returns:
        None where neither is to be had: the file is gone, or what was kept is damaged.
    """
    row = store.ledger.rows("select notebook, notebook_file from runs where run_id = ?", [run_id])[0]
    try:
        if row["notebook_file"]:
            return [_cell(cell) for cell in store.notebooks.get(row["notebook_file"])["cells"]]
        if row["notebook"] and Path(row["notebook"]).is_file():
            return cells_of(read_outline(Path(row["notebook"])))
    except (DamagedError, NotebookError):
        return None
    return None


def step_sources(cells: Iterable[NotebookCell] | None) -> dict[str, str]:
    """Step → its cell as the user wrote it; of cells that can be understood."""
    found: dict[str, str] = {}
    for cell in cells or ():
        step = _step_in(cell.source) if cell.kind == "code" else None
        if step is not None:
            found[step] = cell.source
    return found


def run_graph(store: Store, run_id: str, notebook: str, traces: dict[str, str]) -> Graph:
    """The graph of a run's notebook.

    Args:
        store: Where to look.
        run_id: The whole id.
        notebook: Path of the notebook.
        traces: Step → the trace that the run left or reused.
    """
    from durable_nb.core.graphs.graph import make_graph  # most who ask for the code of steps draw nothing

    def trace_of(step: str) -> Trace | None:
        return store.traces.find(step, traces[step]) if step in traces else None

    return make_graph(notebook, _plan_cells(store, run_id, traces), trace_of)


def _plan_cells(store: Store, run_id: str, traces: dict[str, str]) -> Iterator[PlanCell]:
    from durable_nb.core.planning import plan_cells

    cells = run_cells(store, run_id)
    if cells is not None:
        try:
            yield from list(plan_cells(cells))
        except UsageError:
            cells = None  # the file is another one now; what the run left tells of its steps
        else:
            return
    known = sorted(
        (trace for step, trace_id in traces.items() if (trace := store.traces.find(step, trace_id))),
        key=lambda trace: trace.created_at,
    )
    yield from plan_cells(NotebookCell("code", trace.source) for trace in known)


def _cell(cell: Any) -> NotebookCell:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    tags = list(cell["metadata"].get("tags", []))
    return NotebookCell(cell["cell_type"], text, tags, cell.get("id", ""))


def _step_in(source: str) -> str | None:
    try:
        step = read_cell(source)
    except UsageError:
        return None
    return step.name if step is not None else None

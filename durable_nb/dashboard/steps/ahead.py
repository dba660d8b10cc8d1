"""What would become of the steps if they were run: the plan, of this kernel or of the notebook's file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from durable_nb.core.model import Trace
from durable_nb.core.planning import Plan, PlanCell, plan_cells, with_parameters
from durable_nb.dashboard.steps.drawing import draw
from durable_nb.dashboard.workplace import Workplace
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.saved_notebook import saved_cells
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing import explaining
from durable_nb.kernel.showing.outlook import Outlook
from durable_nb.kernel.turns import in_turn
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class Ahead:
    """A plan, and the cells that it is of."""

    plan: Plan
    cells: tuple[PlanCell, ...]
    note: str
    at: float
    """When it was made, in seconds since the epoch."""
    seconds: float
    """How long that took."""
    graph: Mapping[str, Any] = field(default_factory=dict)

    def cell_of(self, step: str) -> PlanCell | None:
        """The cell of a step."""
        return next((cell for cell in self.cells if cell.step is not None and cell.step.name == step), None)

    def cell_ids(self) -> dict[str, str]:
        """Step → the notebook's id of its cell; of those that have one."""
        found = [(c.step.name, c.cell_id) for c in self.cells if c.step is not None and c.cell_id]
        return dict(reversed(found))


def look_ahead(place: Workplace, values: Mapping[str, Any]) -> Ahead | None:
    """Make a plan of the notebook as it is now; None where there is no notebook to be read.

    Args:
        place: Where the notebook is.
        values: Parameters that hold in place of what their cell says.

    Raises:
        CellRunsError: A cell runs in this kernel.
        UsageError: The notebook, or the marker of a step in it, cannot be understood.
        StoreError: The store cannot be read.
    """
    if place.session is None:
        return _of_file(place.store, place.notebook, values)
    session = place.session
    return in_turn(session, lambda: _of_kernel(session, values))


def plan_of(place: Workplace, ahead: Ahead, cells: Sequence[PlanCell]) -> Plan:
    """What running some of the cells would do now, without those above them.

    Raises:
        CellRunsError: A cell runs in this kernel.
    """
    if place.session is None:
        return ahead.plan
    session = place.session

    def make() -> Plan:
        with unwatched():
            return explaining.outlook(session).plan(ahead.plan.notebook, cells)

    return in_turn(session, make)


def _of_kernel(session: Session, values: Mapping[str, Any]) -> Ahead:
    began = time.time()
    with unwatched():
        found, note = explaining.cells_now(session)
        cells = with_parameters(found, values)
        outlook = explaining.outlook(session)
        plan = outlook.plan(session.run.notebook, cells)
        graph = draw(session.run.notebook, cells, _latest(outlook))
    return Ahead(plan, tuple(cells), note, began, time.time() - began, graph)


def _of_file(store: Store, notebook: str, values: Mapping[str, Any]) -> Ahead | None:
    if not notebook or not Path(notebook).is_file():
        return None
    began = time.time()
    cells = with_parameters(list(plan_cells(saved_cells(notebook))), values)
    outlook = Outlook(store, Path(notebook).parent)
    plan = outlook.plan(notebook, cells)
    note = "of the notebook's file, as a run that is given no parameters"
    return Ahead(
        plan, tuple(cells), note, began, time.time() - began, draw(notebook, cells, _latest(outlook))
    )


def _latest(outlook: Outlook) -> Callable[[str], Trace | None]:
    return lambda step: next(iter(outlook.traces(step)), None)

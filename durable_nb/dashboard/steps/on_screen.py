"""What can be told of the cells on the screen without a plan, and so also while a cell runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from durable_nb.core.marks import marks_of
from durable_nb.core.model import Json
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.core.planning import PlanCell, readable_cells
from durable_nb.kernel.shown_notebook import ShownNotebook


@dataclass(frozen=True, slots=True)
class OnScreen:
    """The notebook on the screen."""

    cells: Sequence[NotebookCell] = ()
    planned: Sequence[PlanCell] = ()
    """Those that running it would run."""
    steps: Mapping[str, PlanCell] = field(default_factory=dict)
    """Step → its cell."""
    marks: Sequence[dict[str, Json]] = ()
    """What is wrong with the cells."""


class ScreenReader:
    """Reads the cells on the screen once for each time that they change.

    Args:
        shown: Tells what they are.
    """

    def __init__(self, shown: ShownNotebook) -> None:
        self._shown = shown
        self._last = OnScreen()

    def read(self) -> OnScreen | None:
        """What there is now; None where no front end shows anything."""
        cells = self._shown.cells()
        if cells is None:
            return None
        if cells is not self._last.cells:
            planned = list(readable_cells(cells))
            steps = {cell.step.name: cell for cell in reversed(planned) if cell.step is not None}
            self._last = OnScreen(cells, planned, steps, [mark.as_json() for mark in marks_of(cells)])
        return self._last

"""What can be told of the cells on the screen without a plan, and so also while a cell runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from durable_nb.core.marks import marks_of
from durable_nb.core.model import Json
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.kernel.shown_notebook import ShownNotebook, declared_in


@dataclass(frozen=True, slots=True)
class OnScreen:
    """The steps on the screen."""

    cells: Sequence[NotebookCell] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    """Step → id of its cell; of several cells with one name the first."""
    marks: Sequence[dict[str, Json]] = ()
    """What is wrong with them."""


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
            ids = {name: cell.cell_id for cell in reversed(cells) if (name := declared_in(cell))}
            self._last = OnScreen(cells, ids, [mark.as_json() for mark in marks_of(cells)])
        return self._last

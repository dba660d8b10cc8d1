"""The notebook as a front end shows it: what stands on the screen, saved or not, and who runs it there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from durable_nb.core.cells import read_cell
from durable_nb.core.errors import DurableError
from durable_nb.core.notebook_cells import NotebookCell

if TYPE_CHECKING:
    from durable_nb.kernel.cell_runners import CellRunner

Look = Callable[[], Sequence[NotebookCell] | None]
"""Gives the cells on the screen; None where no front end shows any."""


def _nothing() -> None:
    return None


class ShownNotebook:
    """What is on the screen, as long as a front end tells; without one the saved file has to do."""

    def __init__(self) -> None:
        self._look: Look = _nothing
        self.runner: CellRunner | None = None
        """Who runs cells on the screen when somebody asks for them elsewhere; None where nobody does."""

    def follow(self, look: Look, runner: CellRunner) -> None:
        """Ask front ends from now on."""
        self._look, self.runner = look, runner

    def let_go(self) -> None:
        """There are none any more."""
        self._look, self.runner = _nothing, None

    def cells(self) -> Sequence[NotebookCell] | None:
        """The cells in their order; None where no front end shows any."""
        return self._look()

    def has(self, cell_id: str) -> bool:
        """Whether a cell with this id is on the screen."""
        return any(cell.cell_id == cell_id for cell in self.cells() or ())


def source_of(cells: Sequence[NotebookCell], step: str) -> str | None:
    """The source of a step among cells; None where it is not there."""
    return next((cell.source for cell in cells if declared_in(cell) == step), None)


def declared_in(cell: NotebookCell) -> str:
    """The name of the step that a cell is; empty where it is none, or its marker is malformed."""
    try:
        found = read_cell(cell.source) if cell.kind == "code" else None
    except DurableError:
        return ""  # told when that cell runs, and by the marks of the notebook
    return found.name if found is not None else ""

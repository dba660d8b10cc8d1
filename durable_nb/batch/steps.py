"""The steps a notebook declares, read before any cell is run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_nb.core.cells import StepCell, read_cell
from durable_nb.core.conflicts import not_above
from durable_nb.core.endings import Ending, find_ending
from durable_nb.core.errors import DuplicateStepError, UsageError

if TYPE_CHECKING:
    from nbformat import NotebookNode

SKIP_TAG = "skip-execution"


@dataclass(frozen=True, slots=True)
class DeclaredStep:
    """A step cell in its notebook."""

    index: int
    """Of the cell in the notebook, from 0."""
    cell_id: str
    cell: StepCell


def declared_steps(nb: NotebookNode) -> dict[int, DeclaredStep]:
    """The notebook's steps by the index of their cell.

    Raises:
        DuplicateStepError: two cells claim one name.
        UsageError: a marker that cannot be understood; the message says in which cell.
    """
    steps: dict[int, DeclaredStep] = {}
    seen: dict[str, int] = {}
    for index, cell in enumerate(nb.cells):
        step = _step_of(cell, index) if is_executable(cell) else None
        if step is None:
            continue
        if step.name in seen:
            raise DuplicateStepError(
                f"cells {seen[step.name] + 1} and {index + 1} both claim the step name {step.name!r}; "
                "expected one cell a name. Rename one of them."
            )
        _check_order(step, index, seen)
        seen[step.name] = index
        steps[index] = DeclaredStep(index, cell.get("id", ""), step)
    return steps


def _check_order(step: StepCell, index: int, before: Collection[str]) -> None:
    for name in step.options.after:
        if name not in before:
            raise UsageError(f"cell {index + 1}: {not_above(step.name, name, before)}")


def is_executable(cell: NotebookNode) -> bool:
    """Whether the cell is code that is to be run in its place in the notebook."""
    return _is_code(cell) and find_ending(cell.source) is None


def ending_cells(nb: NotebookNode, ending: Ending) -> list[int]:
    """The indices of the cells that run at that end of a run."""
    markers = {index: find_ending(cell.source) for index, cell in enumerate(nb.cells) if _is_code(cell)}
    return [index for index, marker in markers.items() if marker is not None and marker.ending is ending]


def _is_code(cell: NotebookNode) -> bool:
    return (
        cell.cell_type == "code"
        and bool(cell.source.strip())
        and SKIP_TAG not in cell.metadata.get("tags", [])
    )


def _step_of(cell: NotebookNode, index: int) -> StepCell | None:
    try:
        return read_cell(cell.source)
    except UsageError as error:
        raise type(error)(f"cell {index + 1}: {error}") from error

"""Who runs cells that are asked for outside of the notebook: a front end that shows them, or the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from durable_nb.kernel import own_requests

if TYPE_CHECKING:
    from durable_nb.kernel.session import Session

OnEnd = Callable[[list[str]], None]
"""Called in another thread with what became of each cell: ``ok``, ``error`` or ``aborted``."""


class CellRunner(Protocol):
    """A front end that can run the cells of its notebook."""

    def __call__(self, cells: Sequence[own_requests.Cell], steps: Sequence[str], on_end: OnEnd) -> bool:
        """Take cells on if they are on its screen; whether it does. Returns at once.

        Args:
            cells: Source and cell id of each, in the order in which they are to run.
            steps: The steps among them.
            on_end: What is called when all have ended.
        """


def run_cells(
    session: Session, cells: Sequence[own_requests.Cell], steps: Sequence[str], on_end: OnEnd
) -> None:
    """Have cells run one after the other, until one fails; returns at once.

    A front end runs the cells of its notebook themselves, so that what they show is under them. Where none
    does, the kernel asks itself.

    Raises:
        UsageError: This is no kernel that can be sent requests.
    """
    runner = session.shown.runner
    if runner is None or not runner(cells, steps, on_end):
        own_requests.run_cells(cells, on_end)

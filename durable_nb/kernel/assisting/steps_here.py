"""The names of steps that somebody may mean."""

from __future__ import annotations

import os
from collections.abc import Sequence

from durable_nb.core.cells import read_leniently
from durable_nb.core.errors import DurableError
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.saved_notebook import saved_cells
from durable_nb.kernel.session import Session


def step_names(session: Session, *, above: str | None = None) -> list[str]:
    """The steps of the notebook, in its order: on the screen; or as saved, then those that ran since.

    Args:
        session: The kernel's session.
        above: Only those above the cell with this source, where it is found, and not its own.
    """
    cells, is_shown = _cells(session)
    sources = [cell.source for cell in cells]
    place = sources.index(above) if above in sources else None
    names = [_name_of(cell.source) for cell in cells[:place] if cell.kind == "code"]
    if place is None and not is_shown:
        names += session.claimed()
    own = _name_of(above) if above is not None else ""
    return [name for name in dict.fromkeys(names) if name and name != own]


def known_steps(session: Session) -> list[str]:
    """The steps of the notebook, then those of which only the store knows."""
    return list(dict.fromkeys([*step_names(session), *_recorded(session)]))


def free_names(session: Session) -> list[str]:
    """Steps that a cell may be again: those that are in no cell; all of them where no screen tells that."""
    _, is_shown = _cells(session)
    known = known_steps(session)
    return [name for name in known if name not in step_names(session)] if is_shown else known


def _cells(session: Session) -> tuple[Sequence[NotebookCell], bool]:
    """The cells of the notebook, and whether they are as the screen shows them."""
    shown = session.shown.cells()
    if shown is not None:
        return shown, True
    notebook = session.run.notebook
    if not notebook or not os.path.exists(notebook):
        return [], False
    try:
        with unwatched():
            return list(saved_cells(notebook)), False
    except DurableError:
        return [], False  # whoever runs something is told that the notebook cannot be read


def _recorded(session: Session) -> list[str]:
    try:
        with unwatched():
            return [report.step for report in session.all_reports()]
    except DurableError:
        return []  # the next step that runs says what is the matter with the store


def _name_of(source: str) -> str:
    step, _ = read_leniently(source)
    return step.name if step is not None else ""

"""A step's cell as it stands now, though it may not have run since it was edited."""

from __future__ import annotations

import ast
import os

from durable_nb.core.cells import read_cell
from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.kernel.saved_notebook import saved_cells
from durable_nb.kernel.session import Session
from durable_nb.kernel.shown_notebook import source_of
from durable_nb.kernel.step_code import StepCode, read_code


def current_step(session: Session, name: str) -> StepCode:
    """The step as its cell stands: on the screen, or in the saved notebook, or as it was run after saving.

    Raises:
        UnknownStepError: Neither the notebook nor this kernel has such a step.
        UsageError: Its cell is no Python, or the notebook cannot be read.
    """
    shown = session.shown.cells()
    on_screen = source_of(shown, name) if shown is not None else None
    if on_screen is not None:
        return _step_of(session, on_screen)
    saved = _saved(session.run.notebook, name) if shown is None else None
    run = session.last_seen(name)
    if run is not None and (saved is None or run[2] >= saved[1]):
        return _step_of(session, run[1])
    if saved is None:
        raise UnknownStepError(_unknown(session, name, is_shown=shown is not None))
    return _step_of(session, saved[0])


def _unknown(session: Session, name: str, *, is_shown: bool) -> str:
    if is_shown:
        return f"no step {name!r} was run in this kernel, and there is none in the notebook on the screen"
    where = f" in {session.run.notebook}" if session.run.notebook else ""
    return (
        f"no step {name!r} was run in this kernel, and there is none{where} as it is saved. "
        "Save the notebook or run the step's cell, then try again"
    )


def _step_of(session: Session, source: str) -> StepCode:
    """The step that a cell's source declares, read as IPython would read it to run it."""
    shell = session.shell
    try:
        tree = ast.parse(shell.transform_cell(source))  # type: ignore[no-untyped-call]
    except SyntaxError as error:
        raise UsageError(f"the cell is no valid Python: {error}") from error
    cell = read_cell(source, tree)
    assert cell is not None, "its marker was seen when it was found"
    return read_code(cell, tree, f"<step {cell.name}>", "")


def _saved(notebook: str, name: str) -> tuple[str, float] | None:
    """The source of a step in the notebook's file, and when that was saved; None where it is not there."""
    if not notebook or not os.path.exists(notebook):
        return None
    source = source_of(list(saved_cells(notebook)), name)
    return None if source is None else (source, os.stat(notebook).st_mtime)

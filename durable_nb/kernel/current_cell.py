"""A step's cell as it stands now, though it may not have run since it was edited."""

from __future__ import annotations

import ast
import os

from durable_nb.core.cells import read_cell
from durable_nb.core.errors import DurableError, UnknownStepError, UsageError
from durable_nb.kernel.saved_notebook import saved_cells
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode, read_code


def current_step(session: Session, name: str) -> StepCode:
    """The step as its cell stands: in the saved notebook, or as it was run later than that was saved.

    Raises:
        UnknownStepError: Neither the saved notebook nor this kernel has such a step.
        UsageError: Its cell is no Python, or the notebook cannot be read.
    """
    saved = _saved(session.run.notebook, name)
    run = session.last_seen(name)
    if run is not None and (saved is None or run[2] >= saved[1]):
        return _step_of(session, run[1])
    if saved is None:
        where = f" in {session.run.notebook}" if session.run.notebook else ""
        raise UnknownStepError(
            f"no step {name!r} was run in this kernel, and there is none{where} as it is saved. "
            "Save the notebook or run the step's cell, then try again"
        )
    return _step_of(session, saved[0])


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
    for kind, source, _ in saved_cells(notebook):
        try:
            cell = read_cell(source) if kind == "code" else None
        except DurableError:
            continue  # another cell's malformed marker is told when that cell runs
        if cell is not None and cell.name == name:
            return source, os.stat(notebook).st_mtime
    return None

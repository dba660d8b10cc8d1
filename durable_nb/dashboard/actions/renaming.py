"""Give a step another name: what it has left so far counts for it; the front end changes its marker."""

from __future__ import annotations

from durable_nb.dashboard.actions.action import Done
from durable_nb.dashboard.actions.desk import Desk
from durable_nb.kernel import renaming as in_kernel
from durable_nb.store import renaming


def rename(desk: Desk, step: str, name: str) -> Done:
    """Rename a step.

    Args:
        desk: What actions work with.
        step: Its name so far.
        name: Its name from now on.

    Returns:
        What was done; the arguments of its ``undo`` say by ``name`` what is to be in the marker again then.

    Raises:
        UsageError: The step cannot have the name: as the store's ``rename`` says.
        StoreError: It could not be written.
    """
    place = desk.place
    if place.session is not None:
        made = in_kernel.rename_step(place.session, step, name, in_kernel.steps_now(place.session))
    else:
        cells = desk.board.ahead.cells if desk.board.ahead is not None else ()
        declared = {cell.step.name for cell in cells if cell.step is not None}
        made = renaming.rename(place.store, step, name, declared=declared, notebook=place.notebook)
    args = {"override_id": made.override_id, "name": step}
    # About no step of the table: it may be asked for before the marker is changed.
    undo = {"do": "undo", "step": "", "args": args}
    return Done(in_kernel.what_counts(place.store, step, name), undo)

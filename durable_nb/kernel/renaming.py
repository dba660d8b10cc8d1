"""``%steps rename``: a step has another name from now on, and what it has left so far counts for it."""

from __future__ import annotations

from durable_nb.core.cells import find_marker
from durable_nb.core.errors import UsageError
from durable_nb.core.overrides import Override
from durable_nb.core.planning import PlanCell
from durable_nb.kernel.accepting import Decision
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing import explaining
from durable_nb.store import renaming
from durable_nb.store.store import Store


def rename(session: Session, words: list[str]) -> Decision:
    """``%steps rename OLD NEW``: keep what the step has left; the marker is changed by the person.

    Raises:
        UsageError: There are other words, or the step cannot have the name: as the store's ``rename`` says.
        StoreError: It could not be written.
    """
    if len(words) != 2 or any(word.startswith("-") for word in words):
        raise UsageError(
            f"%steps rename: found {' '.join(words) or 'nothing'}, expected %steps rename OLD NEW"
        )
    old, new = words
    with unwatched():
        cells = steps_now(session)
        rename_step(session, old, new, cells)
        to_do = [*_marker_to_write(cells.get(old), new), *_afters(cells, old, new)]
        back = f"To go back: %steps rename {new} {old}"
        return Decision(what_counts(session.store, old, new), ending=". ".join([*to_do, back]))


def rename_step(session: Session, old: str, new: str, cells: dict[str, PlanCell]) -> Override:
    """Record that a step has a new name.

    Args:
        session: The kernel's session.
        old: Its name so far.
        new: Its name from now on.
        cells: The steps of the notebook as it stands.

    Raises:
        UsageError: The step cannot have the name: as the store's ``rename`` says.
        StoreError: It could not be written.
    """
    return renaming.rename(
        session.store,
        old,
        new,
        declared=_declared(session, old, new, cells),
        run_id=session.run.run_id,
        notebook=session.run.notebook,
    )


def steps_now(session: Session) -> dict[str, PlanCell]:
    """The steps of the notebook as it stands: name → its cell."""
    cells, _ = explaining.cells_now(session)
    return {cell.step.name: cell for cell in cells if cell.step is not None}


def what_counts(store: Store, old: str, new: str) -> str:
    """What renaming has done, in one line."""
    count = len(store.traces.ids(new))
    results = "its result counts" if count == 1 else f"its {count:,} results count"
    return f"{old} is {new} from now on" + (f": {results} for {new}" if count else "")


def _declared(session: Session, old: str, new: str, cells: dict[str, PlanCell]) -> set[str]:
    """The steps of the notebook; the cell may have run under its new name already, and not be saved."""
    was, now = session.last_seen(old), session.last_seen(new)
    if was is not None and now is not None and was[0] and was[0] == now[0] and was[2] < now[2]:
        return {*cells, new} - {old}
    return set(cells)


def _marker_to_write(cell: PlanCell | None, new: str) -> list[str]:
    marker = find_marker(cell.source) if cell is not None else None
    if marker is None:
        return []
    _, _, options = marker.text.strip().partition(" ")
    start = "%%step" if marker.magic else "# step:"
    return [f"Now write {' '.join(filter(None, [start, new, options.strip()]))} above its cell"]


def _afters(cells: dict[str, PlanCell], old: str, new: str) -> list[str]:
    """Where else the notebook names the step."""
    named = [name for name, c in cells.items() if c.step is not None and old in c.step.options.after]
    return [f"and --after {new} in place of --after {old} in {', '.join(named)}"] if named else []

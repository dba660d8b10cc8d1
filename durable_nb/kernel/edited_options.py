"""Options of a step that a person has changed for this run: how often and how long it is tried."""

from __future__ import annotations

from dataclasses import replace

from durable_nb.core.cells import StepCell
from durable_nb.core.options import Options, parse_options
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.session import Session


def with_edited_options(session: Session, cell: StepCell) -> StepCell:
    """The step with the options that hold in this run."""
    with unwatched():
        edited = session.store.overrides.standing(cell.name).options(session.run.run_id)
    if not edited:
        return cell
    words = [word for name, text in edited.items() if text for word in (f"--{name.replace('_', '-')}", text)]
    parsed = parse_options(words)
    values = {name: getattr(parsed, name) for name in edited if hasattr(Options, name)}
    return replace(cell, options=replace(cell.options, **values))

"""Run all steps that are stale: those that would execute, and those of which that is not known yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from durable_nb.core import plan_words
from durable_nb.core.analysis import analyse
from durable_nb.core.cells import parse_loosely
from durable_nb.core.planning import Decision, PlanCell
from durable_nb.dashboard.actions.action import Arguments, Done, Foretold
from durable_nb.dashboard.actions.desk import Desk
from durable_nb.dashboard.actions.running import ahead_of, begin_cells, foretold, lacking_for
from durable_nb.dashboard.steps.ahead import Ahead

_NOTHING = "no step is stale"


def foretell_run_stale(desk: Desk, _: str, __: Arguments) -> Foretold:
    """What running all stale steps would do."""
    desk.session()
    ahead = ahead_of(desk)
    cells = _stale(desk, ahead)
    if not cells:
        return Foretold(_NOTHING)
    found = foretold(desk, ahead, cells)
    return replace(found, warning="; ".join(filter(None, [found.warning, _not_run(ahead, cells)])))


def run_stale(desk: Desk, _: str, __: Arguments) -> Done:
    """Run all stale steps in the order of the notebook, until one fails."""
    desk.session()
    cells = _stale(desk, ahead_of(desk))
    if not cells:
        return Done(_NOTHING)
    begin_cells(desk, cells)
    after = ", after the cell that runs now" if desk.place.is_busy else ""
    return Done(f"runs {plan_words.listed(_names(cells))}{after}")


def _stale(desk: Desk, ahead: Ahead) -> list[PlanCell]:
    """The cells of stale steps, and of steps that are only to bring back what these need and is not there."""
    wanted = {step.step for step in ahead.plan.steps if step.decision is not Decision.REUSE}
    here = [cell for cell in desk.board.cells() if cell.step is not None]
    steps = set(_names(here))
    while lacking := (lacking_for(desk, ahead, wanted).keys() & steps) - wanted:
        wanted |= lacking
    return [cell for cell in here if cell.step is not None and cell.step.name in wanted]


def _names(cells: Sequence[PlanCell]) -> list[str]:
    return [cell.step.name for cell in cells if cell.step is not None]


def _not_run(ahead: Ahead, cells: Sequence[PlanCell]) -> str:
    """What is to be said of plain cells between the steps: what they make of these stays as it is."""
    wanted = set(_names(cells))
    fresh: set[str] = set()
    """Names that steps bind anew."""
    old: dict[str, str] = {}
    """Name that is made of these in a plain cell → the cell."""
    told: list[str] = []
    for cell in ahead.cells:
        names = analyse(parse_loosely(cell.source if cell.step is None else cell.step.body))
        if cell.step is None and names.reads & (fresh | old.keys()):
            old |= dict.fromkeys(names.writes, f"cell {cell.number}")
        elif cell.step is not None and cell.step.name in wanted:
            told += [old[name] for name in sorted(names.reads & old.keys())]
            fresh |= names.writes
    if not told:
        return ""
    return (
        f"{plan_words.listed(list(dict.fromkeys(told)))} must run in between, and will not, for only steps do"
    )

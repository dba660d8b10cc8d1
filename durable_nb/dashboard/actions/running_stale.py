"""Run all steps that are stale: those that would execute, and those of which that is not known yet."""

from __future__ import annotations

from collections.abc import Collection

from durable_nb.core import plan_words
from durable_nb.core.graphs.graph import name_of
from durable_nb.core.planning import Decision, PlanCell
from durable_nb.dashboard.actions.action import Arguments, Done, Foretold
from durable_nb.dashboard.actions.desk import Desk
from durable_nb.dashboard.actions.running import ahead_of, begin_cells, foretold, lacking_for
from durable_nb.dashboard.steps.ahead import Ahead
from durable_nb.kernel.showing.explaining import outlook

_NOTHING = "no step is stale"


def foretell_run_stale(desk: Desk, _: str, __: Arguments) -> Foretold:
    """What running all stale steps would do."""
    desk.session()
    ahead = ahead_of(desk)
    cells = _stale(desk, ahead)
    return foretold(desk, ahead, cells) if cells else Foretold(_NOTHING)


def run_stale(desk: Desk, _: str, __: Arguments) -> Done:
    """Run all stale steps in the order of the notebook, until one fails."""
    desk.session()
    cells = _stale(desk, ahead_of(desk))
    if not cells:
        return Done(_NOTHING)
    begin_cells(desk, cells)
    after = ", after the cell that runs now" if desk.place.is_busy else ""
    return Done(f"runs {plan_words.listed([name_of(cell) for cell in cells])}{after}")


def _stale(desk: Desk, ahead: Ahead) -> list[PlanCell]:
    """The cells of stale steps, and of what feeds them, so that they do as in a run of the whole notebook.

    That is a step that is up to date and whose results are not in the kernel; and a plain cell that was
    edited since it ran, or that makes something of what other cells among these make anew.
    """
    wanted = {step.step for step in ahead.plan.steps if step.decision is not Decision.REUSE}
    here = [cell for cell in desk.board.cells() if cell.number or cell.step is not None]
    steps = {name_of(cell) for cell in here if cell.step is not None}
    plain = [cell for cell in here if cell.step is None]
    known = outlook(desk.session())
    unrun = {name_of(cell) for cell in plain if not known.has_run(cell)}
    while more := _feeding(desk, ahead, wanted, steps, unrun, {name_of(cell) for cell in plain}) - wanted:
        wanted |= more
    return [cell for cell in here if name_of(cell) in wanted]


def _feeding(
    desk: Desk,
    ahead: Ahead,
    wanted: Collection[str],
    steps: Collection[str],
    unrun: Collection[str],
    plain: Collection[str],
) -> set[str]:
    """What must run so that cells find what they would find in a run of the notebook."""
    flows = [(str(edge["from"]), str(edge["to"])) for edge in ahead.graph.get("edges", ())]
    anew = {user for maker, user in flows if maker in wanted}
    makers = {maker for maker, user in flows if user in wanted and maker in plain}
    lacking = lacking_for(desk, ahead, wanted).keys()
    return (lacking & (set(steps) | set(plain))) | {
        maker for maker in makers if maker in unrun or maker in anew
    }

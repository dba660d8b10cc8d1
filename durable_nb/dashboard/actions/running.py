"""Run steps in this kernel, from their source, and cancel what runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from durable_nb.core import plan_words
from durable_nb.core.errors import UnknownStepError, UsageError
from durable_nb.core.model import State
from durable_nb.core.planning import Decision, Plan, PlanCell
from durable_nb.dashboard.actions.action import Arguments, Done, Foretold
from durable_nb.dashboard.actions.desk import NO_KERNEL, Desk
from durable_nb.dashboard.steps.ahead import Ahead, plan_of
from durable_nb.dashboard.steps.rows import StepSight
from durable_nb.kernel.cell_runners import run_cells
from durable_nb.kernel.own_requests import ABORTED
from durable_nb.kernel.turns import CellRunsError
from durable_nb.store import origin

FAILED = frozenset({State.FAILED, State.INTERRUPTED, State.CANCELLED})
"""States after which one tries again."""


def why_not_run(desk: Desk, sight: StepSight) -> str:
    """What keeps a step from being run here."""
    if not desk.place.here:
        return NO_KERNEL
    if sight.queued:
        return "it is asked for already, and waits for its turn"
    if sight.state is State.RUNNING:
        return "it is running"
    if not desk.board.source(sight.step):
        return "its cell is not known; save the notebook"
    return ""


def why_not_cancel(desk: Desk, sight: StepSight) -> str:
    """What keeps a step from being interrupted."""
    if sight.state is not State.RUNNING:
        return "it does not run"
    process = _process_of(desk, sight)
    if process is None:
        return "its process is on another machine"
    return ""


def foretell_run(desk: Desk, step: str, _: Arguments) -> Foretold:
    """What running one step would do."""
    ahead = ahead_of(desk)
    cell = desk.board.cell_of(step)
    if not _is_forced(desk, step):
        return foretold(desk, ahead, [cell] if cell is not None else [], step)
    planned = desk.board.sight(step).planned
    text = plan_words.foretold([replace(planned, decision=Decision.EXECUTE)] if planned is not None else [])
    waits = "; it waits for the cell that runs now" if desk.place.is_busy else ""
    return Foretold(f"{text or f'executes {step}'}, although it is up to date{waits}", (step,))


def foretell_run_from(desk: Desk, step: str, _: Arguments) -> Foretold:
    """What running a step and all below it would do."""
    ahead = ahead_of(desk)
    return foretold(desk, ahead, _from(desk, step), step)


def foretold(desk: Desk, ahead: Ahead, cells: Sequence[PlanCell], step: str = "") -> Foretold:
    """What running these cells would do, and what they lack.

    Args:
        desk: Where they are run.
        ahead: The plan that they are from.
        cells: Which.
        step: The step that is meant, where nothing can be told of it.
    """
    note = ""
    try:
        plan = plan_of(desk.place, ahead, cells)
    except CellRunsError:
        names = {cell.step.name for cell in cells if cell.step is not None}
        plan = Plan(ahead.plan.notebook, tuple(s for s in ahead.plan.steps if s.step in names))
        note = "it waits for the cell that runs now"
    text = plan_words.foretold(plan.steps) or f"runs {step}"
    plain = sum(cell.step is None for cell in cells)
    if plain:
        text += f"; runs {plain} plain {'cell' if plain == 1 else 'cells'} too"
    executed = tuple(s.step for s in plan.steps if s.decision is not Decision.REUSE)
    return Foretold(f"{text}; {note}" if note else text, executed, warning=_missing(desk, ahead, cells))


def _missing(desk: Desk, ahead: Ahead, cells: Sequence[PlanCell]) -> str:
    """What steps above have not made in this kernel yet."""
    lacking = lacking_for(desk, ahead, {cell.step.name for cell in cells if cell.step is not None})
    if not lacking:
        return ""
    names = ", ".join(dict.fromkeys(name for found in lacking.values() for name in found))
    are = "is" if names.count(",") == 0 else "are"
    return f"{names} {are} not there in this kernel: run {', '.join(lacking)} first, or run from there"


def lacking_for(desk: Desk, ahead: Ahead, made_here: Collection[str]) -> dict[str, list[str]]:
    """Step or cell that is not among those to be run → what these need of it that is not in this kernel."""
    session = desk.place.session
    lacking: dict[str, list[str]] = {}
    if session is None:
        return lacking
    for edge in ahead.graph.get("edges", ()):
        if edge["to"] in made_here and edge["from"] not in made_here:
            absent = [
                name for name in edge["names"] if name.isidentifier() and not session.namespace.has(name)
            ]
            if absent:
                lacking.setdefault(str(edge["from"]), []).extend(absent)
    return lacking


def _is_forced(desk: Desk, step: str) -> bool:
    """Whether somebody who runs a step wants it executed: it has ended well in this kernel, and is there."""
    sight = desk.board.sight(step)
    is_there = sight.state in {State.COMPLETED, State.REUSED} and sight.row.get("run_id") == sight.own_run
    return is_there and sight.stale is not True and not desk.board.declared(step).at_most_once


def run(desk: Desk, step: str, _: Arguments) -> Done:
    """Run one step; execute it where it is up to date in this kernel already."""
    if not _is_forced(desk, step):
        return _run_alone(desk, step)
    desk.session().force(step)
    done = _run_alone(desk, step, lambda: desk.session().force_no_more(step))
    return Done(f"{done.text}, although it is up to date")


def _run_alone(desk: Desk, step: str, not_run: Callable[[], None] = lambda: None) -> Done:
    cell = desk.board.cell_of(step)
    _begin(desk, [(desk.board.source(step), _cell_id(desk, step, cell))], [step], not_run)
    return Done(f"{step} {_begins(desk)}")


def run_from(desk: Desk, step: str, _: Arguments) -> Done:
    """Run a step and all cells below it, until one fails."""
    ahead_of(desk)
    cells = _from(desk, step)
    if not cells:
        raise UnknownStepError(f"the cell of {step!r} is not in the notebook; save it first")
    begin_cells(desk, [cell for cell in cells if cell.number or cell.step is not None])
    return Done(f"{step} and what is below it {_begins(desk)}")


def _from(desk: Desk, step: str) -> Sequence[PlanCell]:
    """The cell of a step and all below it; none where the notebook has no such step."""
    cells = desk.board.cells()
    places = [i for i, cell in enumerate(cells) if cell.step is not None and cell.step.name == step]
    return cells[places[0] :] if places else ()


def run_again(desk: Desk, step: str) -> bool:
    """Run a step if there is a kernel for it, so that what was decided holds at once; whether there is."""
    if desk.place.session is None or not desk.board.source(step):
        return False
    _run_alone(desk, step)
    return True


def cancel(desk: Desk, step: str, _: Arguments) -> Done:
    """Interrupt the process that runs a step, as Ctrl-C does."""
    process = _process_of(desk, desk.board.sight(step))
    if process is None:
        raise UsageError(f"the process that runs {step} is on another machine; interrupt it there")
    try:
        os.kill(process, signal.SIGINT)
    except ProcessLookupError:
        return Done(f"the process that ran {step} has ended")
    except PermissionError as error:
        raise UsageError(f"process {process}, which runs {step}, is another user's") from error
    return Done(f"{step} is interrupted; its attempt leaves nothing behind")


def foretell_cancel(desk: Desk, step: str, _: Arguments) -> Foretold:
    """What an interrupt would do."""
    sight = desk.board.sight(step)
    whole = "" if not sight.is_elsewhere else ", and with it the run that it belongs to"
    return Foretold(f"interrupts {step}{whole}; what its attempt has changed so far is put back")


def _process_of(desk: Desk, sight: StepSight) -> int | None:
    """The process that runs a step on this machine; None where it is on another."""
    if not sight.is_elsewhere:
        return os.getpid()
    run_row = desk.board.facts().recorded.runs.get(str(sight.row.get("run_id"))) or {}
    is_here = run_row.get("host") == origin.host() and run_row.get("pid")
    return int(run_row["pid"]) if is_here else None


def ahead_of(desk: Desk) -> Ahead:
    """The plan of the notebook; made now if there was none.

    Raises:
        UsageError: Nothing tells what the notebook is.
    """
    if desk.board.ahead is None:
        desk.board.look_ahead()
    if desk.board.ahead is None:
        raise UsageError("the notebook's file is not known; save it first")
    return desk.board.ahead


def _cell_id(desk: Desk, step: str, cell: PlanCell | None) -> str:
    """The front end's id of a cell; the file may have another."""
    session = desk.session()
    if cell is not None and cell.cell_id and session.shown.has(cell.cell_id):
        return cell.cell_id
    seen = session.last_seen(step) if step else None
    return seen[0] if seen is not None else ""


def _begins(desk: Desk) -> str:
    return "waits for the cell that runs now" if desk.place.is_busy else "runs"


def begin_cells(desk: Desk, cells: Sequence[PlanCell]) -> None:
    """Have cells run one after the other, until one fails; returns at once.

    Raises:
        UsageError: There is no kernel for that.
    """
    steps = [cell.step.name for cell in cells if cell.step is not None]
    ids = [_cell_id(desk, cell.step.name if cell.step is not None else "", cell) for cell in cells]
    _begin(desk, [(cell.source, cell_id) for cell, cell_id in zip(cells, ids, strict=True)], steps)


def _begin(
    desk: Desk, cells: list[tuple[str, str]], steps: list[str], not_run: Callable[[], None] = lambda: None
) -> None:
    session, board = desk.session(), desk.board
    board.queue(steps)

    def ended(ends: list[str]) -> None:
        board.unqueue(steps)
        if ends[0] == ABORTED:
            not_run()
        desk.changed()

    try:
        run_cells(session, cells, steps, ended)
    except BaseException:
        board.unqueue(steps)
        not_run()
        raise

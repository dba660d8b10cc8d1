"""The one table of actions."""

from __future__ import annotations

from durable_nb.core.model import Json, State
from durable_nb.dashboard.actions import changing, deciding, running, running_stale
from durable_nb.dashboard.actions.action import Action, Arguments, Done, Foretold
from durable_nb.dashboard.actions.desk import Desk
from durable_nb.dashboard.steps.rows import Offer, StepSight


def _always(_: StepSight) -> bool:
    return True


def _never(_: StepSight) -> bool:
    return False


def _foretell_parameters(desk: Desk, _: str, arguments: Arguments) -> Foretold:
    return desk.applied.foretell_undo(desk, arguments)


def _undo_parameters(desk: Desk, _: str, arguments: Arguments) -> Done:
    return desk.applied.undo(desk, arguments)


_TABLE = (
    Action("run", "Run", _always, running.why_not_run, running.foretell_run, running.run),
    Action(
        "retry",
        "Retry",
        lambda sight: sight.state in running.FAILED,
        running.why_not_run,
        running.foretell_run,
        running.run,
    ),
    Action(
        "run_from", "Run from here", _always, running.why_not_run, running.foretell_run_from, running.run_from
    ),
    Action(
        "run_stale",
        "Run stale steps",
        _never,
        lambda _, __: "",
        running_stale.foretell_run_stale,
        running_stale.run_stale,
    ),
    Action(
        "cancel",
        "Cancel",
        lambda sight: sight.state is State.RUNNING,
        running.why_not_cancel,
        running.foretell_cancel,
        running.cancel,
    ),
    Action(
        "resolve_happened",
        "It happened",
        deciding.is_waiting,
        deciding.why_not_resolve,
        deciding.foretell_happened,
        deciding.happened,
    ),
    Action(
        "resolve_again",
        "Run it again",
        deciding.is_waiting,
        deciding.why_not_resolve,
        deciding.foretell_again,
        deciding.again,
    ),
    Action(
        "accept",
        "Accept the edit",
        deciding.is_edited,
        deciding.why_not_accept,
        deciding.foretell_accept,
        deciding.accept,
    ),
    Action(
        "invalidate",
        "Invalidate",
        _always,
        deciding.why_not_invalidate,
        deciding.foretell_invalidate,
        deciding.invalidate,
    ),
    Action(
        "edit_options",
        "Retries and timeout",
        _always,
        changing.why_not_set,
        changing.foretell_options,
        changing.edit_options,
    ),
    Action(
        "set_output",
        "Set an output",
        _always,
        changing.why_not_set,
        changing.foretell_set,
        changing.set_output,
    ),
    Action(
        "restore_value",
        "Restore an older value",
        _never,
        changing.why_not_set,
        changing.foretell_restore,
        changing.restore,
    ),
    Action("undo", "Undo", _never, lambda _, __: "", deciding.foretell_undo, deciding.undo),
    Action("undo_parameters", "Undo", _never, lambda _, __: "", _foretell_parameters, _undo_parameters),
)
ACTIONS = {action.do: action for action in _TABLE}
"""Name → action, in the order in which they are offered. Those that are never offered come from elsewhere:
a list of older values, a message that something was done."""


def offers(desk: Desk) -> Offer:
    """What can be done with a step, as the table of steps lists it."""

    def offer(sight: StepSight) -> list[dict[str, Json]]:
        return [
            {"do": action.do, "title": action.title, "why_not": action.why_not(desk, sight)}
            for action in _TABLE
            if action.applies(sight)
        ]

    return offer

"""Decide about a step's results: invalidate them, accept an edit, say what became of it, take back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_nb.core.errors import UsageError
from durable_nb.core.intents import OPEN, IntentState
from durable_nb.core.model import State
from durable_nb.core.overrides import Override, OverrideKind
from durable_nb.core.planning import Decision
from durable_nb.core.staleness import Cause
from durable_nb.dashboard.actions.action import Arguments, Done, Foretold, undo_of
from durable_nb.dashboard.actions.desk import NO_KERNEL, Desk
from durable_nb.dashboard.actions.running import run_again
from durable_nb.dashboard.steps.rows import StepSight
from durable_nb.kernel import accepting
from durable_nb.kernel.turns import in_turn
from durable_nb.store import decisions, giving, renaming, resolving

_EDITS = frozenset({Cause.CODE, Cause.OPTION, Cause.FUNCTION, Cause.CLASS, Cause.MODULE})


def _facts(desk: Desk) -> dict[str, Any]:
    return {"run_id": desk.place.own_run, "notebook": desk.place.notebook}


# Invalidating.


def why_not_invalidate(_: Desk, sight: StepSight) -> str:
    """What keeps the results of a step from being invalidated."""
    is_known = sight.row.get("trace_id") or (sight.planned is not None and sight.planned.seconds is not None)
    return "" if is_known else "it has no results yet"


def foretell_invalidate(desk: Desk, step: str, _: Arguments) -> Foretold:
    """What invalidating would do."""
    standing = desk.board.standing(step)
    count = sum(trace not in standing.invalidated for trace in desk.place.store.traces.ids(step))
    results = "its result" if count == 1 else f"its {count:,} results"
    return Foretold(f"{step} does not reuse {results} any more: its next run executes", (step,), undo=True)


def invalidate(desk: Desk, step: str, _: Arguments) -> Done:
    """Do not reuse what a step has left so far."""
    made = decisions.invalidate(desk.place.store, step, **_facts(desk))
    count = len(made.traces)
    results = "1 result" if count == 1 else f"{count:,} results"
    return Done(f"{results} of {step} invalidated", undo_of(made.override_id, step))


# Accepting an edit.


def is_edited(sight: StepSight) -> bool:
    """Whether code differs from what made the last result."""
    planned = sight.planned
    if planned is None or sight.ended_since or planned.decision is Decision.REUSE:
        return False
    return any(reason.cause in _EDITS for reason in planned.reasons)


def why_not_accept(desk: Desk, sight: StepSight) -> str:
    """What keeps an edit from being accepted."""
    if not desk.place.here:
        return NO_KERNEL
    return "" if is_edited(sight) else "no code differs from what made its last result"


def foretell_accept(desk: Desk, step: str, _: Arguments) -> Foretold:
    """What accepting would do."""
    planned = desk.board.sight(step).planned
    words = ", ".join(reason.text for reason in planned.reasons) if planned is not None else ""
    return Foretold(f"{step} reuses its last result, although {words or 'its code was edited'}", undo=True)


def accept(desk: Desk, step: str, _: Arguments) -> Done:
    """The edit of a step does not change its result."""
    session = desk.session()
    decided = in_turn(session, lambda: accepting.accept_edit(session, step))
    return Done(decided.view.headline, undo_of(decided.override.override_id, step))


# At most once.


def is_waiting(sight: StepSight) -> bool:
    """Whether a person has to say what became of a step."""
    return sight.state is State.WAITING


def why_not_resolve(desk: Desk, sight: StepSight) -> str:
    """What keeps a person from saying what became of a step."""
    if sight.state is State.WAITING:
        return ""
    intents = resolving.operations(desk.place.store, sight.step) if sight.row.get("options") else []
    waits = any(intent.at_most_once and intent.state in OPEN for intent in intents)
    return "" if waits else "it does not wait for a decision"


def foretell_happened(desk: Desk, step: str, arguments: Arguments) -> Foretold:
    """What saying that it happened would do."""
    intent = resolving.find(desk.place.store, step)
    values = arguments.get("values") or {}
    lacking = tuple(name for name in intent.facts.binds if name not in values)
    warning = f"the value of {', '.join(lacking)} stays unknown" if lacking else ""
    known = resolving.what_is_known(intent)
    return Foretold(f"{step} counts as done, and is not run again; {known}", warning=warning, wants=lacking)


def foretell_again(desk: Desk, step: str, _: Arguments) -> Foretold:
    """What saying that it is to be run again would do."""
    known = resolving.what_is_known(resolving.find(desk.place.store, step))
    return Foretold(f"{step} runs again, perhaps for the second time; {known}", (step,))


def happened(desk: Desk, step: str, arguments: Arguments) -> Done:
    """What a step does at most once was done."""
    given = arguments.get("values") or {}
    values = {name: giving.value_of_text(text) for name, text in texts(given).items()}
    return _resolved(desk, step, values, happened=True)


def again(desk: Desk, step: str, _: Arguments) -> Done:
    """What a step does at most once shall be done again."""
    return _resolved(desk, step, {}, happened=False)


def _resolved(desk: Desk, step: str, values: Mapping[str, Any], *, happened: bool) -> Done:
    decided = resolving.resolve(desk.place.store, step, happened=happened, values=values)
    assert decided.state in {IntentState.HAPPENED, IntentState.AGAIN}
    runs = "; it runs now" if run_again(desk, step) else "; its next run goes on from there"
    return Done(resolving.in_words(decided) + runs)


def texts(values: object) -> dict[str, str]:
    """Name → text, as a front end sends them.

    Raises:
        UsageError: They are something else.
    """
    if not isinstance(values, Mapping) or not all(isinstance(v, str) for v in values.values()):
        raise UsageError(f"found {values!r}, expected names with their values as texts")
    return {str(name): value for name, value in values.items()}


# Taking back.


def undo(desk: Desk, step: str, arguments: Arguments) -> Done:
    """A decision does not hold any more."""
    decided = _decision(desk, step, arguments)
    step = decided.step
    facts = {"run_id": decided.run_id, "notebook": desk.place.notebook, "undoes": decided.override_id}
    if decided.kind is OverrideKind.RENAME:
        facts.pop("undoes")
        renaming.take_back(desk.place.store, decided, **facts)
    else:
        decisions.decide(desk.place.store, OverrideKind.UNDO, step, **facts)
    bound = decided.kind is OverrideKind.SET and run_again(desk, step)
    back = f"; {step} brings back what it made" if bound else ""
    return Done(f"taken back for {step}: {_WORDS.get(decided.kind, decided.kind.value)}{back}")


def foretell_undo(desk: Desk, step: str, arguments: Arguments) -> Foretold:
    """What taking back would do."""
    decided = _decision(desk, step, arguments)
    return Foretold(f"takes back for {decided.step}: {_WORDS.get(decided.kind, decided.kind.value)}")


_WORDS = {
    OverrideKind.ACCEPT: "its edit is not accepted any more",
    OverrideKind.INVALIDATE: "its results may be reused again",
    OverrideKind.SET: "the value that was set by hand",
    OverrideKind.OPTIONS: "the options are as its marker says",
    OverrideKind.RENAME: "it has its former name again",
}


def _decision(desk: Desk, step: str, arguments: Arguments) -> Override:
    wanted = arguments.get("override_id")
    for one in desk.place.store.overrides.all():
        if one.override_id == wanted and one.step == (step or one.step):
            return one
    raise UsageError(f"there is no decision {wanted!r} about step {step!r} to be taken back")

"""Typed values of parameters put into force, in the kernel and for the notebook's runs, and taken back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import DurableError, UsageError
from durable_nb.core.model import Json
from durable_nb.core.parameters import NOT_LITERAL
from durable_nb.core.planning import Decision
from durable_nb.core.secrets import MASK
from durable_nb.dashboard.actions import running
from durable_nb.dashboard.actions.action import Arguments, Done, Foretold
from durable_nb.dashboard.actions.desk import NO_KERNEL
from durable_nb.dashboard.parameters import fields
from durable_nb.dashboard.parameters.variables import UNBOUND
from durable_nb.kernel.turns import in_turn
from durable_nb.store.parameter_edits import Edit

if TYPE_CHECKING:
    from durable_nb.dashboard.actions.desk import Desk

_MOST = 50
"""Changes that can be taken back, the last ones."""


@dataclass(frozen=True, slots=True)
class Applied:
    """Values that were put into force, and what was before; in memory only, for secrets are among them."""

    values: Mapping[str, Any]
    was: Mapping[str, Any]
    """Parameter → what the kernel's variable held; UNBOUND where there was none."""
    edits: Mapping[str, Edit | None]
    """Parameter → the edit that held; of those of which edits are recorded."""
    made: Mapping[str, Edit | None]
    """Parameter → the edit that holds since."""


class AppliedValues:
    """What was applied in a panel, as long as it can be taken back."""

    def __init__(self) -> None:
        self._known: dict[str, Applied] = {}

    def apply(self, desk: Desk, texts: Mapping[str, Any], *, run: bool) -> dict[str, Json]:
        """Let typed values hold: in the kernel's variables, if there is one, and in the notebook's runs.

        Args:
            desk: Where the parameters are, and where running is asked for.
            texts: Parameter → its value as typed.
            run: Whether to run what becomes stale.

        Raises:
            UsageError: A value does not fit, or there is no kernel to run anything; nothing has changed.
            CellRunsError: A cell runs, which may read them; nothing has changed.
            DurableError: They could not be recorded; nothing has changed.
        """
        if run and not desk.place.here:
            raise UsageError(NO_KERNEL)
        values, errors = desk.form.checked(texts)
        if errors:
            raise UsageError("; ".join(f"{name}: {text}" for name, text in errors.items()))
        if not values:
            return Done("nothing is changed").as_json()
        applied = _between_cells(desk, lambda: _put(desk, values))
        change = secrets.token_hex(8)
        self._known = dict([*self._known.items(), (change, applied)][-_MOST:])
        words = f"{_words(desk, values)} {desk.form.where(values)}{_run(desk) if run else ''}"
        undo = {"do": "undo_parameters", "step": "", "args": {"change": change}}
        return Done(words, undo).as_json()

    def foretell_undo(self, desk: Desk, arguments: Arguments) -> Foretold:
        """What taking back would do."""
        _, applied = self._find(arguments)
        return Foretold(f"{_words(desk, _before(desk, applied))} again {desk.form.where(applied.values)}")

    def undo(self, desk: Desk, arguments: Arguments) -> Done:
        """Let the values hold that held before.

        Raises:
            UsageError: They have been changed since, or were taken back already; nothing has changed.
            CellRunsError: A cell runs, which may read them; nothing has changed.
            DurableError: It could not be recorded.
        """
        change, applied = self._find(arguments)
        _between_cells(desk, lambda: _put_back(desk, applied))
        del self._known[change]
        return Done(f"{_words(desk, _before(desk, applied))} again {desk.form.where(applied.values)}")

    def _find(self, arguments: Arguments) -> tuple[str, Applied]:
        change = str(arguments.get("change"))
        if change not in self._known:
            raise UsageError("this change cannot be taken back any more: put the value in that is to hold")
        return change, self._known[change]


def _between_cells(desk: Desk, work: Callable[[], Any]) -> Any:
    """Do some work while no cell runs, where there is a kernel."""
    session = desk.place.session
    return work() if session is None else in_turn(session, work)


def _put(desk: Desk, values: Mapping[str, Any]) -> Applied:
    form = desk.form
    was = {name: form.variables.get(name) for name in values}
    recorded = [name for name in values if form.edits.is_possible and not form.known[name].secret]
    edits = {name: form.edits.held.get(name) for name in recorded}
    form.edits.make({name: values[name] for name in recorded}, form.known)
    form.variables.bind(values, form.known)
    return Applied(values, was, edits, {name: form.edits.held.get(name) for name in recorded})


def _put_back(desk: Desk, applied: Applied) -> None:
    form = desk.form
    form.edits.read()
    for name, made in applied.made.items():
        held = form.edits.held.get(name)
        if held != made:
            by = (
                f"{held.user} set it to {fields.typed(held.value)}"
                if held is not None
                else "its edit is gone"
            )
            raise UsageError(f"{name} has been changed since, and stays: {by}")
    form.edits.put_back(applied.edits)
    form.variables.bind(applied.was, form.known)


def _before(desk: Desk, applied: Applied) -> dict[str, Any]:
    """What the parameters of a change had before it."""
    found: dict[str, Any] = {}
    for name, bound in applied.was.items():
        edit = applied.edits.get(name)
        default = desk.form.known[name].default if name in desk.form.known else NOT_LITERAL
        found[name] = bound if bound is not UNBOUND else edit.value if edit is not None else default
    return found


def _words(desk: Desk, values: Mapping[str, Any]) -> str:
    known = desk.form.known
    texts = {
        name: MASK if name not in known or known[name].secret else fields.typed(value) or "not set"
        for name, value in values.items()
    }
    return ", ".join(f"{name} = {text}" for name, text in texts.items())


def _run(desk: Desk) -> str:
    """Run all from the first step that would execute; what became of that, in words."""
    try:
        desk.board.look_ahead()
        ahead = desk.board.ahead
        stale = [s.step for s in ahead.plan.steps if s.decision is not Decision.REUSE] if ahead else []
        return f"; {running.run_from(desk, stale[0], {}).text}" if stale else "; nothing becomes stale"
    except DurableError as error:
        return f"; nothing is run: {error}"

"""The form of parameters: what it shows, what typed values would do, and what applying them does."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_nb.core import plan_words
from durable_nb.core.errors import UsageError
from durable_nb.core.model import EventKind, Json
from durable_nb.core.overrides import PARAMETER
from durable_nb.core.parameters import NOT_LITERAL, Parameter, Typed, check, nearest
from durable_nb.core.planning import Decision, Plan
from durable_nb.core.secrets import MASK
from durable_nb.dashboard.actions import running
from durable_nb.dashboard.actions.action import Done
from durable_nb.dashboard.actions.desk import NO_KERNEL
from durable_nb.dashboard.parameters import fields
from durable_nb.kernel.secret_values import SECRETS
from durable_nb.kernel.turns import CellRunsError, in_turn
from durable_nb.store import origin

if TYPE_CHECKING:
    from durable_nb.dashboard.actions.desk import Desk
    from durable_nb.dashboard.steps.board import StepsBoard
    from durable_nb.kernel.session import Session

_MOST_LAST = 5
_LOOKED_AT = 200
"""Runs of which the values are looked at."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A value that somebody gave a parameter in the panel."""

    value: Any
    by: str
    at: float


class ParametersForm:
    """The parameters of the notebook that the board is of.

    Args:
        board: The steps of the notebook.
    """

    def __init__(self, board: StepsBoard) -> None:
        self._board = board
        self._edits: dict[str, Edit] = {}
        self._last: dict[str, list[str]] = {}

    # What it shows.

    def read_ledger(self) -> None:
        """Learn which values the parameters had lately.

        Raises:
            StoreError: The ledger cannot be read.
        """
        store, notebook = self._board.place.store, self._board.place.notebook
        if not store.path.exists():
            return
        found: dict[str, list[str]] = {}
        for row in store.ledger.rows(_LAST, [notebook, notebook, _LOOKED_AT]):
            for name, value in json.loads(row["given"] or "{}").items():
                texts = found.setdefault(name, [])
                text = fields.typed(value)
                if text not in texts and MASK not in text and len(texts) < _MOST_LAST:
                    texts.append(text)
        self._last = found

    def view(self) -> dict[str, Json]:
        """The form."""
        known = self._declared()
        return {"cells": [self._field(parameter) for parameter in known.values()], "why_not": self._why_not()}

    def _why_not(self) -> str:
        return "" if self._board.place.here else NO_KERNEL

    def _declared(self) -> dict[str, Parameter]:
        return fields.declared(self._board.ahead.cells) if self._board.ahead is not None else {}

    def _field(self, parameter: Parameter) -> dict[str, Json]:
        name, value = parameter.name, self._value(parameter)
        edit = self._edits.get(name)
        is_edit = edit is not None and _equal(edit.value, value)
        is_default = _equal(value, parameter.default) or value is NOT_LITERAL
        return {
            **fields.field(parameter, value, self._last.get(name, ())),
            "from": "edit" if is_edit else "default" if is_default else "run",
            "by": edit.by if is_edit and edit is not None else "",
            "at": edit.at if is_edit and edit is not None else None,
        }

    def _value(self, parameter: Parameter) -> Any:
        """What the parameter holds in the kernel, else its default."""
        session = self._board.place.session
        values = session.namespace.values if session is not None else {}
        return values.get(parameter.name, parameter.default)

    def edits(self) -> dict[str, Any]:
        """The edits that the kernel's variables still hold: the parameter's cell has not run again since."""
        session = self._board.place.session
        values = session.namespace.values if session is not None else {}
        return {
            name: edit.value
            for name, edit in self._edits.items()
            if name in values and _equal(values[name], edit.value) and name not in SECRETS
        }

    # What it does.

    def check(self, texts: Mapping[str, Any]) -> dict[str, Json]:
        """Whether typed values fit, and which steps would become stale."""
        values, errors = self._checked(texts)
        if errors or not values:
            text = "some values do not fit" if errors else "nothing is changed"
            return {"errors": dict(errors), "stale": [], "text": text}
        try:
            stale, text = self._foreseen(values)
        except CellRunsError as error:
            stale, text = [], str(error)
        return {"errors": {}, "stale": list(stale), "text": text}

    def _checked(self, texts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        known, values, errors = self._declared(), dict[str, Any](), dict[str, str]()
        for name, text in texts.items():
            if name not in known:
                errors[name] = f"the notebook declares no {name}{nearest(name, known)}"
            elif not isinstance(text, str):
                errors[name] = f"{name}: expected a text, as it is typed"
            else:
                try:
                    value = check(known[name], Typed(text))
                except UsageError as error:
                    errors[name] = str(error).removeprefix(f"{name}: ")
                else:
                    if not _equal(value, self._value(known[name])):
                        values[name] = value
        return values, errors

    def _foreseen(self, values: Mapping[str, Any]) -> tuple[list[str], str]:
        """The steps that values make stale, and what running the notebook with them would do."""
        ahead = self._board.ahead
        assert ahead is not None, "its cells declare the parameters"
        shown = {name: value for name, value in values.items() if not self._declared()[name].secret}
        plan = self._board.plan_with({**self.edits(), **shown})
        was = {step.step: step.decision for step in ahead.plan.steps}
        stale = [
            step.step
            for step in plan.steps
            if step.decision is not Decision.REUSE and was.get(step.step) is Decision.REUSE
        ]
        return stale, _sentence(stale, plan)

    def apply(self, texts: Mapping[str, Any], *, run: bool, desk: Desk) -> dict[str, Json]:
        """Let the kernel's variables hold typed values.

        Args:
            texts: Parameter → its value as typed.
            run: Whether to run what becomes stale.
            desk: Where running is asked for.

        Raises:
            UsageError: A value does not fit, or the panel is in no notebook's kernel.
            CellRunsError: A cell runs, which may read them.
        """
        session = desk.session()
        values, errors = self._checked(texts)
        if errors:
            raise UsageError("; ".join(f"{name}: {text}" for name, text in errors.items()))
        if not values:
            return Done("nothing is changed").as_json()
        was = {name: self._value(self._declared()[name]) for name in values}
        in_turn(session, lambda: self._bind(session, values, was))
        self._board.look_ahead()
        words = ", ".join(f"{name} = {self._shown(name, value)}" for name, value in values.items())
        begun = self._run(desk) if run else ""
        undo: dict[str, Any] = {}
        if not any(self._declared()[name].secret or value is NOT_LITERAL for name, value in was.items()):
            back = {name: fields.typed(value) for name, value in was.items()}
            undo = {"do": "set_parameters", "step": "", "args": {"values": back}}
        return Done(f"{words}{begun}", undo).as_json()

    def _bind(self, session: Session, values: Mapping[str, Any], was: Mapping[str, Any]) -> None:
        now, user = time.time(), origin.user()
        for name, value in values.items():
            if self._declared()[name].secret and value:
                SECRETS.add(name, value)
        session.namespace.lazy.forget(values)
        session.namespace.values.update(values)
        self._edits |= {name: Edit(value, user, now) for name, value in values.items()}
        changes: list[Json] = [self._change(name, was[name], value) for name, value in values.items()]
        session.emit(
            EventKind.OVERRIDDEN,
            override=PARAMETER,
            user=user,
            host=origin.host(),
            notebook=session.run.notebook,
            changes=changes,
            reason=", ".join(str(change["text"]) for change in changes if isinstance(change, dict)),
        )

    def _change(self, name: str, was: Any, now: Any) -> dict[str, Json]:
        old, new = self._shown(name, was), self._shown(name, now)
        return {"kind": PARAMETER, "name": name, "was": old, "now": new, "text": f"{name} {old} → {new}"}

    def _shown(self, name: str, value: Any) -> str:
        return MASK if self._declared()[name].secret else fields.typed(value) or "not set"

    def _run(self, desk: Desk) -> str:
        """Run all from the first step that would execute."""
        ahead = self._board.ahead
        stale = [s.step for s in ahead.plan.steps if s.decision is not Decision.REUSE] if ahead else []
        if not stale:
            return "; nothing becomes stale"
        return f"; {running.run_from(desk, stale[0], {}).text}"


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are the same, of the same type."""
    if one is NOT_LITERAL or other is NOT_LITERAL:
        return one is other
    return type(one) is type(other) and _plainly_equal(one, other)


def _plainly_equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):  # a table or an array stands where a parameter was declared
        return False


def _sentence(stale: list[str], plan: Plan) -> str:
    words = plan_words.foretold(plan.steps, named=False)
    if not stale:
        return f"no further step becomes stale; running the notebook {words}" if words else ""
    verb = "becomes" if len(stale) == 1 else "become"
    return f"{plan_words.listed(stale)} {verb} stale; running the notebook {words}"


_LAST = """
    select given from (
        select parameters as given, coalesce(resumed_at, started_at) as given_at from runs where notebook = ?
        union all
        select json_object(c.value->>'name', c.value->>'now'), e.happened_at
        from events e, json_each(e.data->'changes') c
        where e.kind = 'overridden' and e.data->>'override' = 'parameter' and e.data->>'notebook' = ?
    ) order by given_at desc limit ?
"""

"""The form of parameters: what it shows, and what typed values would do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.batch.parameter_edits import path_of
from durable_nb.batch.settings import settle
from durable_nb.core import plan_words
from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json
from durable_nb.core.parameters import NOT_LITERAL, Parameter, Typed, check, nearest
from durable_nb.core.planning import Decision, Plan
from durable_nb.core.secrets import MASK, SECRET_VARIABLE
from durable_nb.dashboard.actions.desk import NO_KERNEL
from durable_nb.dashboard.parameters import fields
from durable_nb.dashboard.parameters.edits import NotebookEdits
from durable_nb.dashboard.parameters.variables import UNBOUND, ParameterVariables
from durable_nb.kernel.turns import CellRunsError
from durable_nb.store.parameter_edits import Edit

if TYPE_CHECKING:
    from durable_nb.dashboard.steps.board import StepsBoard

_MOST_LAST = 5
_LOOKED_AT = 200
"""Runs of which the values are looked at."""


class ParametersForm:
    """The parameters of the notebook that the board is of.

    Args:
        board: The steps of the notebook.
    """

    def __init__(self, board: StepsBoard) -> None:
        self._board = board
        self.edits = NotebookEdits(board.place)
        self.variables = ParameterVariables(board.place)
        self.known: Mapping[str, Parameter] = {}
        """What the notebook declares, as last read."""
        self._last: dict[str, list[str]] = {}

    # What it shows.

    def read(self) -> None:
        """Learn what the notebook declares, and which edits of it hold.

        Raises:
            UsageError: A declaration cannot be understood, the notebook does not take what was edited, or
                that cannot be read.
        """
        ahead, notebook = self._board.ahead, self._board.place.notebook
        secrets = settle(Path(notebook) if notebook else None).secrets
        self.known = fields.declared(ahead.cells, secrets) if ahead is not None else {}
        self.edits.read()
        if ahead is not None and (unfit := self.edits.unfit(self.known)):
            raise UsageError(unfit)

    def read_ledger(self) -> None:
        """Learn which values the parameters had lately.

        Raises:
            StoreError: The ledger cannot be read.
        """
        store, notebook = self._board.place.store, self._board.place.notebook
        if not store.path.exists():
            return
        found: dict[str, list[str]] = {}
        for row in store.ledger.rows(_LAST, [notebook, path_of(notebook), _LOOKED_AT]):
            for name, value in json.loads(row["given"] or "{}").items():
                texts = found.setdefault(name, [])
                text = fields.typed(value)
                if text not in texts and MASK not in text and len(texts) < _MOST_LAST:
                    texts.append(text)
        self._last = found

    def view(self) -> dict[str, Json]:
        """The form."""
        return {
            "cells": [self._field(parameter) for parameter in self.known.values()],
            "why_not": "",
            "why_not_run": "" if self._board.place.here else NO_KERNEL,
        }

    def _field(self, parameter: Parameter) -> dict[str, Json]:
        value, edit = self.value(parameter), self.edits.held.get(parameter.name)
        edited = None if edit is None else _told(edit)
        is_edit = edited is not None and fields.equal(self._edited(parameter), value)
        is_default = fields.equal(value, parameter.default) or value is NOT_LITERAL
        return {
            **fields.field(parameter, value, self._last.get(parameter.name, ())),
            "from": "edit" if is_edit else "default" if is_default else "run",
            "by": edited["by"] if edited is not None and is_edit else "",
            "at": edited["at"] if edited is not None and is_edit else None,
            "edit": edited,
        }

    def value(self, parameter: Parameter) -> Any:
        """What the parameter holds in the kernel; without one, what a run takes that is given no value."""
        if not self._board.place.here:
            return self._edited(parameter)
        value = self.variables.get(parameter.name)
        return parameter.default if value is UNBOUND else value

    def _edited(self, parameter: Parameter) -> Any:
        """What a run takes that is given no value."""
        return self.edits.values({parameter.name: parameter}).get(parameter.name, parameter.default)

    def in_force(self) -> dict[str, Any]:
        """The values that hold in place of what the cells say that declare them, for a plan."""
        edited = self.edits.values(self.known)
        if not self._board.place.here:
            return edited
        return {
            **{name: v for name, v in edited.items() if fields.equal(self.variables.get(name), v)},
            **self.variables.still_bound(),
        }

    # What typed values would do.

    def check(self, texts: Mapping[str, Any]) -> dict[str, Json]:
        """Whether typed values fit, and which steps would become stale."""
        values, errors = self.checked(texts)
        if errors or not values:
            text = "some values do not fit" if errors else "nothing is changed"
            return {"errors": dict(errors), "stale": [], "text": text}
        try:
            stale, text = self._foreseen(values)
        except CellRunsError as error:
            stale, text = [], str(error)
        where = self.where(values)
        return {"errors": {}, "stale": list(stale), "text": f"{text}; holds {where}" if text else where}

    def checked(self, texts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """What typed values stand for, without those that hold already, and what does not fit."""
        values, errors = dict[str, Any](), dict[str, str]()
        for name, text in texts.items():
            try:
                value = self._understood(name, text)
            except UsageError as error:
                errors[name] = str(error).removeprefix(f"{name}: ")
            else:
                if not self._holds(self.known[name], value):
                    values[name] = value
        return values, errors

    def _understood(self, name: str, text: object) -> Any:
        if name not in self.known:
            raise UsageError(f"the notebook declares no {name}{nearest(name, self.known)}")
        if not isinstance(text, str):
            raise UsageError(f"{name}: expected a text, as it is typed")
        if self.known[name].secret and not self._board.place.here:
            raise UsageError(
                f"{name}: a secret is not kept: give it to each run, with -p {name} VALUE "
                f"or in the environment as {SECRET_VARIABLE}{name.upper()}"
            )
        return check(self.known[name], Typed(text))

    def _holds(self, parameter: Parameter, value: Any) -> bool:
        """Whether a parameter has a value already, in the kernel and for runs."""
        for_runs = (
            parameter.secret or not self.edits.is_possible or fields.equal(value, self._edited(parameter))
        )
        return for_runs and fields.equal(value, self.value(parameter))

    def where(self, values: Mapping[str, Any]) -> str:
        """Where values hold that are applied."""
        here = "in this kernel" if self._board.place.here else ""
        secret = [name for name in values if self.known[name].secret]
        if here and not self.edits.is_possible:
            return f"{here} only: its notebook has no file yet"
        if len(secret) == len(values):
            return f"{here} only: a secret is not kept"
        words = f"{here}, and in runs" if here else "in runs"
        but = f" ({', '.join(secret)} in this kernel only: a secret is not kept)" if secret else ""
        return f"{words} of this notebook that are given no other value{but}"

    def _foreseen(self, values: Mapping[str, Any]) -> tuple[list[str], str]:
        """The steps that values make stale, and what running the notebook with them would do."""
        ahead = self._board.ahead
        assert ahead is not None, "its cells declare the parameters"
        shown = {name: value for name, value in values.items() if not self.known[name].secret}
        plan = self._board.plan_with({**self.in_force(), **shown})
        was = {step.step: step.decision for step in ahead.plan.steps}
        stale = [
            step.step
            for step in plan.steps
            if step.decision is not Decision.REUSE and was.get(step.step) is Decision.REUSE
        ]
        return stale, _sentence(stale, plan)


def _told(edit: Edit) -> dict[str, Json]:
    return {"value": fields.typed(edit.value), "by": edit.user, "at": edit.at.timestamp()}


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
        select json_object(c.value->>'name', try_cast(c.value->>'now' as json)), e.happened_at
        from events e, json_each(e.data->'changes') c
        where e.kind = 'overridden' and e.data->>'override' = 'parameter' and e.data->>'notebook' = ?
    ) order by given_at desc limit ?
"""

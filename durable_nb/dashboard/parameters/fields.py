"""Declared parameters as fields of a form."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from durable_nb.core.model import Json
from durable_nb.core.parameter_cells import declaring_cells
from durable_nb.core.parameter_reading import read_parameters
from durable_nb.core.parameters import NOT_LITERAL, Parameter
from durable_nb.core.planning import PlanCell

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?")
_KINDS = {"bool": "bool", "int": "int", "float": "float", "number": "float", "str": "str"}
_JSON = frozenset({"list", "tuple", "dict"})


def declared(cells: Sequence[PlanCell], secrets: Collection[str] = ()) -> dict[str, Parameter]:
    """Name → parameter, of all cells that declare some.

    Args:
        cells: Of the notebook.
        secrets: Parameters that are secret though neither their names nor their cells say so.

    Raises:
        UsageError: A declaration that cannot be understood.
    """
    places = declaring_cells([(cell.source, cell.tags) for cell in cells])
    found = [p for place in places for p in read_parameters(cells[place].source)]
    return {p.name: replace(p, secret=p.secret or p.name in secrets) for p in found}


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same, of the same type."""
    if one is NOT_LITERAL or other is NOT_LITERAL:
        return one is other
    return type(one) is type(other) and _plainly_equal(one, other)


def _plainly_equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):  # a table or an array stands where a parameter was declared
        return False


def kind_of(parameter: Parameter) -> str:
    """Which field a parameter gets."""
    if parameter.choices and parameter.type not in _JSON:
        return "choice"
    if parameter.type in _JSON:
        return "json"
    if parameter.type == "str" and isinstance(parameter.default, str):
        if _DATE.fullmatch(parameter.default):
            return "date"
        if _MOMENT.fullmatch(parameter.default):
            return "datetime"
    return _KINDS.get(parameter.type, "str")


def typed(value: Any) -> str:
    """A value as one would type it for its parameter."""
    if value is NOT_LITERAL:
        return ""
    if value is None:
        return "None"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _end(of_range: float | None) -> float | int | None:
    return int(of_range) if of_range is not None and of_range.is_integer() else of_range


def field(parameter: Parameter, value: Any, last: Sequence[str]) -> dict[str, Json]:
    """A field, with its value; of a secret nothing that tells it.

    Args:
        parameter: What is declared.
        value: What it holds now; NOT_LITERAL where that is not known.
        last: What it was given lately, as typed.
    """
    is_ranged = parameter.low is not None or parameter.high is not None
    hidden = parameter.secret
    return {
        "name": parameter.name,
        "type": kind_of(parameter),
        "value": "" if hidden else typed(value),
        "default": "" if hidden else typed(parameter.default),
        "help": parameter.help,
        "choices": [typed(choice) for choice in parameter.choices] or None,
        "range": [_end(parameter.low), _end(parameter.high)] if is_ranged else None,
        "secret": hidden,
        "optional": parameter.optional,
        "required": parameter.required,
        "last": [] if hidden else list(last),
    }

"""Declared parameters, and values for them: of the right type, among the choices, in range; or a refusal."""

from __future__ import annotations

import ast
import difflib
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from durable_nb.core.errors import UsageError

NOT_LITERAL: Final = object()
"""The default of a parameter whose value is only known when its cell has run."""
TYPES = frozenset({"bool", "dict", "float", "int", "list", "str", "tuple"})
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as it is declared."""

    name: str
    type: str = ""
    """``bool int float number str list tuple dict``; empty where any value will do."""
    default: Any = NOT_LITERAL
    """NOT_LITERAL where only running the cell tells it, or where there is none."""
    help: str = ""
    choices: tuple[Any, ...] = ()
    """The values that it may have; empty for any."""
    low: float | None = None
    high: float | None = None
    """The ends of its range, both included; None for an open end."""
    optional: bool = False
    """Whether None is a value too."""
    required: bool = False
    """Whether it has no default."""
    secret: bool = False
    """Whether its value must not be written down."""
    item: str = ""
    """Type of the items, where it is a list or tuple of one type."""


class Typed(str):
    """A value as somebody typed it: what it stands for depends on the parameter's type.

    ``007`` is a text for a parameter that is a text, and 7 for a number.
    """

    __slots__ = ()


def check_all(declared: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values, each as its parameter wants it.

    Args:
        declared: All parameters; without any, every name and value will do.
        given: Name → value.

    Raises:
        UsageError: A name that no cell declares, a value that does not fit, or none where one is required.
    """
    known = {parameter.name: parameter for parameter in declared}
    if not known:
        return {name: guess(value) if isinstance(value, Typed) else value for name, value in given.items()}
    for name in given:
        if name not in known:
            raise UsageError(_unknown(name, known))
    for name, parameter in known.items():
        if parameter.required and name not in given:
            raise UsageError(f"parameter {name} has no default and was given no value; add -p {name} VALUE")
    return {name: check(known[name], value) for name, value in given.items()}


def check(parameter: Parameter, value: Any) -> Any:
    """The value as the parameter wants it.

    Raises:
        UsageError: It does not fit; the message names what was expected and, of no secret, what was found.
    """
    made = from_text(parameter, value) if isinstance(value, Typed) else _converted(parameter, value)
    if made is None:
        return made
    for one in made if isinstance(made, list | tuple) and parameter.choices else [made]:
        if parameter.choices and not any(type(one) is type(c) and one == c for c in parameter.choices):
            raise _refusal(parameter, f"one of {', '.join(map(str, parameter.choices))}", one)
    _check_range(parameter, made)
    return made


def from_text(parameter: Parameter, text: str) -> Any:
    """What a typed text stands for, for this parameter.

    Raises:
        UsageError: It does not fit.
    """
    if text == "None" and (parameter.optional or not parameter.type):
        return None
    read = _READERS.get(
        parameter.item if _is_list(parameter) and parameter.choices else parameter.type, guess
    )
    try:
        return read(str(text))
    except ValueError:
        raise _refusal(parameter, _wanted(parameter), str(text)) from None


def guess(text: str) -> Any:
    """What papermill's ``-p`` makes of a text: True, False, None, a whole or decimal number, or the text."""
    constants = {"True": True, "False": False, "None": None}
    if text in constants:
        return constants[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return str(text)


def nearest(name: str, known: Collection[str]) -> str:
    """`` (did you mean …?)`` where one of the known names is much like this one."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    return f"unknown parameter {name!r}{nearest(name, known)}. The notebook declares: {', '.join(known)}"


def _is_list(parameter: Parameter) -> bool:
    return parameter.type in ("list", "tuple")


def _converted(parameter: Parameter, value: Any) -> Any:
    """A value that has a type already: papermill's, YAML's, or a table's."""
    if value is None and (parameter.optional or not parameter.type):
        return None
    convert = _CONVERTERS.get(parameter.type)
    if convert is None:
        return value
    try:
        made = convert(value)
        if parameter.item and parameter.item in _CONVERTERS:
            made = type(made)(_CONVERTERS[parameter.item](item) for item in made)
    except (TypeError, ValueError):
        raise _refusal(parameter, _wanted(parameter), value) from None
    return made


def _check_range(parameter: Parameter, value: Any) -> None:
    if (parameter.low is None and parameter.high is None) or type(value) not in (int, float):
        return
    low, high = (-math.inf if parameter.low is None else parameter.low), parameter.high
    if not low <= value <= (math.inf if high is None else high):
        raise _refusal(parameter, f"a number {_interval(parameter)}", value)


def _interval(parameter: Parameter) -> str:
    low, high = (f"{end:g}" if end is not None else "" for end in (parameter.low, parameter.high))
    if low and high:
        return f"from {low} to {high}"
    return f"of at least {low}" if low else f"of at most {high}"


def _wanted(parameter: Parameter) -> str:
    kind = f"{parameter.type}[{parameter.item}]" if parameter.item else parameter.type
    return f"{kind} or None" if parameter.optional and kind else kind


def _refusal(parameter: Parameter, wanted: str, found: Any) -> UsageError:
    shown = (
        f"a {type(found).__name__} that is not shown, because it is a secret"
        if parameter.secret
        else repr(found)
    )
    return UsageError(f"{parameter.name}: expected {wanted}, got {shown}")


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(word)
    return word in _TRUE


def _container(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        for parse in (json.loads, ast.literal_eval):
            try:
                found = parse(text)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(found, list | tuple) and kind in (list, tuple):
                return kind(found)
            if isinstance(found, dict) and kind is dict:
                return found
        raise ValueError(text)

    return read


def _as_bool(value: Any) -> bool:
    if isinstance(value, str):
        return _bool(value)
    if value in (0, 1) and not isinstance(value, float):
        return bool(value)
    raise TypeError(value)


def _as_int(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError(value)
    return int(value)


def _as_number(value: Any) -> int | float:
    if isinstance(value, str):
        return _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return value


def _number(text: str) -> int | float:
    found = guess(text)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(text)  # noqa: TRY004 - as int() and float() do
    return found


def _as_float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _as_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(value)
    return str(value)


def _as_list(kind: type) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            return _container(kind)(value)
        if isinstance(value, list | tuple):
            return kind(value)
        raise TypeError(value)

    return convert


def _as_dict(value: Any) -> dict[Any, Any]:
    if isinstance(value, str):
        found: dict[Any, Any] = _container(dict)(value)
        return found
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(value)


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "bool": _as_bool,
    "int": _as_int,
    "float": _as_float,
    "number": _as_number,
    "str": _as_text,
    "list": _as_list(list),
    "tuple": _as_list(tuple),
    "dict": _as_dict,
}
_READERS: Mapping[str, Callable[[str], Any]] = {
    "bool": _bool,
    "int": int,
    "float": float,
    "number": _number,
    "str": str,
    "list": _container(list),
    "tuple": _container(tuple),
    "dict": _container(dict),
}

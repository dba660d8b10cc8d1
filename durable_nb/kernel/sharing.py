"""Find variables that hold a part of what a step changed in place.

Such a variable changed with it, though nothing bound it. Restoring one of the two would tear them apart.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterable, Mapping
from typing import Any

_ENOUGH = 300_000
"""Objects looked at; what is larger counts as shared, since the opposite is not proven."""
_IMMUTABLE = (type(None), bool, int, float, complex, str, bytes, type, types.ModuleType, types.CodeType)
_WHOLE = ("polars.", "pyarrow.")
"""Libraries whose objects do not change through one another, though they share memory."""


def shared_parts(changed: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, str]:
    """Changed variable → another variable that may hold a part of it.

    Args:
        changed: Variables whose content was changed in place.
        others: The other variables of the notebook.
    """
    found: dict[str, str] = {}
    parts = {name: _reachable([value]) for name, value in changed.items()}
    for other, value in others.items():
        held = _reachable([value])
        for name, own in parts.items():
            if own is None or held is None or own & held:
                found.setdefault(name, other)
    return found


def groups(values: Mapping[str, Any]) -> list[list[str]]:
    """Names of values that hold parts of each other, or one the other: at least two in a group."""
    found: list[tuple[list[str], set[int] | None]] = []
    for name, value in values.items():
        names, held = [name], _reachable([value])
        apart = []
        for others, other_held in found:
            if held is None or other_held is None or held & other_held:
                names = others + names
                held = None if held is None or other_held is None else held | other_held
            else:
                apart.append((others, other_held))
        found = [*apart, (names, held)]
    return [names for names, _ in found if len(names) > 1]


def _reachable(roots: Iterable[Any]) -> set[int] | None:
    """The ids of all mutable objects below the roots; None where there are too many."""
    seen: set[int] = set()
    queue = list(roots)
    while queue:
        thing = queue.pop()
        if id(thing) in seen or _is_immutable(thing):
            continue
        seen.add(id(thing))
        if len(seen) > _ENOUGH:
            return None
        queue += _parts(thing)
    return seen


def _parts(thing: Any) -> Iterable[Any]:
    if isinstance(thing, types.FunctionType):
        # Its globals are the whole notebook; what it holds itself are defaults and closure.
        return [thing.__defaults__, thing.__kwdefaults__, *(thing.__closure__ or ())]
    home = f"{type(thing).__module__}."
    if home.startswith(_WHOLE) or (home.startswith("pandas.") and _copies_on_write()):
        return ()
    if home.startswith("numpy."):
        return [getattr(thing, "base", None), *gc.get_referents(thing)]
    return gc.get_referents(thing)


def _is_immutable(thing: Any) -> bool:
    # Types of elements (int64, category, …) are shared by everything that has them.
    return isinstance(thing, _IMMUTABLE) or type(thing).__name__.lower().endswith("dtype")


def _copies_on_write() -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and int(pandas.__version__.partition(".")[0]) >= 3

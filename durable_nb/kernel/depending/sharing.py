"""Which variables share objects: what is changed through one of them changes the others too."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import gc
import pathlib
import re
import sys
import types
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

_ENOUGH = 2_000_000
"""Objects looked at; what is larger counts as shared, since the opposite is not proven."""
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_IMMUTABLE = (
    *_ATOMS,
    type,
    range,
    slice,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    decimal.Decimal,
    enum.Enum,
    fractions.Fraction,
    pathlib.PurePath,
    re.Pattern,
    types.BuiltinFunctionType,
    types.CodeType,
    types.ModuleType,
    uuid.UUID,
)
_TRANSPARENT = (tuple, frozenset, types.CellType, types.MappingProxyType)
"""They never change themselves; what they hold may."""
_WHOLE = ("polars.", "pyarrow.")
"""Libraries whose objects do not change through one another, though they share memory."""


def shared_parts(changed: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, str]:
    """Changed variable → another variable that may hold a part of it.

    Args:
        changed: Variables whose content was changed in place.
        others: The other variables of the notebook.
    """
    found: dict[str, str] = {}
    parts = {name: reachable([value]) for name, value in changed.items()}
    for other, value in others.items():
        held = reachable([value])
        for name, own in parts.items():
            if meet(own, held):
                found.setdefault(name, other)
    return found


def groups(values: Mapping[str, Any]) -> list[list[str]]:
    """Names of values that hold parts of each other, or one the other: at least two in a group."""
    found: list[tuple[list[str], set[int] | None]] = []
    for name, value in values.items():
        names, held = [name], reachable([value])
        apart = []
        for others, other_held in found:
            if meet(held, other_held):
                names = others + names
                held = None if held is None or other_held is None else held | other_held
            else:
                apart.append((others, other_held))
        found = [*apart, (names, held)]
    return [names for names, _ in found if len(names) > 1]


def meet(one: set[int] | None, other: set[int] | None) -> bool:
    """Whether two sets from ``reachable`` have an object in common, or may have."""
    if one is None or other is None:
        return one != set() and other != set()
    return not one.isdisjoint(other)


def reachable(roots: Iterable[Any]) -> set[int] | None:
    """The ids of all objects at and below the roots that can change; None where there are too many."""
    seen: set[int] = set()
    passed: set[int] = set()
    queue = list(roots)
    while queue:
        thing = queue.pop()
        if id(thing) in seen or id(thing) in passed or _is_immutable(thing):
            continue
        (passed if isinstance(thing, _TRANSPARENT) else seen).add(id(thing))
        if len(seen) + len(passed) > _ENOUGH:
            return None
        queue += _parts(thing)
    return seen


def _parts(thing: Any) -> Iterable[Any]:
    kind = type(thing)
    home = f"{kind.__module__}."
    parts: Iterable[Any] = ()
    if kind is types.FunctionType:
        # Its globals are the whole notebook; what it holds itself are defaults and closure.
        parts = [thing.__defaults__, thing.__kwdefaults__, *(thing.__closure__ or ()), vars(thing)]
    elif _holds_atoms(thing):
        parts = [key for key in thing if isinstance(key, tuple)] if kind is dict else ()
    elif home.startswith("pandas.") and copies_on_write():
        parts = _of_pandas(thing)
    elif home.startswith("numpy."):
        parts = [getattr(thing, "base", None), *_elements(thing), *gc.get_referents(thing)]
    elif not home.startswith(_WHOLE):
        parts = gc.get_referents(thing)
    return parts


def _holds_atoms(thing: Any) -> bool:
    """Whether it is a plain container of nothing but numbers, texts and the like."""
    if type(thing) in {list, tuple, set, frozenset}:
        return _ATOMS.issuperset(map(type, thing))
    return type(thing) is dict and _ATOMS.issuperset(map(type, thing.values()))


def _elements(array: Any) -> Iterable[Any]:
    """What an array of Python objects holds."""
    if not getattr(getattr(array, "dtype", None), "hasobject", False) or not hasattr(array, "flat"):
        return ()
    elements = array.ravel().tolist() if array.dtype.kind == "O" else list(array.flat)
    return () if _ATOMS.issuperset(map(type, elements)) else elements


def _is_mixed(dtype: Any) -> bool:
    return getattr(dtype, "kind", "") == "O" and type(dtype).__module__.startswith("numpy")


def elements_of(thing: Any) -> Iterable[Any]:
    """The Python objects in a NumPy array or a pandas object that may be no atoms."""
    home = type(thing).__module__
    return _of_pandas(thing) if home.partition(".")[0] == "pandas" else _elements(thing)


def _of_pandas(thing: Any) -> Iterable[Any]:
    """Memory is copied before it is written to; the Python objects in it are still shared."""
    if getattr(thing, "ndim", 0) == 2 and hasattr(thing, "dtypes"):
        mixed = [at for at, dtype in enumerate(thing.dtypes) if _is_mixed(dtype)]
        return [element for at in mixed for element in _elements(thing.iloc[:, at].to_numpy())]
    if _is_mixed(getattr(thing, "dtype", None)) and hasattr(thing, "to_numpy"):
        return _elements(thing.to_numpy())
    return ()


def _is_immutable(thing: Any) -> bool:
    if isinstance(thing, _IMMUTABLE):
        return True
    if isinstance(thing, types.FunctionType):
        return thing.__module__ != "__main__"  # modules share theirs with whoever imports them
    # Types of elements (int64, category, …) are shared by everything that has them.
    kind = type(thing)
    if kind.__name__.lower().endswith("dtype"):
        return True
    return kind.__module__ == "numpy" and (callable(thing) or isinstance(thing, sys.modules["numpy"].generic))


def copies_on_write() -> bool:
    """Whether the pandas that is loaded copies memory before it writes to it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and int(pandas.__version__.partition(".")[0]) >= 3

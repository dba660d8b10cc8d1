"""Any other object: by what it says of itself to be copied (``__reduce_ex__``)."""

from __future__ import annotations

import copyreg
from typing import Any, Final

from durable_nb.core.fingerprint.builtin import sequence
from durable_nb.core.fingerprint.definitions import class_of, constructor
from durable_nb.core.fingerprint.walker import BASES, Obstacle, Walker, type_name

PROTOCOL: Final = 4
IMMUTABLE: Final = (int, float, complex, str, bytes, tuple)


def instance(walker: Walker, value: Any, *, shareable: bool = False) -> None:
    """Add an object by its class, the arguments that make it again, its state and its items.

    Args:
        walker: The walk it belongs to.
        value: The object.
        shareable: It never changes, so that meeting it twice is the same as meeting its equal.
    """
    shareable = shareable or (isinstance(value, IMMUTABLE) and not getattr(value, "__dict__", None))
    if not shareable and not walker.first(value):
        return
    taken_apart(walker, value, reduce(value))


def taken_apart(walker: Walker, value: Any, reduced: Any) -> None:
    """Add an object by what ``__reduce_ex__`` gave for it."""
    walker.out += b"O"
    class_of(walker, type(value))
    if isinstance(reduced, str):
        walker.walk((getattr(value, "__module__", None), reduced))
        return
    walker.inside += 1
    try:
        _parts(walker, value, *reduced)
    finally:
        walker.inside -= 1


def reduce(value: Any) -> Any:
    """What an object gives to be copied or pickled; an obstacle when it refuses."""
    kind = type(value)
    try:
        if (custom := copyreg.dispatch_table.get(kind)) is not None:
            return custom(value)
        return value.__reduce_ex__(PROTOCOL)
    except RecursionError:
        raise
    except Exception as error:  # a foreign __reduce__ may raise anything to say no
        raise Obstacle(type_name(kind)) from error


def _parts(
    walker: Walker,
    value: Any,
    make: Any,
    arguments: tuple[Any, ...],
    state: Any = None,
    items: Any = None,
    pairs: Any = None,
    setter: Any = None,
) -> None:
    constructor(walker, make)
    walker.size(len(arguments))
    for at, argument in enumerate(arguments):
        if argument is type(value):
            walker.out += b"C"
        else:
            walker.part(f"({at})", argument)
    _state(walker, state)
    _items(walker, items)
    _pairs(walker, pairs)
    if setter is not None:
        walker.out += b"="
        constructor(walker, setter)


def _state(walker: Walker, state: Any) -> None:
    slots: Any = None
    if type(state) is tuple and len(state) == 2 and _is_attributes(state[1]):
        state, slots = state
    _attributes(walker, state)
    _attributes(walker, slots)


def _is_attributes(state: Any) -> bool:
    return type(state) is dict and set(map(type, state)) <= {str}


def _attributes(walker: Walker, state: Any) -> None:
    if not _is_attributes(state):
        walker.part(".__getstate__()", state)
    elif walker.first(state):
        walker.out += b"."
        names = sorted(state)
        sequence(walker, names)
        for name in names:
            walker.part(f".{name}", state[name])


def _items(walker: Walker, items: Any) -> None:
    if items is None:
        walker.out += b"-"
        return
    values = list(items)
    sequence(walker, values)


def _pairs(walker: Walker, pairs: Any) -> None:
    if pairs is None:
        walker.out += b"-"
        return
    values = [item for pair in pairs for item in pair]
    sequence(walker, values)


BASES["builtins.object"] = instance

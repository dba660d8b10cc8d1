"""Objects of a step's results that belong to its inputs: kept as the way to them, not as copies.

``best = models[0]`` comes back as the same object that ``models`` holds, and ``pair = (df, other)`` holds the
same table as ``df``.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import Any

from durable_nb.kernel.depending.sharing import reachable

Step = tuple[str, Any]
"""One step down: ``item`` or ``element`` (of an array) and a position, ``value`` and the position of its key,
``attribute`` and a name."""
Reference = tuple[str, tuple[Step, ...]]
"""A variable, and the way from it to an object."""

_SEQUENCES = (list, tuple, deque)
_OF_FUNCTIONS = ("__defaults__", "__kwdefaults__", "__closure__", "__dict__")


def find_references(
    value: Any, inputs: Mapping[str, Any], parts: Mapping[str, set[int] | None]
) -> tuple[dict[int, Reference], bool]:
    """The objects that a value shares with the step's inputs.

    Args:
        value: What the step made.
        inputs: Variable → value, of inputs that the step left as they were.
        parts: Variable → what ``reachable`` finds in it.

    Returns:
        id of an object → where it is found; and whether that is all that is shared.
    """
    held = reachable([value])
    found: dict[int, Reference] = {}
    complete = True
    for name, root in inputs.items():
        own = parts[name]
        if held is None or own is None:
            complete = complete and (held == set() or own == set())
            continue
        wanted = (held & own) - found.keys()
        if wanted and is_array(root):
            found[id(root)] = (name, ())  # what shares its memory is a view of it
        elif wanted:
            ways = dict(_ways(name, root, wanted))
            found |= ways
            complete = complete and _covered(value, wanted, ways)
    return found, complete


def arrays(value: Any) -> list[Any]:
    """The NumPy arrays at and below a value, with those that own their memory; larger ones first."""
    found = [thing for thing, _ in _walk(value) if is_array(thing)]
    return sorted(found, key=lambda array: -int(array.nbytes))


def is_array(value: Any) -> bool:
    """Whether this is a plain NumPy array."""
    return type(value).__module__ == "numpy" and type(value).__name__ == "ndarray"


def resolve(reference: Reference, variables: Mapping[str, Any]) -> Any:
    """The object that a reference leads to.

    Raises:
        LookupError: The variable, or something on the way, is not there.
        AttributeError: An attribute on the way is not there.
    """
    name, way = reference
    thing = variables[name]
    for kind, where in way:
        if kind == "item":
            thing = thing[where]
        elif kind == "value":
            thing = next(islice(thing.values(), where, None))
        elif kind == "element":
            thing = thing.flat[where]
        else:
            thing = getattr(thing, where)
    return thing


def _ways(name: str, root: Any, wanted: set[int]) -> Iterator[tuple[int, Reference]]:
    """The shortest way to each object, as far as there is one."""
    left = set(wanted)
    for thing, way in _walk(root):
        if id(thing) in left:
            left.discard(id(thing))
            yield id(thing), (name, way)
        if not left:
            return


def _walk(root: Any, ends: Container[int] = ()) -> Iterator[tuple[Any, tuple[Step, ...]]]:
    """Each object at and below another once, with the shortest way to it; not what is below the ``ends``."""
    queue: deque[tuple[Any, tuple[Step, ...]]] = deque([(root, ())])
    seen = {id(root)}
    held = [root]  # parts that are made on the way keep their ids to themselves as long as they live
    while queue:
        thing, way = queue.popleft()
        yield thing, way
        for step, part in _steps(thing) if id(thing) not in ends else ():
            if id(part) not in seen:
                seen.add(id(part))
                held.append(part)
                queue.append((part, (*way, step)))


def _steps(thing: Any) -> Iterator[tuple[Step, Any]]:
    yield from _items(thing)
    attributes = getattr(thing, "__dict__", None)
    if type(attributes) is dict and not isinstance(thing, type | types.ModuleType | types.FunctionType):
        yield ("attribute", "__dict__"), attributes
        yield from ((("attribute", name), part) for name, part in attributes.items())
    for kind in type(thing).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield ("attribute", name), getattr(thing, name)


def _items(thing: Any) -> Iterator[tuple[Step, Any]]:
    if isinstance(thing, _SEQUENCES):
        yield from ((("item", at), part) for at, part in enumerate(thing))
    elif isinstance(thing, dict):
        yield from ((("value", at), part) for at, part in enumerate(thing.values()))
    elif isinstance(thing, types.FunctionType):
        yield from ((("attribute", name), getattr(thing, name)) for name in _OF_FUNCTIONS)
    elif isinstance(thing, types.CellType):
        if thing != types.CellType():
            yield ("attribute", "cell_contents"), thing.cell_contents
    elif isinstance(thing, types.MethodType):
        yield ("attribute", "__self__"), thing.__self__
    elif type(thing).__module__ == "numpy":
        if getattr(thing, "base", None) is not None:
            yield ("attribute", "base"), thing.base
        if is_array(thing) and thing.dtype.kind == "O":
            yield from ((("element", at), part) for at, part in enumerate(thing.ravel().tolist()))


def _covered(value: Any, wanted: set[int], ways: Mapping[int, Reference]) -> bool:
    """Whether every shared object lies at or below one that a reference stands for."""
    missing = wanted - ways.keys()
    if not missing:
        return True
    below: set[int] = set()
    for thing, _ in _walk(value, ends=ways.keys()):
        if id(thing) in ways:
            below |= reachable([thing]) or set()
    return missing <= below

"""Objects of any other class: their content is what they say of themselves to be copied.

That is what a fingerprint covers. An object whose copy is made by somebody else, from a name or an address (a
logger, a connection, what was registered with ``copyreg``), is no data and is left alone. So is whatever an
object leaves out of its state: it may be a lock, a thread, a server.
"""

from __future__ import annotations

import collections
import contextlib
import copyreg
import types
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from durable_nb.kernel.failing.contents.builtin import BUILTIN
from durable_nb.kernel.failing.contents.content import MISSING, Content, not_atoms

_NO_STATE: Any = object.__getstate__
"""What a class has that does not say what of its objects is data."""
_PLAIN_REDUCE = (object, BaseException, types.SimpleNamespace, collections.OrderedDict, collections.deque)
"""Classes whose way of being pickled says nothing about being data or not."""
_BY_CLASS = (copyreg.__newobj__, copyreg.__newobj_ex__, copyreg._reconstructor)  # type: ignore[attr-defined]
"""Functions that make a copy from nothing but the class."""


def contents_of_object(thing: Any) -> tuple[Content, ...]:
    """The contents of an object beside what it has as a container."""
    cls: Any = type(thing)
    if _is_plain(cls):
        return _attributes_of(cls)
    return _PICKLED_ITSELF if _is_made_from_its_class(thing) else ()


@lru_cache(maxsize=1024)
def _attributes_of(cls: type) -> tuple[Content, ...]:
    return (_ATTRIBUTES,) if cls.__dictoffset__ or _slots(cls) else ()


@lru_cache(maxsize=1024)
def _is_plain(cls: type) -> bool:
    """Whether its objects are pickled as objects are that say nothing about it."""
    if hasattr(cls, "__setstate__") and not (cls.__dictoffset__ or _slots(cls)):
        return False
    plain = {(base.__reduce__, base.__reduce_ex__) for base in _PLAIN_REDUCE}
    builtin = {(base.__reduce__, base.__reduce_ex__) for base in BUILTIN}
    return (cls.__reduce__, cls.__reduce_ex__) in plain | builtin


def _is_made_from_its_class(thing: Any) -> bool:
    reduced = _reduced(thing)
    return bool(reduced) and (
        reduced[0] in _BY_CLASS or reduced[0] is type(thing) or _has_state(thing, reduced)
    )


def _reduced(thing: Any) -> tuple[Any, ...]:
    """What it says to be copied; empty where that is only a name, or it refuses."""
    try:
        reduced = thing.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - a foreign class may raise anything to say no
        return ()
    return reduced if isinstance(reduced, tuple) else ()


def _has_state(thing: Any, reduced: tuple[Any, ...]) -> bool:
    return len(reduced) > 2 and reduced[2] is not None and hasattr(thing, "__setstate__")


# Attributes.


@lru_cache(maxsize=1024)
def _slots(cls: type) -> dict[str, Any]:
    """Name of a slot → its descriptor."""
    return {
        f"{base.__qualname__}.{name}": descriptor
        for base in cls.__mro__
        for name, descriptor in vars(base).items()
        if isinstance(descriptor, types.MemberDescriptorType) and base.__module__ != "builtins"
    }


Attributes = tuple[type, "dict[str, Any] | None", "dict[str, Any]"]


def _take_attributes(thing: Any) -> Attributes:
    cls: Any = type(thing)
    slots = {name: _slot(descriptor, thing) for name, descriptor in _slots(cls).items()}
    return cls, dict(vars(thing)) if cls.__dictoffset__ else None, slots


def _slot(descriptor: Any, thing: Any) -> Any:
    try:
        return descriptor.__get__(thing)
    except AttributeError:  # not set
        return MISSING


def _put_attributes(thing: Any, state: Attributes) -> None:
    cls, attributes, slots = state
    if type(thing) is not cls:
        object.__setattr__(thing, "__class__", cls)
    if attributes is not None:
        own = vars(thing)
        own.clear()
        own.update(attributes)
    for name, descriptor in _slots(cls).items():
        value = slots[name]
        if value is MISSING:
            with contextlib.suppress(AttributeError):
                descriptor.__delete__(thing)
        elif _slot(descriptor, thing) is not value:
            descriptor.__set__(thing, value)


def _in_attributes(thing: Any, state: Attributes) -> Iterable[Any]:
    _, attributes, slots = state
    if getattr(type(thing), "__getstate__", None) is not _NO_STATE:
        # It says itself what of it is data: what it leaves out may be a connection.
        return not_atoms([thing.__getstate__()])
    return not_atoms([*(attributes or {}).values(), *(v for v in slots.values() if v is not MISSING)])


# Objects that say how they are copied.


def _take_pickled(thing: Any) -> tuple[Attributes, tuple[Any, ...]]:
    reduced = _reduced(thing)
    state = _copied(reduced[2], {}) if _has_state(thing, reduced) else None
    return _take_attributes(thing), (state, reduced[1:3])


def _put_pickled(thing: Any, taken: tuple[Attributes, tuple[Any, ...]]) -> None:
    attributes, (state, _) = taken
    _put_attributes(thing, attributes)
    if state is not None and not type(thing).__dictoffset__:
        thing.__setstate__(_copied(state, {}))  # a copy once more: the object may go on with what it is given


def _copied(state: Any, met: dict[int, Any]) -> Any:
    """A state whose containers and arrays are copies; the objects in them are the same."""
    kind = type(state)
    if id(state) in met:
        return met[id(state)]
    if kind is tuple:
        return tuple(_copied(part, met) for part in state)
    if kind is list:
        made = met[id(state)] = []
        made += [_copied(part, met) for part in state]
        return made
    if kind is dict:
        filled = met[id(state)] = {}
        filled |= {key: _copied(part, met) for key, part in state.items()}
        return filled
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        return state.copy()
    return state


_ATTRIBUTES = Content(_take_attributes, _put_attributes, _in_attributes)
_PICKLED_ITSELF = (Content(_take_pickled, _put_pickled, lambda _, taken: not_atoms(taken[1][1])),)

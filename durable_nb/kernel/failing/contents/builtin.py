"""Containers and other values of the language and its standard library."""

from __future__ import annotations

import array
import collections
import contextlib
import decimal
import io
import random
import types
from collections.abc import Iterator
from typing import Any

from durable_nb.kernel.failing.contents.content import WORD, Content, not_atoms, only_below

HOMES = frozenset({"builtins", "collections", "io", "_io", "array", "random", "decimal"})
"""Modules whose classes have no more content than what is said here."""
_CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
_LINKS = ("__cause__", "__context__", "__suppress_context__")


def _in_dict(_: Any, state: dict[Any, Any]) -> Iterator[Any]:
    yield from not_atoms(state.values())
    yield from not_atoms(state.keys())


def _put_dict(thing: Any, state: dict[Any, Any]) -> None:
    kind = collections.OrderedDict if isinstance(thing, collections.OrderedDict) else dict
    kind.clear(thing)
    for key, value in state.items():
        kind.__setitem__(thing, key, value)


def _put_list(thing: Any, state: list[Any]) -> None:
    list.__setitem__(thing, slice(None), state)


def _put_set(thing: Any, state: set[Any]) -> None:
    set.clear(thing)
    set.update(thing, state)


def _put_deque(thing: Any, state: list[Any]) -> None:
    collections.deque.clear(thing)
    collections.deque.extend(thing, state)


def _put_default(thing: Any, state: Any) -> None:
    thing.default_factory = state


def _put_sequence(thing: Any, state: Any) -> None:
    thing[:] = state


def _set_state(thing: Any, state: Any) -> None:
    thing.__setstate__(state)


def _take_context(thing: Any) -> Any:
    return thing.copy()


def _put_context(thing: Any, state: Any) -> None:
    for name in _CONTEXT:
        setattr(thing, name, getattr(state, name))
    for signal in state.flags:
        thing.flags[signal], thing.traps[signal] = state.flags[signal], state.traps[signal]


def _take_exception(thing: Any) -> tuple[Any, ...]:
    return thing.args, *(getattr(thing, name) for name in _LINKS)


def _put_exception(thing: Any, state: tuple[Any, ...]) -> None:
    with contextlib.suppress(AttributeError):  # a class of its own may let nobody set them
        thing.args = state[0]
    for name, value in zip(_LINKS, state[1:], strict=True):
        setattr(thing, name, value)


BUILTIN: dict[type, Content] = {
    list: Content(list, _put_list, lambda _, state: not_atoms(state), lambda thing: WORD * len(thing)),
    dict: Content(
        lambda thing: dict(dict.items(thing)), _put_dict, _in_dict, lambda thing: 3 * WORD * len(thing)
    ),
    set: Content(set, _put_set, lambda _, state: not_atoms(state), lambda thing: 3 * WORD * len(thing)),
    collections.defaultdict: Content(
        lambda thing: thing.default_factory, _put_default, lambda _, state: (state,)
    ),
    collections.deque: Content(
        list, _put_deque, lambda _, state: not_atoms(state), lambda thing: WORD * len(thing)
    ),
    bytearray: Content(bytes, _put_sequence, size=len),
    array.array: Content(lambda thing: thing[:], _put_sequence, size=lambda x: len(x) * x.itemsize),
    random.Random: Content(random.Random.getstate, random.Random.setstate),
    decimal.Context: Content(_take_context, _put_context),
    io.BytesIO: Content(io.BytesIO.__getstate__, _set_state, size=lambda thing: thing.getbuffer().nbytes),
    io.StringIO: Content(io.StringIO.__getstate__, _set_state),
    BaseException: Content(
        _take_exception, _put_exception, lambda _, state: not_atoms((*state[0], *state[1:3]))
    ),
    tuple: only_below(lambda thing: thing),
    frozenset: only_below(lambda thing: thing),
    memoryview: only_below(lambda thing: (thing.obj,)),
    types.MappingProxyType: only_below(lambda thing: (*thing.values(), *thing.keys())),
}
"""Every class here gives its content to the classes that are made from it."""

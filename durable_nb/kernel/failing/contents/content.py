"""One kind of content of an object that can change: how it is taken, and put back into the same object."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, types.ModuleType})
"""Nothing of these is put back. A module leads to all others, to IPython and the kernel's own queues; what
the user's own modules hold is remembered by itself."""
MISSING = object()
"""Where there was nothing."""
WORD = 8
"""Bytes of a reference."""


@dataclass(frozen=True, slots=True)
class Content:
    """How one kind of content is handled."""

    take: Callable[[Any], Any]
    put: Callable[[Any, Any], None]
    below: Callable[[Any, Any], Iterable[Any]] = lambda _, __: ()
    """The objects that it refers to, of the thing and what was taken of it."""
    size: Callable[[Any], int] = lambda _: 0
    """Bytes that taking it costs, about."""


def only_below(parts: Callable[[Any], Iterable[Any]]) -> Content:
    """The content of what never changes itself, while what it refers to may."""
    return Content(lambda _: None, lambda *_: None, lambda thing, _: not_atoms(tuple(parts(thing))))


def not_atoms(things: Iterable[Any]) -> Iterable[Any]:
    """The same things, or none where nothing of them can change."""
    return () if ATOMS.issuperset(map(type, things)) else things

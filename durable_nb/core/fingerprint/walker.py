"""The walk over a value: finds the function for each type, and notices what it has met before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Final, TypeAlias

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint.hashing import Stream, length

FLUSH_AT: Final = 1 << 16

OfCode: TypeAlias = Callable[[object], str]
"""A function or class → the fingerprint of its code."""

Feed: TypeAlias = "Callable[[Walker, Any], None]"
"""Adds a value of one type to the walk."""

EXACT: dict[type, Feed] = {}
"""For values of exactly this type."""
NAMED: dict[str, Feed] = {}
"""As EXACT, by ``module.qualname``, for types of libraries that need not be installed."""
BASES: dict[str, Feed] = {}
"""For instances of a *subclass* of the type so named, when it has no entry of its own."""
STAND_INS: dict[str, Callable[[Any], object]] = {}
"""Given by users: what to fingerprint in place of a value of this type."""


class Obstacle(Exception):  # noqa: N818 - it never leaves the package
    """Something without a fingerprint was met; collects the way to it, innermost part first."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found
        self.way: list[str] = []

    def within(self, part: str) -> Obstacle:
        """The same obstacle seen from one level further out."""
        self.way.append(part)
        return self

    def error(self, name: str) -> NotFingerprintableError:
        """What the caller of ``fingerprint`` gets to see."""
        return NotFingerprintableError(f"{name}{''.join(reversed(self.way))}: {self.found}")


def full_name(kind: type) -> str:
    """``module.qualname`` of a type, as the registries spell it."""
    return f"{kind.__module__}.{kind.__qualname__}"


def type_name(kind: type) -> str:
    """``module.qualname`` for people; of a builtin type only its name."""
    return full_name(kind).removeprefix("builtins.")


class Walker:
    """One walk over one value.

    Mutable objects are numbered as they are met; meeting one again adds its number instead of its content, so
    that sharing is seen and cycles end. Each one is kept alive until the walk ends, because an ``id`` is only
    unique among the living, and much of what is met was made for the walk.
    """

    __slots__ = ("_found", "_kept", "_seen", "_stream", "classes", "inside", "memory", "of_code", "out")

    def __init__(self, of_code: OfCode | None = None) -> None:
        self.of_code = of_code
        self.classes: dict[type, bytes] = {}
        self.inside = 0
        """How many objects of a class the present value lies within."""
        self.memory: dict[int, list[Any]] = {}
        """Arrays met so far, by the object that owns their memory."""
        self._stream = Stream()
        self.out = self._stream.pending
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []
        self._found: dict[type, Feed] = {}

    def walk(self, value: object) -> None:
        """Add one value, with its type."""
        kind = type(value)
        feed = EXACT.get(kind) or self._found.get(kind)
        if feed is None:
            feed = self._found[kind] = find(kind)
        feed(self, value)

    def first(self, value: object) -> bool:
        """Whether this mutable object is new to the walk; if not, its number has been added."""
        seen = self._seen
        number = seen.get(id(value))
        if number is None:
            seen[id(value)] = len(seen)
            self._kept.append(value)
            if len(self.out) > FLUSH_AT:
                self._stream.flush()
            return True
        self.out += b"&" + length(number)
        return False

    def all_first(self, values: list[Any]) -> bool:
        """Whether all these mutable objects are new to the walk and no two are one; then they are met."""
        numbers = dict(zip(map(id, values), count(len(self._seen)), strict=False))
        if len(numbers) < len(values) or not numbers.keys().isdisjoint(self._seen):
            return False
        self._seen.update(numbers)
        self._kept.append(values)
        return True

    def tag(self, name: str) -> None:
        """Add the name of a kind of value; what follows is laid out as that kind defines."""
        data = name.encode()
        self.out += b"#" + length(len(data)) + data

    def size(self, number: int) -> None:
        """Add a size."""
        self.out += length(number)

    def sized(self, data: bytes) -> None:
        """Add bytes of variable size."""
        self.out += length(len(data)) + data

    def raw(self, data: Any) -> None:
        """Add a contiguous buffer without a copy; its size must be fixed by what was added before."""
        self._stream.raw(data)

    def items(self, values: Iterable[object]) -> None:
        """Add each value of a sequence whose size was added before."""
        at = 0
        try:
            for at, value in enumerate(values):  # noqa: B007 - used on the way out
                self.walk(value)
        except Obstacle as obstacle:
            raise obstacle.within(f"[{at}]") from None

    def part(self, name: str, value: object) -> None:
        """Add a named part of a value; the name is only for people."""
        try:
            self.walk(value)
        except Obstacle as obstacle:
            raise obstacle.within(name) from None

    def aside(self, value: object) -> tuple[bytes, bool]:
        """Digest of one value by itself, and whether it met mutable objects that it has forgotten again."""
        outer, count = self._stream, len(self._seen)
        self._stream = Stream()
        self.out = self._stream.pending
        try:
            self.walk(value)
            return self._stream.digest(), len(self._seen) > count
        finally:
            self._stream, self.out = outer, outer.pending
            while len(self._seen) > count:
                self._seen.popitem()

    def hexdigest(self) -> str:
        """The fingerprint of everything added."""
        return self._stream.digest().hex()


def find(kind: type) -> Feed:
    """The function for a type that has none of its own in EXACT: by name, by its bases, or the generic one.

    A type of a library keeps its entry; a type made in a notebook is looked up again, so that it can go.
    """
    name = full_name(kind)
    if name in STAND_INS:
        return stand_in
    if name in NAMED:
        EXACT[kind] = NAMED[name]
        return NAMED[name]
    for base in kind.__mro__[1:]:
        if (feed := BASES.get(full_name(base))) is not None:
            return feed
    return BASES["builtins.object"]


def stand_in(walker: Walker, value: object) -> None:
    """Add what a user-registered function gives in place of the value."""
    if not walker.first(value):
        return
    name = full_name(type(value))
    replacement = STAND_INS[name](value)
    walker.tag(name)
    walker.walk(replacement)

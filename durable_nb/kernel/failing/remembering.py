"""Remember the content of variables, and of everything below them, so that it can be put back in place."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from durable_nb.kernel.failing.contents import ATOMS, BUILTIN, Content, contents_of

_ENOUGH = 2_000_000
"""Objects remembered; of what is larger the rest is not."""
_ENOUGH_OF_STORED = 20_000
"""The same of one variable that can be had from the store too."""
_SMALL = 1 << 20
"""Bytes that are copied in any case."""


class Allowance:
    """How much memory copies may take.

    Args:
        most: Bytes; None for half of what is available.
    """

    def __init__(self, most: int | None) -> None:
        self._left = most

    def grants(self, size: int) -> bool:
        """Whether there is room for a copy of this size, which takes it."""
        if size <= _SMALL:
            return True
        if self._left is None:
            import psutil  # slow to import, and only needed where something is large

            self._left = psutil.virtual_memory().available // 2
        if size > self._left:
            return False
        self._left -= size
        return True


class Memory:
    """The content of objects as it was when they were added."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._taken: list[tuple[Any, Content, Any]] = []
        self._seen: dict[int, Any] = {}
        """Kept with the objects: an id says nothing once its object is gone."""
        self._partly = False

    @property
    def is_partial(self) -> bool:
        """Whether something was too large to be remembered."""
        return self._partly

    def leave_alone(self, things: Iterable[Any]) -> None:
        """Never enter these objects: neither their content nor what can be reached only through them."""
        self._seen.update((id(thing), thing) for thing in things if type(thing) not in ATOMS)

    def add(self, roots: Iterable[Any], *, stored: bool = False) -> None:
        """Remember objects and what they refer to.

        Args:
            roots: The objects.
            stored: They can be had from the store too, so that what is large is not copied.
        """
        collects = gc.isenabled()
        gc.disable()  # it would look at all that is remembered, again and again, and find nothing
        try:
            self._add(roots, stored=stored)
        finally:
            if collects:
                gc.enable()

    def _add(self, roots: Iterable[Any], *, stored: bool) -> None:
        queue = list(roots)
        seen, taken = self._seen, self._taken
        most = min(_ENOUGH, len(seen) + _ENOUGH_OF_STORED) if stored else _ENOUGH
        while queue:
            if len(seen) >= most:
                self._partly = True
                return
            thing = queue.pop()
            cls = type(thing)
            if cls in ATOMS or id(thing) in seen:
                continue
            if cls is dict or cls is list:  # by far the most
                state = thing.copy()
                seen[id(thing)] = thing
                taken.append((thing, BUILTIN[cls], state))
                for held in (state.values(), state) if cls is dict else (state,):
                    if not ATOMS.issuperset(map(type, held)):
                        queue += held
            elif contents := contents_of(thing):
                seen[id(thing)] = thing
                for content in contents:
                    queue += self._take(thing, content, stored=stored)

    def _take(self, thing: Any, content: Content, *, stored: bool) -> Iterable[Any]:
        try:
            size = content.size(thing)
            if (stored and size > _SMALL) or not self._allowance.grants(size):
                self._partly = True
                return ()
            state = content.take(thing)
            self._taken.append((thing, content, state))
            return list(content.below(thing, state))
        except Exception:  # noqa: BLE001 - foreign objects may raise anything; whoever puts back looks what came of it
            return ()

    def put_back(self, only: Callable[[Any], bool] = lambda _: True) -> None:
        """Give every object the content that it had, or only those for which something is true."""
        for thing, content, state in self._taken:
            if only(thing):
                restore(thing, content, state)


def restore(thing: Any, content: Content, state: Any) -> bool:
    """Put a content into an object, if that lets it."""
    try:
        content.put(thing, state)
    except Exception:  # noqa: BLE001 - the same
        return False
    return True


def become(thing: Any, other: Any) -> bool:
    """Give an object the content of another of its type; whether there was any to give."""
    contents = contents_of(other)
    if type(thing) is not type(other) or not contents:
        return False
    states = [(content, content.take(other)) for content in contents]
    restored = [restore(thing, content, state) for content, state in states]
    return all(restored)


def names_of(thing: Any, namespace: Mapping[str, Any]) -> list[str]:
    """The variables that are this very object."""
    return [name for name, value in namespace.items() if value is thing]

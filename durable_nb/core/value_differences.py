"""Where two values of plain data differ: ``['paths'][0] 'a' → 'b'``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from durable_nb.core.secrets import looks_secret
from durable_nb.core.summary import summarise

_DEEPEST = 20


def differences(was: Any, now: Any, *, most: int = 5) -> list[str]:
    """The first places at which two values differ, with what is there."""
    found = list(islice(_differing(was, now, "", _DEEPEST), most + 1))
    return [*found[:most], "…"] if len(found) > most else found


def _differing(was: Any, now: Any, place: str, depth: int) -> Iterator[str]:
    if type(was) is type(now) and depth:
        if isinstance(was, dict):
            yield from _entries(was, now, place, depth)
            return
        if isinstance(was, list | tuple):
            yield from _items(was, now, place, depth)
            return
    if not _same(was, now):
        words = "changed" if looks_secret(place) else f"{summarise(was)} → {summarise(now)}"
        yield f"{place} {words}".strip()


def _entries(was: dict[Any, Any], now: dict[Any, Any], place: str, depth: int) -> Iterator[str]:
    for key in {**was, **now}:
        at = f"{place}[{key!r}]"
        if key not in now:
            yield f"{at} is gone"
        elif key not in was:
            yield f"{at} is new"
        else:
            yield from _differing(was[key], now[key], at, depth - 1)


def _items(was: Any, now: Any, place: str, depth: int) -> Iterator[str]:
    if len(was) != len(now):
        yield f"{place} {len(was):,} → {len(now):,} items".strip()
    for index, (old, new) in enumerate(zip(was, now, strict=False)):
        yield from _differing(old, new, f"{place}[{index}]", depth - 1)


def _same(was: Any, now: Any) -> bool:
    return type(was) is type(now) and bool(was == now or (was != was and now != now))  # a NaN is a NaN

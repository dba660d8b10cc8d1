"""Who is listening: what is being observed now, and which threads do our own work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from durable_nb.kernel.depending.observing.observed import Observed

_OUR_THREADS = "durable_nb-"
"""How the names of our own threads begin."""


class _Inside(threading.local):
    """Whether this thread does our own work, which no step reads anything by."""

    def __init__(self) -> None:
        self.own = threading.current_thread().name.startswith(_OUR_THREADS)


_inside = _Inside()
_observed: Observed | None = None


def observed_now() -> Observed | None:
    """What the running step reads is noted here; None where no step runs or this thread's work is ours."""
    return None if _observed is None or _inside.own else _observed


@contextmanager
def observing(observed: Observed) -> Iterator[Observed]:
    """Let what the whole process does inside the block be noted, other threads included."""
    global _observed
    outer, _observed = _observed, observed
    try:
        yield observed
    finally:
        _observed = outer


@contextmanager
def unobserved() -> Iterator[None]:
    """What this thread does inside the block is our own business, not the step's."""
    before, _inside.own = _inside.own, True
    try:
        yield
    finally:
        _inside.own = before

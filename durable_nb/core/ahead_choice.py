"""Which step is worth a further kernel: one that will be ready before the step has its turn anyway."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step that may go ahead; all times in seconds, as they were recorded."""

    index: int
    """Of its cell."""
    seconds: float
    """How long it takes."""
    until_turn: float
    """When the notebook's own kernel will come to it."""


def choose(candidates: Sequence[Candidate], ready_in: float) -> int | None:
    """The step that a further kernel is to execute next; None where the notebook's own is sooner there.

    Best is one that is done when it has its turn: then nobody waits. A kernel that is not there yet is only
    worth its start if it then takes at least as much off the other.

    Args:
        candidates: In the order of the notebook.
        ready_in: Seconds until the kernel can execute something; 0 for one that has nothing to do.
    """
    timely = [one for one in candidates if one.until_turn >= ready_in]
    if not timely or _total(timely) < ready_in:
        return None
    done = (one.index for one in timely if one.until_turn >= ready_in + one.seconds)
    return next(done, timely[0].index)


def _total(candidates: Iterable[Candidate]) -> float:
    return sum(one.seconds for one in candidates)

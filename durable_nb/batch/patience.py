"""How long the engine lets a step run on after its time limit, which the kernel itself should enforce."""

from __future__ import annotations

from enum import Enum, auto

LATE = 5.0
"""Seconds after the deadline in which the kernel may end the attempt itself."""
GRACE = 5.0
"""Seconds after an interrupt until the step counts as stuck."""


class Move(Enum):
    """What to do about a running step."""

    WAIT = auto()
    INTERRUPT = auto()
    GIVE_UP = auto()


class Patience:
    """Decides about one cell: first the kernel's turn, then an interrupt, then none."""

    def __init__(self) -> None:
        self._interrupted: float | None = None
        """The deadline for which the step has been interrupted."""

    def next(self, deadline: float | None, now: float) -> tuple[Move, float | None]:
        """What to do now, and for how many seconds to wait if it is that; None for as long as it takes.

        A deadline that has moved is a new one: the kernel has begun another attempt, or the step has asked
        for more time.

        Args:
            deadline: When the attempt should have ended, in seconds since the epoch; None without a limit.
            now: The time, likewise.
        """
        if deadline is None:
            return Move.WAIT, None
        asked = deadline == self._interrupted
        left = deadline + LATE + (GRACE if asked else 0.0) - now
        if left > 0:
            return Move.WAIT, left
        if asked:
            return Move.GIVE_UP, None
        self._interrupted = deadline
        return Move.INTERRUPT, None

"""What keeps a panel from showing the present, in words; a panel with a problem stays usable."""

from __future__ import annotations

import logging

from durable_nb.core.errors import (
    DamagedError,
    DurableError,
    LedgerLockedError,
    StoreAccessError,
    StoreFullError,
    StoreVersionError,
    UsageError,
)
from durable_nb.core.model import Json

_log = logging.getLogger("durable_nb.dashboard")
_NEXT: tuple[tuple[type[DurableError], str, str], ...] = (
    (LedgerLockedError, "warning", "What you see is what was known before. The panel tries again by itself."),
    (StoreVersionError, "error", "pip install --upgrade durable_nb, then open the panel again."),
    (StoreFullError, "error", "Make room, then the panel goes on by itself."),
    (
        StoreAccessError,
        "error",
        "Make the folder readable, or name another store: export DURABLE_NB_STORE=FOLDER",
    ),
    (DamagedError, "warning", "What completed steps left is known from their traces: durable-nb recover"),
    (UsageError, "warning", ""),
)


def problem_of(error: DurableError) -> dict[str, Json]:
    """What is said of an error, and what to do next."""
    kind, following = next(
        ((kind, following) for known, kind, following in _NEXT if isinstance(error, known)), ("error", "")
    )
    return problem(kind, str(error), following)


def own_problem_of(error: Exception) -> dict[str, Json]:
    """What is said of an error of the panel itself, which the log has in full."""
    _log.error("the panel met an unexpected error", exc_info=error)
    text = f"The panel met an error of its own: {type(error).__name__}: {error}"
    return problem("error", text, "Open the panel again; the kernel's log has the traceback.")


def problem(kind: str, text: str, following: str = "") -> dict[str, Json]:
    """A problem as front ends get it.

    Args:
        kind: ``info``, ``warning`` or ``error``.
        text: What is the matter.
        following: What to do next.
    """
    return {"kind": kind, "text": text, "next": following}

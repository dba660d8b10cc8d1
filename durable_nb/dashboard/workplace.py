"""What a panel looks at: a store, one notebook, and the kernel that works on it if the panel is in one."""

from __future__ import annotations

from pathlib import Path

from durable_nb.kernel.session import Session
from durable_nb.store.store import Store

_PATIENCE = 2.0
"""Seconds to wait for a ledger that another process has: then the panel says so, and shows what it knew."""


class Workplace:
    """Where a panel works.

    Args:
        path: The folder of the store.
        notebook: Path of the notebook; empty where none is chosen.
        session: Of this kernel; None where it works on no notebook, so that it runs no steps.
    """

    def __init__(self, path: Path, notebook: str, session: Session | None) -> None:
        # A store of its own: it waits for nobody for long, and holds no event of a running step.
        self.store = Store(path, lock_timeout=_PATIENCE)
        self.notebook = notebook
        self.session = session
        if session is not None:
            self.store.conceal(session.store.secrets)

    @property
    def here(self) -> bool:
        """Whether this kernel runs the notebook's cells."""
        return self.session is not None

    @property
    def is_shown(self) -> bool:
        """Whether a front end tells what of the notebook is on the screen, saved or not."""
        return self.session is not None and self.session.shown.cells() is not None

    @property
    def has_unmarked_steps(self) -> bool:
        """Whether every code cell is a step, of which no plan knows the names."""
        return self.session is not None and self.session.auto.on

    @property
    def own_run(self) -> str:
        """The run of this kernel; empty where there is none."""
        return self.session.run.run_id if self.session is not None else ""

    @property
    def is_busy(self) -> bool:
        """Whether a cell runs in this kernel."""
        return self.session is not None and self.session.open_cells > 0

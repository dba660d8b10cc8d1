"""The lock that a process holds while it executes a step, so that no other executes the same meanwhile."""

from __future__ import annotations

from pathlib import Path

from durable_nb.store.locks import FileLock
from durable_nb.store.traces import folder_name

_LENGTH = 32


def step_lock(store: Path, step: str, identity: str) -> FileLock:
    """The lock of one step.

    Args:
        store: The store's folder.
        step: Name of the step.
        identity: What tells executions of it apart that may go on at the same time.
    """
    return FileLock(store / "locks" / f"{folder_name(step)}-{identity[:_LENGTH]}.lock")

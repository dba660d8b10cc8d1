"""Kernels of a notebook that pages of JupyterLab look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.manager import KernelManager

Start = Callable[[], KernelManager]


@contextmanager
def kernels_of(notebook: Path, user_key: Path) -> Iterator[Start]:
    """What starts kernels of a notebook in its folder, which end with the block."""
    started: list[KernelManager] = []
    own = {"JPY_SESSION_NAME": str(notebook), "DURABLE_NB_KEY_FILE": str(user_key)}

    def start() -> KernelManager:
        manager = KernelManager()
        manager.start_kernel(cwd=str(notebook.parent), env={**os.environ, **own})
        started.append(manager)
        return manager

    try:
        yield start
    finally:
        for manager in started:
            manager.shutdown_kernel(now=True)

"""Imports of installed packages leave the random generators alone.

Some packages draw while they are imported (rich does). Only the first import in a process runs their code,
so a step would depend on which cell imported the package first; and Python's own generator starts with
another state in every process. While a step runs or is restored, such draws are put back. The user's own
modules may seed and draw.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from durable_nb.kernel import ambient, modules


@contextmanager
def without_draws() -> Iterator[None]:
    """Put back what imports of installed packages draw inside the block, in the thread that runs it.

    Imports of other threads, such as the ledger's, go on at the same time: what is between their beginning
    and their end may be the step's own draws.
    """
    original = builtins.__import__
    thread = threading.get_ident()
    inside = False

    def importing(name: str, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        ours = threading.get_ident() == thread and not inside
        if name in sys.modules or not ours or not _is_installed(name, args):
            return original(name, *args, **kwargs)
        inside = True  # also for the look at the generators: numpy.random loads when it is looked at
        try:
            before = ambient.read_random()
            try:
                return original(name, *args, **kwargs)
            finally:
                ambient.restore_random(before)
        finally:
            inside = False

    builtins.__import__ = importing
    try:
        yield
    finally:
        builtins.__import__ = original


def _is_installed(name: str, args: tuple[Any, ...]) -> bool:
    level = args[3] if len(args) > 3 else 0
    return not level and modules.source_of(name) is None

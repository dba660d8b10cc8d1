"""Ends a process whose parent is gone, such as a kernel without its engine, even deep in compiled code."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Have the system kill this process when `parent`, which started it, ends.

    ipykernel watches its parent from a Python thread, which cannot run while a library holds the
    interpreter; the system needs no thread. Only Linux offers it; elsewhere ipykernel's watch has to do.
    """
    if sys.platform != "linux" or os.getppid() != parent:
        return  # started through a wrapper, which is the one that would be watched
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended just before it was watched
        os.kill(os.getpid(), signal.SIGKILL)

"""Whether the process that a run was recorded for is still at work."""

from __future__ import annotations

import os

from durable_nb.store.origin import host

_CLOCK_SLACK = 2.0


def is_gone(host_name: str, pid: int, since: float) -> bool:
    """Whether the process `pid` of `host_name`, at work since `since`, is known to have ended.

    A process of another machine cannot be seen from here, so it is never known to be gone. A process
    that started after `since` has only got the number of the one that is meant; so has this process.

    Args:
        host_name: The machine's name, as it was recorded there.
        pid: The process's number on that machine.
        since: A moment at which the process was alive, in seconds since the epoch.
    """
    if host_name != host():
        return False
    import psutil  # only now: most often nothing is at work

    if pid == os.getpid():
        return bool(psutil.Process().create_time() > since + _CLOCK_SLACK)
    try:
        process = psutil.Process(pid)
        return bool(process.create_time() > since + _CLOCK_SLACK or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True

"""The memory a piece of work needs on top of what its process held before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20


@dataclass(slots=True)
class Spent:
    """What a block of code took."""

    seconds: float = 0.0
    peak_mib: float = 0.0


def resident(which: str) -> int:
    """A line of ``/proc/self/status`` in bytes: ``VmRSS`` now, ``VmHWM`` at its highest."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(which):
            return int(line.split()[1]) * 1024
    raise LookupError(which)


@contextmanager
def measured() -> Iterator[Spent]:
    """Time a block, and the highest memory inside it above that at its start (Linux only)."""
    spent = Spent()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # sets VmHWM back to VmRSS
    before, start = resident("VmRSS"), time.perf_counter()
    yield spent
    spent.seconds = time.perf_counter() - start
    spent.peak_mib = (resident("VmHWM") - before) / MIB

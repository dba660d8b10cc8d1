"""The points at which something becomes durable in this process, seen from outside the code that does it.

A point comes *before* what it is named after; the next one is after it. Files are seen by Python's audit
events, flushes and writes by what ``os`` offers for them, the ledger's transactions by its own method. What
is installed here stays until the process ends.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from durable_nb.core.model import StepEvent
from durable_nb.store.ledger import Ledger

Happen = Callable[[str], None]
"""What happens at a point; gets its name, such as ``fsync traces``. It may raise an OSError, or kill."""

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_busy = threading.local()


class _Raw(io.FileIO):
    """A file whose writes are points."""

    happen: Callable[[], None]

    def write(self, data: Any, /) -> int:
        self.happen()
        return super().write(data)


class Points:
    """Watches the writes to one store.

    Args:
        store: Its folder.
        happen: Called at each point.
    """

    def __init__(self, store: Path, happen: Happen) -> None:
        self._store = str(store) + os.sep
        self._happen = happen
        self._names: dict[int, str] = {}

    def install(self) -> None:
        """Watch from now on."""
        sys.addaudithook(self._audit)
        self._wrap_descriptors()
        self._wrap_ledger()

    def _pass(self, what: str, path: str) -> None:
        if getattr(_busy, "yes", False):
            return
        _busy.yes = True
        try:
            self._happen(f"{what} {self._kind(path)}")
        finally:
            _busy.yes = False

    def _kind(self, path: str) -> str:
        return path.removeprefix(self._store).partition(os.sep)[0]

    def _within(self, path: object) -> str:
        """The path, if it is in the store."""
        if isinstance(path, int) or path is None:
            return ""
        found = os.fsdecode(path)  # type: ignore[arg-type]  # what the audit event of a path carries
        return found if found.startswith(self._store) else ""

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if isinstance(arguments[2], int) and arguments[2] & _WRITES and self._within(arguments[0]):
                self._pass("open", self._within(arguments[0]))
        elif event in {"os.rename", "os.mkdir", "os.remove", "os.truncate"}:
            path = self._within(arguments[1 if event == "os.rename" else 0])
            if path:
                self._pass(event.removeprefix("os."), path)

    def _wrap_descriptors(self) -> None:
        fsync, fdopen = os.fsync, os.fdopen

        def watched_fsync(descriptor: int) -> None:
            if path := self._path_of(descriptor):
                self._pass("fsync", path)
            fsync(descriptor)

        def watched_fdopen(descriptor: int, mode: str = "r", *more: Any, **options: Any) -> Any:
            path = self._path_of(descriptor)
            if not path or mode != "wb":
                return fdopen(descriptor, mode, *more, **options)
            raw = _Raw(descriptor, "wb")
            raw.happen = lambda: self._pass("write", path)
            return io.BufferedWriter(raw)

        for function in (watched_fsync, watched_fdopen):
            setattr(os, function.__name__.removeprefix("watched_"), function)

    def _path_of(self, descriptor: int) -> str:
        try:
            return self._within(os.readlink(f"/proc/self/fd/{descriptor}") + os.sep).rstrip(os.sep)
        except OSError:
            return ""

    def _wrap_ledger(self) -> None:
        record, store = Ledger.record, self._store

        def watched_record(ledger: Ledger, events: Sequence[StepEvent], **how: bool) -> None:
            ours = str(ledger.folder) + os.sep == store
            if ours:
                self._pass("transaction", "ledger")
            record(ledger, events, **how)
            if ours:
                self._pass("transaction done", "ledger")

        Ledger.record = watched_record  # type: ignore[method-assign, assignment]


def error_of(code: int) -> OSError:
    """The error that the operating system raises under this number."""
    return OSError(code, os.strerror(code))


NO_ROOM, BROKEN_DISK, NO_PERMISSION = errno.ENOSPC, errno.EIO, errno.EACCES

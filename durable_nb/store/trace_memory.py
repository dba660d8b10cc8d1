"""Traces kept in memory for who looks at all of them again and again, as plans do."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from durable_nb.core.model import Trace

_MOST_BYTES = 32 * 2**20
"""Size of the files of all traces that are kept; those that nobody looked at for longest go first."""
FileState = tuple[str, int, int]
"""Path of a file, its size in bytes, and when it was written: for another content these are others."""


class TraceMemory:
    """Traces that have been read, each as long as its file is as it was."""

    def __init__(self) -> None:
        self._known: OrderedDict[FileState, Trace] = OrderedDict()
        self._bytes = 0
        self._mutex = threading.Lock()

    def get(self, file: FileState, read: Callable[[], Trace | None]) -> Trace | None:
        """The trace in a file.

        Args:
            file: The file as it is now.
            read: Reads it; None where that is not possible, which is not remembered.
        """
        with self._mutex:
            if file in self._known:
                self._known.move_to_end(file)
                return self._known[file]
        trace = read()
        if trace is not None:
            self._keep(file, trace)
        return trace

    def _keep(self, file: FileState, trace: Trace) -> None:
        with self._mutex:
            if file not in self._known:
                self._known[file] = trace
                self._bytes += file[1]
            while self._bytes > _MOST_BYTES:
                (_, size, _), _ = self._known.popitem(last=False)
                self._bytes -= size

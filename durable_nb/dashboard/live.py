"""Keeps the views up to date: a thread that looks when something changed and somebody looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path

_REST = 0.25
"""Seconds between two updates, and between two looks at the store's files."""
_SHARE = 4
"""How many times longer than an update it rests: a large store costs a fifth of the time at most.

What counts is the work, and not what an update waited for while cells ran or others held the ledger."""
_ATTENTION = 60.0
"""Seconds after which nobody is taken to look at a panel that has asked for nothing."""


class Live:
    """Calls for an update at most every quarter of a second, and never where nothing changed.

    Args:
        update: Called in the thread; told whether the store's files have changed.
        state: What tells whether they have; cheap.
        failed: Called with an error that an update met; the next one comes all the same.
    """

    def __init__(
        self,
        update: Callable[[bool], None],
        state: Callable[[], Hashable],
        failed: Callable[[Exception], None],
    ) -> None:
        self._update = update
        self._state = state
        self._failed = failed
        self._changed = threading.Event()
        self._seen = 0.0
        self._held = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self.attend()
        self._thread = threading.Thread(target=self._work, name="durable_nb-dashboard", daemon=True)
        self._thread.start()

    def attend(self) -> None:
        """Somebody looks at the panel."""
        was_alone = time.monotonic() - self._seen > _ATTENTION
        self._seen = time.monotonic()
        if was_alone:
            self._changed.set()

    def hold(self) -> None:
        """A cell begins: until it ends, a front end without subshells cannot say that somebody looks."""
        self._held = self._is_seen()

    def release(self) -> None:
        """It has ended."""
        if self._held:
            self._held = False
            self.attend()
        self.stir()

    def stir(self) -> None:
        """Something has changed; returns at once."""
        self._changed.set()

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._changed.set()

    def _work(self) -> None:
        known: Hashable = None
        while not self._closed:
            told = self._changed.wait(_REST if self._is_seen() else None)
            if not self._is_seen():
                self._changed.clear()
                continue
            state = self._state()
            if (told or state != known) and not self._closed:
                self._changed.clear()
                began = time.thread_time()
                try:
                    self._update(state != known)
                except Exception as error:  # noqa: BLE001 - whatever it is, the panel is not to stand still
                    self._failed(error)
                known = state
                time.sleep(max(_REST, _SHARE * (time.thread_time() - began)))

    def _is_seen(self) -> bool:
        return self._held or time.monotonic() - self._seen <= _ATTENTION


def state_of_files(store: Path) -> Hashable:
    """What is another one when a process has written into a store."""
    return tuple(map(state_of_file, (store / "ledger.duckdb", store / "ledger.duckdb.wal", store / "spool")))


def state_of_file(path: Path) -> Hashable:
    """What is another one when a file has changed; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

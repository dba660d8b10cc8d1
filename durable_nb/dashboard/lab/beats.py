"""A beat each second while a cell runs: how the steps stand, for pages that are new and cannot ask."""

from __future__ import annotations

import threading
from collections.abc import Callable

_REST = 1.0
"""Seconds between two beats."""


class Beats:
    """A thread that calls for a beat each second between `begin` and `end`, and otherwise waits.

    Args:
        beat: Sends one.
    """

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._at_work = threading.Event()
        self._over = threading.Event()
        self._closed = False
        threading.Thread(target=self._work, name="durable_nb-beats", daemon=True).start()

    def begin(self) -> None:
        """A cell begins."""
        self._over.clear()
        self._at_work.set()

    def end(self) -> None:
        """It has ended."""
        self._at_work.clear()
        self._over.set()

    def close(self) -> None:
        """Beat no more."""
        self._closed = True
        self._at_work.set()
        self._over.set()

    def _work(self) -> None:
        while not self._closed:
            self._at_work.wait()
            if not self._over.wait(_REST):
                self._beat()

"""Write-behind for the ledger: recording an event costs its caller microseconds, a thread does the rest."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence

from durable_nb.core.errors import StoreError
from durable_nb.core.model import StepEvent

_log = logging.getLogger("durable_nb.store")
_writers: weakref.WeakSet[Writer] = weakref.WeakSet()

_LARGEST_BATCH = 1000
_PAUSE = 0.25
"""Seconds between two batches, in which events gather. The first event after a rest is written at once."""
_REST = 5.0
"""Seconds without an event after which the thread ends; the next event starts another."""


class Writer:
    """A queue of events that a thread commits in batches, in order.

    A batch the ledger cannot take now (no room, locked, …) stays in the queue and is tried again.

    Args:
        commit: Writes events durably, all or none. Writing an event twice must count once.
    """

    def __init__(self, commit: Callable[[Sequence[StepEvent]], None]) -> None:
        self._commit = commit
        self._queue: deque[StepEvent] = deque()
        self._rejected: list[str] = []
        self._thread: threading.Thread | None = None
        self.forget()
        _writers.add(self)

    def put(self, event: StepEvent) -> None:
        """Add an event; never blocks, never fails."""
        self._queue.append(event)
        if self._thread is None:
            self._start()
        self._wake.set()

    def flush(self) -> None:
        """Commit everything that was put before.

        Raises:
            StoreError: The ledger cannot take it; the events stay in the queue.
        """
        self._drain()
        rejected, self._rejected = self._rejected, []
        if rejected:
            raise StoreError(f"The ledger did not accept {len(rejected)} events: {rejected[0]}")

    def _drain(self) -> None:
        with self._draining:
            while size := min(len(self._queue), _LARGEST_BATCH):
                # events leave the queue only when they are durable, whatever interrupts this
                self._commit_batch([self._queue[place] for place in range(size)])
                for _ in range(size):
                    self._queue.popleft()

    def _commit_batch(self, batch: list[StepEvent]) -> None:
        try:
            self._commit(batch)
        except (StoreError, Warning):
            raise
        except Exception as error:  # noqa: BLE001  # whatever one event is, the others must not be lost with it
            if len(batch) == 1:
                self._rejected.append(f"{batch[0].kind} of step {batch[0].step!r}: {error!r}")
                return
            for event in batch:
                self._commit_batch([event])

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="durable_nb-ledger", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return  # the interpreter is shutting down: flush commits what is left
                self._thread = thread

    def _work(self) -> None:
        told = ""
        while self._wake.wait(_REST) or not self._retired():
            self._wake.clear()
            try:
                self._drain()
                told = ""
            except Exception as error:  # noqa: BLE001  # flush raises it again to who asks
                if told != str(error):
                    told = str(error)
                    _log.warning("The ledger could not be written, and will be tried again: %s", error)
            time.sleep(_PAUSE)

    def _retired(self) -> bool:
        with self._starting:
            thread, self._thread = self._thread, None
            if self._wake.is_set():  # an event came after the wait; its caller may have seen this thread
                self._thread = thread
                return False
            return True

    def forget(self) -> None:
        """Begin with nothing; in a forked child the queue and the thread are the parent's."""
        self._queue = deque()
        self._rejected = []
        self._thread = None
        self._draining = threading.RLock()
        self._starting = threading.Lock()
        self._wake = threading.Event()


def _forget_in_children() -> None:
    for writer in list(_writers):
        writer.forget()


def _flush_at_exit() -> None:
    # a writer with events has a thread, which keeps it alive though its store may be gone
    for writer in list(_writers):
        try:
            writer.flush()
        except StoreError as error:
            _log.warning("The ledger lacks the last events: %s", error)


os.register_at_fork(after_in_child=_forget_in_children)
atexit.register(_flush_at_exit)

"""Write-behind for the ledger: recording an event costs its caller microseconds, a thread does the rest.

While the user's code runs, the process stands aside: a library that keeps the interpreter busy, or a signal
that stops the process, would halt the thread in the middle of a transaction, and everybody else with it. Then
events go to the spool, which takes no lock.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from durable_nb.core.errors import LedgerLockedError, StoreError
from durable_nb.core.model import StepEvent
from durable_nb.store.spool import Spool

_log = logging.getLogger("durable_nb.store")
_writers: weakref.WeakSet[Writer] = weakref.WeakSet()

_LARGEST_BATCH = 1000
_PAUSE = 0.25
"""Seconds between two batches, in which events gather. The first event after a rest is written at once."""
_REST = 5.0
"""Seconds without an event after which the thread ends; the next event starts another."""


class Commit(Protocol):
    """Writes events, after those in the spool, into the ledger."""

    def __call__(self, events: Sequence[StepEvent], *, wait: bool = True) -> None:
        """Write events durably, all or none; writing an event twice counts once.

        Raises:
            LedgerLockedError: The ledger is busy, and was to be waited for no longer, or not at all.
        """


class Writer:
    """A queue of events that a thread commits in batches, in order.

    A batch the ledger cannot take now (no room, …) stays in the queue and is tried again.

    Args:
        commit: Writes events into the ledger.
        spool: Takes events while they must not, or cannot, be written into the ledger.
    """

    def __init__(self, commit: Commit, spool: Spool) -> None:
        self._commit = commit
        self._spool = spool
        self._queue: deque[StepEvent] = deque()
        self._rejected: list[str] = []
        self._thread: threading.Thread | None = None
        self._aside = False
        self._spooled = False
        self.forget()
        _writers.add(self)

    def put(self, event: StepEvent) -> None:
        """Add an event; never blocks, never fails."""
        self._queue.append(event)
        self.stir()

    def stir(self) -> None:
        """Have the thread look at queue and spool."""
        if self._thread is None:
            self._start()
        self._wake.set()

    def step_aside(self) -> None:
        """From now on take no lock in the background; a transaction that is on its way is waited for."""
        with self._transaction:
            self._aside = True

    def come_back(self) -> None:
        """From now on write into the ledger again."""
        self._aside = False
        if self._spooled:
            self.stir()

    def put_down(self) -> None:
        """Write what is queued where other processes find it, whatever becomes of this one; takes no lock.

        Where that is not possible, the thread meets the same error, tells it, and tries again.
        """
        with self._draining:
            try:
                self._put_down(durably=False)
            except StoreError:
                self.stir()

    def flush(self) -> None:
        """Commit everything that was put before.

        Raises:
            StoreError: The ledger cannot take it; nothing is forgotten.
        """
        self._drain(self._commit)
        if self._spool.files():
            self._commit(())
        rejected, self._rejected = self._rejected, []
        if rejected:
            raise StoreError(f"The ledger did not accept {len(rejected)} events: {rejected[0]}")

    def _drain(self, write: Callable[[Sequence[StepEvent]], None]) -> None:
        with self._draining:
            while size := min(len(self._queue), _LARGEST_BATCH):
                # events leave the queue only when they are written, whatever interrupts this
                self._write_batch([self._queue[place] for place in range(size)], write)
                for _ in range(size):
                    self._queue.popleft()

    def _write_batch(self, batch: list[StepEvent], write: Callable[[Sequence[StepEvent]], None]) -> None:
        try:
            write(batch)
        except (StoreError, Warning):
            raise
        except Exception as error:  # noqa: BLE001  # whatever one event is, the others must not be lost with it
            if len(batch) == 1:
                self._rejected.append(f"{batch[0].kind} of step {batch[0].step!r}: {error!r}")
                return
            for event in batch:
                self._write_batch([event], write)

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
            if self._aside:
                time.sleep(_PAUSE)  # most often the next step puts the events down itself, in one file
            self._wake.clear()
            try:
                self._carry()
                told = ""
            except Exception as error:  # noqa: BLE001  # flush raises it again to who asks
                # what is logged while a step runs would be recorded as shown by it
                if told != str(error) and not self._aside:
                    told = str(error)
                    _log.warning("The ledger could not be written, and will be tried again: %s", error)
            time.sleep(_PAUSE)

    def _carry(self) -> None:
        """Write what is queued into the ledger, or into the spool where that would mean to wait."""
        try:
            if self._commit_unless_aside():
                return
        except LedgerLockedError:
            self._wake.set()  # whoever has the ledger may leave the spool as it is
        self._put_down(durably=True)

    def _put_down(self, *, durably: bool) -> None:
        self._spooled = True
        self._drain(lambda events: self._spool.add(events, durably=durably))

    def _commit_unless_aside(self) -> bool:
        with self._transaction:
            if self._aside:
                return False
            self._drain(lambda events: self._commit(events, wait=False))
            if self._spool.files():
                self._commit((), wait=False)
            self._spooled = False
            return True

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
        self._transaction = threading.Lock()
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

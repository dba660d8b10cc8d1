"""The file lock around every ledger transaction.

``flock`` is freed by the kernel when its process dies, however it dies. It is not to be trusted on NFS.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from durable_nb.core.errors import LedgerLockedError
from durable_nb.store.files import make_folder, translated

_log = logging.getLogger("durable_nb.store")
_open: set[int] = set()
"""Descriptors of lock files of this process: a forked child must not keep them open."""


class FileLock:
    """A lock between processes (and threads), in a file that says who holds it.

    A waiting process sleeps in the kernel's queue, so waiting is fair and wakes at once.

    Args:
        path: The lock file; it is made if missing, and stays.
        warn_after: Seconds of waiting after which a log message says who holds the lock.
        timeout: Seconds of waiting after which LedgerLockedError is raised.
    """

    def __init__(self, path: Path, *, warn_after: float = 2.0, timeout: float = 30.0) -> None:
        self.path = path
        self.warn_after = warn_after
        self.timeout = timeout
        self._held: list[int] = []

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Wait for the lock and take it.

        Raises:
            LedgerLockedError: It was held for longer than ``timeout``; names the holder.
            StoreAccessError: The lock file cannot be opened.
        """
        until = time.monotonic() + self.timeout
        while True:
            descriptor = _open_lock_file(self.path)
            if not _try(descriptor):
                self._wait(descriptor, until)
            if _is_file(descriptor, self.path):
                break
            _close(descriptor)
        _sign(descriptor)
        self._held.append(descriptor)

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it, making the folder of its file where it is missing.

        Returns:
            Whether it is ours now.

        Raises:
            StoreAccessError: The lock file cannot be opened.
        """
        with translated(self.path):
            make_folder(self.path.parent)
        while True:
            descriptor = _open_lock_file(self.path)
            if not _try(descriptor):
                _close(descriptor)
                return False
            if _is_file(descriptor, self.path):
                break
            _close(descriptor)
        _sign(descriptor)
        self._held.append(descriptor)
        return True

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Hold the lock for a block, without waiting for it.

        Raises:
            LedgerLockedError: Somebody holds it.
        """
        if not self.try_acquire():
            raise LedgerLockedError(f"{self.path} is held by {self.holder()}.")
        try:
            yield
        finally:
            self.release()

    def discard(self) -> None:
        """Give the lock back and remove its file: who waits for it makes another."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        self.release()

    def release(self) -> None:
        """Give the lock to the next in the queue."""
        _close(self._held.pop())

    def holder(self) -> str:
        """Say who holds the lock, as far as is known: ``process 12 on host since 2026-11-01 10:00:00``."""
        try:
            found = json.loads(self.path.read_bytes())
            since = datetime.datetime.fromtimestamp(found["since"]).astimezone()
            return f"process {found['pid']} on {found['host']} since {since:%Y-%m-%d %H:%M:%S}"
        except (OSError, ValueError, KeyError, TypeError):
            return "a process that left no name"

    def _wait(self, descriptor: int, until: float) -> None:
        queue = _Queue(descriptor)
        started = time.monotonic()
        try:
            if queue.entered(min(self.warn_after, until - started)):
                return
            if until - started > self.warn_after:
                _log.warning("Waiting for %s, held by %s", self.path, self.holder())
                if queue.entered(until - time.monotonic()):
                    return
        except BaseException:
            if not queue.leave():
                _close(descriptor)
            raise
        if queue.leave():
            raise LedgerLockedError(
                f"{self.path} is held by {self.holder()}; waited {time.monotonic() - started:.1f} s for it. "
                "It is held for milliseconds as a rule: see what that process does, or end it, and run again."
            )


class _Queue:
    """One place in the kernel's queue for a lock; it can be given up, unlike a plain ``flock``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._got = threading.Event()
        self._left = False
        self._decision = threading.Lock()
        self._threaded = True
        try:
            threading.Thread(target=self._stand, name="durable_nb-lock", daemon=True).start()
        except RuntimeError:  # the interpreter is shutting down and starts no threads any more
            self._threaded = False

    def _stand(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._decision:
            if self._left:
                _close(self._descriptor)
            else:
                self._got.set()

    def entered(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for the lock, and say whether it is ours."""
        if self._threaded:
            return self._got.wait(max(0.0, seconds))
        until = time.monotonic() + seconds
        while not _try(self._descriptor):
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def leave(self) -> bool:
        """Give the place up. False if the lock came in the same moment: then it is ours."""
        with self._decision:
            if self._threaded and self._got.is_set():
                return False
            self._left = True
        if not self._threaded:
            _close(self._descriptor)
        return True


def _open_lock_file(path: Path) -> int:
    flags = os.O_CLOEXEC | os.O_CREAT
    with translated(path):
        try:
            descriptor = os.open(path, os.O_RDWR | flags, 0o666)
        except OSError:
            # A store that may only be read: flock does not need a writable file.
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                _open.add(descriptor)
                return descriptor
            raise
    _open.add(descriptor)
    return descriptor


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether the locked file still is the one at ``path``: someone may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    line = json.dumps({"pid": os.getpid(), "host": os.uname().nodename, "since": round(time.time(), 3)})
    # Only information for people: a full disk or a read-only file must not stop the transaction.
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, line.encode().ljust(160) + b"\n", 0)


def _close(descriptor: int) -> None:
    _open.discard(descriptor)
    os.close(descriptor)


def _forget_in_child() -> None:
    # A child's copy would keep the lock held after its parent has closed its own.
    for descriptor in _open:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _open.clear()


os.register_at_fork(after_in_child=_forget_in_child)

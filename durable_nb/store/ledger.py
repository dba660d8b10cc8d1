"""The ledger: what happened, in DuckDB, open for the milliseconds of one transaction at a time."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import (
    DamagedError,
    LedgerLockedError,
    StoreAccessError,
    StoreError,
    StoreFullError,
    UsageError,
)
from durable_nb.core.model import EventKind, StepEvent, Trace
from durable_nb.store.files import make_folder, translated
from durable_nb.store.ledger_errors import ledger_error, query_error
from durable_nb.store.ledger_file import LedgerFile, Result, Work
from durable_nb.store.ledger_rows import Batch
from durable_nb.store.ledger_sql import unknown, write
from durable_nb.store.locks import FileLock
from durable_nb.store.spool import Spool

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_ledgers: weakref.WeakSet[Ledger] = weakref.WeakSet()
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,  # a name in a query is a table, never a variable of ours
}
_log = logging.getLogger("durable_nb.store")
_KEPT_TOO = {EventKind.RUN_STARTED, EventKind.RUN_FINISHED}
"""Events that are also in files, and whose effect is not the same when something came after them."""
_FILES = 100
"""Files of the spool that one transaction takes: it is to last milliseconds."""
_RETRY = 0.1
"""Seconds until a ledger that another program has open is tried again."""


class Ledger:
    """Runs, steps, attempts, traces and events, for everybody who asks.

    Safe to use from several threads and processes, and after a fork. Made at the first write.

    Args:
        folder: The store; the ledger is ``ledger.duckdb`` in it.
        traces: Gives every trace of the store; a ledger that is new or was damaged is filled from them.
        events: Gives what else is kept outside of the ledger of what happened; it is filled from that too.
        spool: Where processes leave events that they must not write into the ledger themselves.
        lock_timeout: Seconds to wait for other processes before LedgerLockedError is raised.
    """

    def __init__(
        self,
        folder: Path,
        traces: Callable[[], Iterable[Trace]] = tuple,
        events: Callable[[], Iterable[StepEvent]] = tuple,
        *,
        spool: Spool | None = None,
        lock_timeout: float = 30.0,
    ) -> None:
        self.folder = folder
        self.path = folder / "ledger.duckdb"
        self._file = LedgerFile(self.path, lambda connection: write(connection, _adopted(traces(), events())))
        self._spool = spool or Spool(folder / "spool")
        self._lock_timeout = lock_timeout
        self._connection: DuckDBPyConnection | None = None
        self._kept: contextlib.ExitStack | None = None
        """Gives back the lock of a transaction that is kept open."""
        self._reset()
        _ledgers.add(self)

    def record(self, events: Sequence[StepEvent], *, wait: bool = True) -> None:
        """Write what is in the spool, then events; once this returns they survive power loss.

        An event that is recorded twice counts once.

        Args:
            events: In their order.
            wait: Whether to wait for other processes.

        Raises:
            LedgerLockedError: Others are at the ledger, and were to be waited for no longer, or not at all.
            StoreError: None of the events was written.
        """

        def work(connection: DuckDBPyConnection) -> None:
            # who made the ledger anew may have learnt from files what this process has yet to record
            twice = any(event.kind in _KEPT_TOO for event in events)
            write(connection, _adopted((), unknown(connection, events) if twice else events))

        with self._mutex:
            self._make_folder()
            self._take_spool(wait=wait)
            if events:
                self._locked(work, write=True, wait=wait)

    def adopt(self, traces: Iterable[Trace]) -> None:
        """Write what traces prove, for those whose events were lost.

        Raises:
            StoreError: Nothing was written.
        """
        self._write(lambda connection: write(connection, _adopted(traces)))

    def learn(self, events: Sequence[StepEvent]) -> None:
        """Write those events that are not in the ledger, such as they are kept elsewhere.

        Raises:
            StoreError: Nothing was written.
        """
        self._write(lambda connection: write(connection, _adopted((), unknown(connection, events))))

    def query(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """Return the result of a query; the ledger cannot be changed by it. Times are in UTC.

        Raises:
            UsageError: The query is not right.
            StoreError: The ledger cannot be read.
        """

        def work(connection: DuckDBPyConnection) -> pa.Table:
            relation = connection.sql(sql, params=list(params))
            if relation is None:
                raise UsageError("The query gives no table. A SELECT was expected.")
            return relation.to_arrow_table()

        return self._ask(work)

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries. Times are naive datetimes in UTC, JSON is text.

        Raises:
            UsageError: The query is not right.
            StoreError: The ledger cannot be read.
        """
        names, rows = self.answer(sql, params)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def answer(self, sql: str, params: Sequence[object] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of a query's columns, and its rows, with values as in ``rows``.

        Raises:
            UsageError: The query is not right.
            StoreError: The ledger cannot be read.
        """

        def work(connection: DuckDBPyConnection) -> tuple[list[str], list[tuple[Any, ...]]]:
            result = connection.execute(sql, list(params))
            return [column[0] for column in result.description or ()], result.fetchall()

        return self._ask(work)

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[None]:
        """Open the file but once for all that is asked in the block. Others wait for it: only ask in it."""
        with self._mutex:
            self._keeping += 1
        try:
            yield
        finally:
            with self._mutex:
                self._keeping -= 1
                if not self._keeping:
                    self._let_go()

    def close(self) -> None:
        """Free DuckDB's memory; the ledger opens again when it is next used."""
        with self._mutex:
            self._discard()

    def _ask(self, query: Work[Result]) -> Result:
        import duckdb

        def work(connection: DuckDBPyConnection) -> Result:
            try:
                return query(connection)
            except duckdb.Error as error:
                raise query_error(error, self.path) from error

        return self._read(work)

    def _write(self, work: Work[None]) -> None:
        with self._mutex:
            self._make_folder()
            self._locked(work, write=True)

    def _take_spool(self, *, wait: bool) -> None:
        """Bring the files of the spool into the ledger, some at a time, oldest first."""
        while files := self._spool.files()[:_FILES]:
            try:
                self._take_files(files, wait=wait)
            except (StoreError, Warning):
                raise
            except Exception:  # noqa: BLE001  # whatever one file holds, the others must not be lost with it
                for file in files:
                    self._take_file(file, wait=wait)

    def _take_file(self, file: Path, *, wait: bool) -> None:
        try:
            self._take_files([file], wait=wait)
        except (StoreError, Warning):
            raise
        except Exception as error:  # noqa: BLE001  # it is kept, and told of
            self._spool.set_aside(file, error)

    def _take_files(self, files: Sequence[Path], *, wait: bool) -> None:
        def work(connection: DuckDBPyConnection) -> None:
            events = [event for file in files for event in self._spool.read(file)]
            # a process that died before it removed a file has brought it in: what came later stands
            write(connection, _adopted((), unknown(connection, events)))

        self._locked(work, write=True, wait=wait)
        self._spool.remove(files)

    def _read(self, work: Work[Result]) -> Result:
        with self._mutex:
            if self._file.is_open:
                with self._guarded() as connection:
                    return work(connection)
            if self._spool.files() and os.access(self.folder, os.W_OK):
                self._take_spool_to_read()
            if self.path.exists() or self._worth_making():
                return self._locked(work, write=False)
            with self._guarded() as connection:
                return self._file.without_file(connection, work)

    def _worth_making(self) -> bool:
        """Whether to make a missing ledger just to read it: there is what fills it, and a way to write."""
        is_known = any((self.folder / name).is_dir() for name in ("traces", "runs"))
        return is_known and os.access(self.folder, os.W_OK)

    def _take_spool_to_read(self) -> None:
        try:
            self._take_spool(wait=True)
        except (StoreFullError, StoreAccessError) as error:
            _log.warning("The newest events are not in the ledger yet: %s", error)

    def _locked(self, work: Work[Result], *, write: bool, wait: bool = True) -> Result:
        until = time.monotonic() + (self._lock_timeout if wait else 0.0)
        while True:
            try:
                return self._once(work, write=write, wait=wait)
            except LedgerLockedError:
                # another program, such as a DuckDB shell, has the file open without our lock
                if time.monotonic() > until:
                    raise
            time.sleep(_RETRY)

    def _once(self, work: Work[Result], *, write: bool, wait: bool) -> Result:
        self._let_go()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._lock if wait else self._lock.at_once())
            result = self._despite_damage(work, write=write)
            if self._file.is_open:
                self._kept = stack.pop_all()
            return result

    def _despite_damage(self, work: Work[Result], *, write: bool) -> Result:
        # first the log of what is not in the file yet may be damaged, then the file itself
        for _ in range(2):
            try:
                return self._transaction(work, write=write)
            except DamagedError as damage:
                self._file.set_aside(damage)
        return self._transaction(work, write=write)

    def _transaction(self, work: Work[Result], *, write: bool) -> Result:
        with self._guarded() as connection:
            keep = self._keeping > 0 and not write
            return self._file.transaction(connection, work, write=write, keep=keep)

    def _let_go(self) -> None:
        """End what was kept open, before anything is written or at the end of the block."""
        if self._file.is_open:
            with self._guarded() as connection:
                self._file.shut(connection)
            self._release()

    def _release(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _make_folder(self) -> None:
        if self.path.exists():
            return
        ignore = self.folder / ".gitignore"
        with translated(self.folder):
            make_folder(self.folder)
            if not ignore.exists():  # results are no source code: keep them out of the user's repository
                ignore.write_text("*\n", encoding="utf-8")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[DuckDBPyConnection]:
        """Give the process's database; after any error it is replaced, so that nothing stays attached."""
        import duckdb

        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config=_SETTINGS)
        try:
            yield self._connection
        except duckdb.Error as error:
            self._discard()
            raise ledger_error(error, self.path) from error
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._file.is_open = False
        self._release()

    def _reset(self) -> None:
        self._mutex = threading.RLock()
        self._lock = FileLock(self.folder / "lock", timeout=self._lock_timeout)
        self._connection = None
        self._keeping = 0
        self._kept = None
        self._file.is_open = False

    def forget(self) -> None:
        """In a forked child: DuckDB's threads did not come along, so its database must never be touched."""
        if self._connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
        self._reset()


def _adopted(traces: Iterable[Trace], events: Iterable[StepEvent] = ()) -> Batch:
    batch = Batch()
    for event in events:
        batch.add_event(event)
    for trace in traces:
        batch.adopt(trace)
    return batch


def _forget_in_children() -> None:
    for ledger in list(_ledgers):
        ledger.forget()


def _close_at_exit() -> None:
    # DuckDB complains of leaks when the interpreter ends before its connections do
    for ledger in list(_ledgers):
        ledger.close()


os.register_at_fork(after_in_child=_forget_in_children)
atexit.register(_close_at_exit)

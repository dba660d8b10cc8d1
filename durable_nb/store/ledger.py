"""The ledger: what happened, in DuckDB, open for the milliseconds of one transaction at a time.

DuckDB lets one process at a time have a file open, so a process keeps an in-memory database and attaches
the ledger's file for each transaction, under a file lock from before the attach until after the detach.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.resources
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from durable_nb.core.errors import (
    DamagedError,
    DurableWarning,
    StoreVersionError,
)
from durable_nb.core.model import StepEvent, Trace
from durable_nb.store.files import make_folder, sync_folder, translated
from durable_nb.store.ledger_errors import attach_error, query_error
from durable_nb.store.ledger_rows import Batch
from durable_nb.store.ledger_sql import FORMAT, write
from durable_nb.store.locks import FileLock

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Result = TypeVar("Result")
Work = Callable[["duckdb.DuckDBPyConnection"], Result]

_ledgers: weakref.WeakSet[Ledger] = weakref.WeakSet()
_SETTINGS = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}


class Ledger:
    """Runs, steps, attempts, traces and events, for everybody who asks.

    Safe to use from several threads and processes, and after a fork. Made at the first write.

    Args:
        folder: The store; the ledger is ``ledger.duckdb`` in it.
        traces: Gives every trace of the store; a ledger that is new or was damaged is filled from them.
        lock_timeout: Seconds to wait for other processes before LedgerLockedError is raised.
    """

    def __init__(
        self,
        folder: Path,
        traces: Callable[[], Iterable[Trace]] = tuple,
        *,
        lock_timeout: float = 60.0,
    ) -> None:
        self.folder = folder
        self.path = folder / "ledger.duckdb"
        self._traces = traces
        self._lock_timeout = lock_timeout
        self._checked: tuple[int, int] | None = None
        self._reset()
        _ledgers.add(self)

    def record(self, events: Sequence[StepEvent]) -> None:
        """Write events in one transaction; once this returns they survive power loss.

        An event that is recorded twice counts once.

        Raises:
            StoreError: Nothing was written.
        """
        batch = Batch()
        for event in events:
            batch.add_event(event)
        self._run(lambda connection: write(connection, batch), write=True)

    def adopt(self, traces: Iterable[Trace]) -> None:
        """Write what traces prove, for those whose events were lost.

        Raises:
            StoreError: Nothing was written.
        """
        batch = _adopted(traces)
        self._run(lambda connection: write(connection, batch), write=True)

    def query(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """Return the result of a query; the ledger cannot be changed by it.

        Raises:
            UsageError: The query is not right.
            StoreError: The ledger cannot be read.
        """
        return self._run(lambda c: self._ask(c, sql, params).to_arrow_table(), write=False)

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries. Times are naive datetimes in UTC, JSON is text.

        Raises:
            UsageError: The query is not right.
            StoreError: The ledger cannot be read.
        """

        def work(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
            result = self._ask(connection, sql, params)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

        return self._run(work, write=False)

    def close(self) -> None:
        """Free DuckDB's memory; the ledger opens again when it is next used."""
        with self._mutex:
            self._discard()

    def _ask(
        self, connection: duckdb.DuckDBPyConnection, sql: str, params: Sequence[object]
    ) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            return connection.execute(sql, list(params))
        except duckdb.Error as error:
            raise query_error(error, self.path) from error

    def _run(self, work: Work[Result], *, write: bool) -> Result:
        """Do some work in one transaction; a damaged ledger is set aside, rebuilt, and asked again."""
        with self._mutex:
            if not write and not self.path.exists() and not self._can_create():
                return self._without_file(work)
            with translated(self.folder):
                if write:
                    self._make_folder()
            with self._lock:
                try:
                    return self._attached(work, write=write)
                except DamagedError as damage:
                    self._set_aside(damage)
                    return self._attached(work, write=write)

    def _can_create(self) -> bool:
        """Whether a missing ledger is worth making in order to read it: there are traces, and a way to write."""
        return (self.folder / "traces").is_dir() and os.access(self.folder, os.W_OK)

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            make_folder(self.folder)
            # results are no source code: keep them out of the user's repository
            (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")

    def _attached(self, work: Work[Result], *, write: bool) -> Result:
        with self._guarded() as connection:
            if not self.path.exists():
                self._create(connection)
            mode = "" if write else " (READ_ONLY)"
            connection.execute(f"ATTACH {_literal(self.path)} AS ledger{mode}; USE ledger")
            self._check_format(connection)
            connection.execute("BEGIN")
            result = work(connection)
            connection.execute("COMMIT")
            connection.execute("USE memory; DETACH ledger")
            return result

    def _without_file(self, work: Work[Result]) -> Result:
        """Answer a query about a store that has no ledger and is not to get one."""
        with self._guarded() as connection:
            connection.execute("ATTACH ':memory:' AS ledger; USE ledger")
            _lay_out(connection)
            write(connection, _adopted(self._traces()))
            result = work(connection)
            connection.execute("USE memory; DETACH ledger")
            return result

    def _create(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the ledger and fill it from the traces, under another name until it is whole."""
        stage = self.path.with_name("ledger.duckdb.new")
        with translated(stage):
            for leftover in (stage, _wal(stage), _wal(self.path)):
                leftover.unlink(missing_ok=True)
        connection.execute(f"ATTACH {_literal(stage)} AS ledger; USE ledger; BEGIN")
        _lay_out(connection)
        write(connection, _adopted(self._traces()))
        connection.execute("COMMIT; CHECKPOINT ledger; USE memory; DETACH ledger")
        with translated(stage):
            stage.rename(self.path)
            sync_folder(self.folder)

    def _check_format(self, connection: duckdb.DuckDBPyConnection) -> None:
        state = self.path.stat()
        if self._checked == (state.st_dev, state.st_ino):
            return
        tables = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'meta'").fetchall()
        found = connection.execute("SELECT max(format) FROM meta").fetchone() if tables else None
        if not found or found[0] is None:
            raise DamagedError(f"{self.path} is a database, but no ledger.")
        if found[0] > FORMAT:
            raise StoreVersionError(
                f"The ledger {self.path} has format {found[0]}, this durable_nb knows formats up to {FORMAT}. "
                "Upgrade: pip install --upgrade durable_nb"
            )
        self._checked = (state.st_dev, state.st_ino)

    def _set_aside(self, damage: DamagedError) -> None:
        self._discard()
        self._checked = None
        name = f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        aside = self.path.with_name(name)
        with translated(self.path):
            if self.path.exists():
                self.path.rename(aside)
            if _wal(self.path).exists():
                _wal(self.path).rename(_wal(aside))
        warnings.warn(
            f"{damage} The damaged file is kept as {aside}; what the traces do not know, such as failed "
            "attempts, is only there.",
            DurableWarning,
            stacklevel=5,
        )

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give the process's database; after any error it is replaced, so that nothing stays attached."""
        import duckdb

        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config=_SETTINGS)
        try:
            yield self._connection
        except duckdb.Error as error:
            self._discard()
            raise attach_error(error, self.path) from error
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _reset(self) -> None:
        self._mutex = threading.RLock()
        self._lock = FileLock(self.folder / "lock", timeout=self._lock_timeout)
        self._connection: duckdb.DuckDBPyConnection | None = None

    def _forget_in_child(self) -> None:
        # DuckDB's threads do not survive a fork: its database must not even be freed there
        if self._connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
        self._reset()


def _adopted(traces: Iterable[Trace]) -> Batch:
    batch = Batch()
    for trace in traces:
        batch.adopt(trace)
    return batch


def _lay_out(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(_schema())
    connection.execute(
        "INSERT INTO meta VALUES (?, CAST(now() AT TIME ZONE 'UTC' AS TIMESTAMP), ?)", [FORMAT, "durable_nb"]
    )


@functools.cache
def _schema() -> str:
    return importlib.resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _forget_in_children() -> None:
    for ledger in list(_ledgers):
        ledger._forget_in_child()  # noqa: SLF001  # this module's own class


os.register_at_fork(after_in_child=_forget_in_children)

"""The ledger's file: made, attached, checked, and moved aside when it is damaged.

DuckDB lets one process at a time have a file open, so a process keeps an in-memory database and attaches
the file for each transaction. The caller holds the file lock from before the attach until after the detach.
"""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from durable_nb.core.errors import DamagedError, DurableWarning, StoreVersionError
from durable_nb.store.files import sync_folder, translated
from durable_nb.store.ledger_sql import FORMAT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Result = TypeVar("Result")
Work = Callable[["DuckDBPyConnection"], Result]


class LedgerFile:
    """One ledger file, attached for one transaction at a time.

    Args:
        path: The file; ``.wal`` is added to it for DuckDB's log of what is not in it yet.
        fill: Brings into a ledger that was just laid out what is known from elsewhere.
    """

    def __init__(self, path: Path, fill: Work[None]) -> None:
        self.path = path
        self._fill = fill
        self._checked: tuple[int, int] | None = None
        self.is_open = False
        """Whether the last transaction was left open, to be gone on with."""

    def transaction(
        self, connection: DuckDBPyConnection, work: Work[Result], *, write: bool, keep: bool = False
    ) -> Result:
        """Attach the file, made if missing, do some work in one transaction, and detach it.

        After an error the connection is in no state to be used again.

        Args:
            connection: Of the in-memory database.
            work: What to do.
            write: Whether it changes anything.
            keep: Leave the transaction open for more work, where that is possible, until `shut`.

        Raises:
            duckdb.Error: Whatever DuckDB met.
            DamagedError: The file is no ledger.
            StoreVersionError: A newer durable_nb made it.
        """
        if not self.path.exists():
            self._create(connection, self._fill)
        self._attach(connection, write=write)
        if self._is_older(connection):
            connection.execute("USE memory; DETACH ledger")
            if not write and not os.access(self.path.parent, os.W_OK):
                return self._as_if_upgraded(connection, work)
            self._upgrade(connection)
            self._attach(connection, write=write)
        connection.execute("BEGIN")
        result = work(connection)
        if keep:
            self.is_open = True
        else:
            self.shut(connection)
        return result

    def shut(self, connection: DuckDBPyConnection) -> None:
        """End the transaction, and detach the file."""
        connection.execute("COMMIT; USE memory; DETACH ledger")
        self.is_open = False

    def without_file(self, connection: DuckDBPyConnection, work: Work[Result]) -> Result:
        """Do some work on a ledger made in memory for it alone: there is no file and there is to be none."""
        connection.execute("ATTACH ':memory:' AS ledger; USE ledger")
        _lay_out(connection)
        self._fill(connection)
        result = work(connection)
        connection.execute("USE memory; DETACH ledger")
        return result

    def set_aside(self, damage: DamagedError) -> None:
        """Move what is damaged out of the way, so that the next transaction makes it new; warns.

        Raises:
            StoreError: It cannot be moved.
        """
        self._checked = None
        files = [_log(self.path)] if "WAL" in str(damage) else [self.path, _log(self.path)]
        mark = f".damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}"
        kept = [file.with_name(file.name + mark) for file in files if file.exists()]
        with translated(self.path):
            for file in kept:
                file.with_name(file.name.removesuffix(mark)).rename(file)
            sync_folder(self.path.parent)
        warnings.warn(
            f"{damage} Kept for you to look at: {', '.join(map(str, kept))}; what only the ledger knew, "
            "such as failed attempts, may be there alone.",
            DurableWarning,
            stacklevel=2,
        )

    def _attach(self, connection: DuckDBPyConnection, *, write: bool) -> None:
        mode = "" if write else " (READ_ONLY)"
        connection.execute(f"ATTACH {_literal(self.path)} AS ledger{mode}; USE ledger")

    def _create(self, connection: DuckDBPyConnection, fill: Work[None]) -> None:
        """Make the file under another name until it is whole."""
        stage = self.path.with_name(f"{self.path.name}.new")
        with translated(stage):
            for leftover in (stage, _log(stage), _log(self.path)):
                leftover.unlink(missing_ok=True)
        connection.execute(f"ATTACH {_literal(stage)} AS ledger; USE ledger; BEGIN")
        _lay_out(connection)
        fill(connection)
        connection.execute("COMMIT; CHECKPOINT ledger; USE memory; DETACH ledger")
        with translated(stage):
            stage.rename(self.path)
            sync_folder(self.path.parent)

    def _upgrade(self, connection: DuckDBPyConnection) -> None:
        """Make the file anew in the present format, with its rows; it is always the old or the new one."""
        # What the old file's log holds must be in the file: the log is removed with it.
        connection.execute(f"ATTACH {_literal(self.path)} AS older; CHECKPOINT older; DETACH older")
        connection.execute(f"ATTACH {_literal(self.path)} AS older (READ_ONLY)")
        self._create(connection, _copy_rows)
        connection.execute("DETACH older")

    def _as_if_upgraded(self, connection: DuckDBPyConnection, work: Work[Result]) -> Result:
        """Do some work on a copy in memory: the format is an older one, and the folder cannot be written."""
        connection.execute(f"ATTACH {_literal(self.path)} AS older (READ_ONLY)")
        connection.execute("ATTACH ':memory:' AS ledger; USE ledger")
        _lay_out(connection)
        _copy_rows(connection)
        result = work(connection)
        connection.execute("USE memory; DETACH ledger; DETACH older")
        return result

    def _is_older(self, connection: DuckDBPyConnection) -> bool:
        """Whether the file has an older format; that it is a ledger is looked at once."""
        state = self.path.stat()
        if self._checked == (state.st_dev, state.st_ino):
            return False
        found = _format(connection)
        if found is None:
            raise DamagedError(f"{self.path} is a database, but no ledger.")
        if found > FORMAT:
            raise StoreVersionError(
                f"The ledger {self.path} has format {found}; this durable_nb knows formats up to "
                f"{FORMAT}. Upgrade: pip install --upgrade durable_nb"
            )
        if found < FORMAT:
            return True
        self._checked = (state.st_dev, state.st_ino)
        return False


def _format(connection: DuckDBPyConnection) -> int | None:
    """The number of the layout of the attached ledger; None where it is none."""
    import duckdb

    try:
        # to look for the table in duckdb_tables() first would take longer than many a command needs
        found = connection.execute("SELECT max(format) FROM ledger.main.meta").fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return found[0] if found else None


def _lay_out(connection: DuckDBPyConnection) -> None:
    connection.execute(_schema())
    now = "make_timestamp(epoch_us(now()))"
    connection.execute(f"INSERT INTO meta VALUES (?, {now}, ?)", [FORMAT, "durable_nb"])  # noqa: S608  # our own words


def _copy_rows(connection: DuckDBPyConnection) -> None:
    """Bring the rows of the ledger ``older`` into the one just laid out; what it did not know stays null."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'older'"
    ).fetchall()
    for (table,) in found:
        if table != "meta":
            connection.execute(f'INSERT INTO "{table}" BY NAME FROM older."{table}"')  # a ledger's own tables


@functools.cache
def _schema() -> str:
    import importlib.resources

    return importlib.resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"

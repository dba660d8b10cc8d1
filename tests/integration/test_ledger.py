"""The ledger: one transaction at a time, for several threads and processes, pleasant to query."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from durable_nb.core.errors import (
    DurableWarning,
    LedgerLockedError,
    StoreAccessError,
    StoreVersionError,
    UsageError,
)
from durable_nb.core.model import EventKind, StepEvent
from durable_nb.store.ledger import Ledger
from durable_nb.store.locks import FileLock


def event(number: int = 0, kind: EventKind = EventKind.EXECUTING, step: str = "clean") -> StepEvent:
    return StepEvent(
        kind, "r1", 1_700_000_000.0 + number, step, 1, {"notebook": "/n.ipynb", "number": number}
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "store")


def count(ledger: Ledger) -> int:
    number = ledger.rows("SELECT count(*) AS n FROM events")[0]["n"]
    assert isinstance(number, int)
    return number


def test_reading_makes_nothing(ledger: Ledger) -> None:
    """A query on a store that is not there gives an empty answer, and makes nothing."""
    assert ledger.rows("FROM run_summary") == []
    assert not ledger.folder.exists()


def test_events_are_there_for_another_process(ledger: Ledger) -> None:
    """What was recorded can be read at once with any DuckDB, while the process that wrote goes on."""
    ledger.record([event(1), event(2)])
    code = (
        f"import duckdb; print(duckdb.connect({str(ledger.path)!r}).sql('FROM events').fetchall().__len__())"
    )

    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"2"


@pytest.mark.parametrize("number", [1, 8, 9, 300])
def test_twice_counts_once(ledger: Ledger, number: int) -> None:
    """Events that are recorded again, few or many, are there once."""
    events = [event(n, EventKind.ATTEMPT_STARTED, f"s{n}") for n in range(number)]
    ledger.record(events)
    ledger.record(events)

    assert count(ledger) == number
    assert ledger.rows("SELECT count(*) AS n, count(DISTINCT step) AS m FROM attempts") == [
        {"n": number, "m": number}
    ]


def test_an_arrow_table(ledger: Ledger) -> None:
    """query takes parameters and gives an Arrow table."""
    ledger.record([event(7)])

    table = ledger.query("SELECT step, happened_at FROM events WHERE run_id = ?", ["r1"])

    assert table.column_names == ["step", "happened_at"]
    assert table.to_pylist()[0]["happened_at"].isoformat() == "2023-11-14T22:13:27"


def test_the_store_is_kept_out_of_git(ledger: Ledger) -> None:
    """A new store tells git to leave it alone."""
    ledger.record([event()])

    assert (ledger.folder / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "FROM nowhere", "SELECT nothing FROM events", "DELETE FROM events"]
)
def test_a_wrong_query(ledger: Ledger, sql: str) -> None:
    """A query that is wrong, or would change the ledger, is the user's mistake; the ledger goes on."""
    ledger.record([event()])

    with pytest.raises(UsageError, match="duckdb_tables"):
        ledger.rows(sql)
    assert count(ledger) == 1


def test_a_query_on_a_broken_file_of_the_user(ledger: Ledger, tmp_path: Path) -> None:
    """A damaged file that a query names is not taken for a damaged ledger."""
    ledger.record([event()])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1xx")

    with pytest.raises(UsageError):
        ledger.rows(f"FROM '{broken}'")
    assert count(ledger) == 1


def test_everything_is_described(ledger: Ledger) -> None:
    """Every table, view and column of a table says in the database itself what it is."""
    ledger.record([event()])

    undescribed = ledger.rows(
        "SELECT table_name AS name FROM duckdb_tables() WHERE comment IS NULL AND database_name = 'ledger' "
        "UNION ALL SELECT view_name FROM duckdb_views() "
        "WHERE comment IS NULL AND NOT internal AND database_name = 'ledger' UNION ALL "
        "SELECT c.table_name || '.' || c.column_name FROM duckdb_columns() c "
        "JOIN duckdb_tables() t USING (database_name, table_name) "
        "WHERE c.comment IS NULL AND c.database_name = 'ledger'"
    )

    assert undescribed == []


def test_every_view_answers(ledger: Ledger) -> None:
    """All views can be asked, empty and filled."""
    views = [
        row["view_name"] for row in ledger.rows("SELECT view_name FROM duckdb_views() WHERE NOT internal")
    ]
    assert len(views) >= 7
    ledger.record([event(1, kind) for kind in EventKind])

    for view in views:
        ledger.rows(f"FROM {view}")


def test_threads(ledger: Ledger) -> None:
    """Threads may record and ask at once."""

    def work(start: int) -> None:
        for number in range(5):
            ledger.record([event(start + number)])
            ledger.rows("FROM run_summary")

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert count(ledger) == 15


def _record_in_child(ledger: Ledger, number: int) -> None:
    ledger.record([event(number)])


def test_after_a_fork(ledger: Ledger) -> None:
    """A forked child and its parent both go on recording, though DuckDB's own state cannot be shared."""
    ledger.record([event(1)])
    child = multiprocessing.get_context("fork").Process(target=_record_in_child, args=(ledger, 2))

    child.start()
    ledger.record([event(3)])
    child.join(30)

    assert child.exitcode == 0
    assert count(ledger) == 3


def test_a_fork_does_not_keep_the_lock(ledger: Ledger, tmp_path: Path) -> None:
    """A child that was forked while the lock was held does not hold it on."""
    ledger.record([event()])
    lock = FileLock(ledger.folder / "lock", timeout=2.0)
    with lock:
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(20,))
        child.start()
    try:
        with lock:
            assert child.is_alive()
    finally:
        child.kill()
        child.join()


HOLD_LOCK = (
    "import sys, time; from pathlib import Path; from durable_nb.store.locks import FileLock\n"
    "with FileLock(Path(sys.argv[1]) / 'lock'): print('held', flush=True); time.sleep(60)"
)
HOLD_FILE = (
    "import sys, time, duckdb; held = duckdb.connect(sys.argv[1] + '/ledger.duckdb')\n"
    "print('held', flush=True); time.sleep(60)"
)


@contextlib.contextmanager
def holder(code: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds something of the store."""
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()


def test_who_holds_the_lock(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    """Who waits is told by whom; who has waited long enough gets an error that names the same process."""
    ledger.record([event()])
    lock = FileLock(ledger.folder / "lock", warn_after=0.1, timeout=0.4)
    with (
        holder(HOLD_LOCK, ledger.folder) as process,
        caplog.at_level(logging.WARNING),
        pytest.raises(LedgerLockedError, match=f"process {process.pid} on .* since 20"),
        lock,
    ):
        pass

    assert f"held by process {process.pid}" in caplog.text
    assert count(ledger) == 1  # a lock dies with its process


def test_a_lock_is_free_when_its_holder_is_killed(ledger: Ledger) -> None:
    """Who waits for a process that is killed goes on at once, and no place in the queue is left behind."""
    ledger.record([event()])
    lock = FileLock(ledger.folder / "lock", timeout=0.1)
    with holder(HOLD_LOCK, ledger.folder) as process:
        with pytest.raises(LedgerLockedError), lock:
            pass
        threading.Timer(0.2, process.kill).start()

        assert count(ledger) == 1


def test_a_lock_file_that_was_removed(ledger: Ledger) -> None:
    """A lock file that somebody removed is made again."""
    ledger.record([event()])
    (ledger.folder / "lock").unlink()

    ledger.record([event(1)])

    assert (ledger.folder / "lock").exists()


def test_a_ledger_open_elsewhere(ledger: Ledger) -> None:
    """A program that has the file open without our lock is named; nothing is taken for damaged."""
    ledger.record([event()])
    with (
        holder(HOLD_FILE, ledger.folder) as process,
        pytest.raises(LedgerLockedError, match=str(process.pid)),
    ):
        Ledger(ledger.folder, lock_timeout=0.2).record([event(1)])

    assert count(ledger) == 1


def test_a_newer_format(ledger: Ledger) -> None:
    """A ledger of a newer durable_nb is left alone, with the way out."""
    import duckdb

    ledger.record([event()])
    ledger.close()
    with duckdb.connect(str(ledger.path)) as connection:
        connection.execute("UPDATE meta SET format = 99")
    content = ledger.path.read_bytes()

    with pytest.raises(StoreVersionError, match=r"format 99.*pip install"):
        Ledger(ledger.folder).record([event(1)])
    assert ledger.path.read_bytes() == content


def test_a_database_that_is_no_ledger(ledger: Ledger) -> None:
    """Another database at the ledger's place is moved aside, not written to."""
    import duckdb

    ledger.folder.mkdir()
    with duckdb.connect(str(ledger.path)) as connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")

    with pytest.warns(DurableWarning, match="no ledger"):
        ledger.record([event()])

    (aside,) = ledger.folder.glob("ledger.duckdb.damaged-*")
    with duckdb.connect(str(aside)) as connection:
        assert connection.sql("FROM mine").fetchall() == []
    assert count(ledger) == 1


def test_a_file_where_the_store_should_be(tmp_path: Path) -> None:
    """The culprit is named."""
    (tmp_path / "store").write_text("")

    with pytest.raises(StoreAccessError, match="store"):
        Ledger(tmp_path / "store").record([event()])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_store_that_may_only_be_read(ledger: Ledger, tmp_path: Path) -> None:
    """Another user reads the ledger, and is told what is in the way of writing."""
    shutil.rmtree(ledger.folder, ignore_errors=True)
    ledger.record([event()])
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    code = (
        "import os, sys; from pathlib import Path; from durable_nb.store.ledger import Ledger\n"
        "from durable_nb.core.model import *; import duckdb, pyarrow; os.setgid(65534); os.setuid(65534)\n"
        "ledger = Ledger(Path(sys.argv[1])); print(ledger.rows('SELECT count(*) AS n FROM events'))\n"
        "try: ledger.record([StepEvent(EventKind.EXECUTING, 'r', 1.0)])\n"
        "except Exception as error: print(type(error).__name__)"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, str(ledger.folder)], capture_output=True, text=True, check=False
    )

    assert result.stdout.splitlines() == ["[{'n': 1}]", "StoreAccessError"], result.stderr

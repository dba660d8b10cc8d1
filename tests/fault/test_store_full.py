"""No room, or no permission: a clear error, nothing lost, and on it goes once there is room."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from durable_nb.core.errors import StoreAccessError, StoreFullError
from durable_nb.core.model import EventKind, StepEvent, Trace
from durable_nb.store import Store, open_store


def mount(*arguments: str) -> None:
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"NOT TESTED: no mount here ({result.stderr.strip()}); run the tests as root to have it")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    with small_disk(tmp_path / "disk", "4M") as folder:
        yield folder


def make_trace(number: int) -> Trace:
    return Trace(
        step="load",
        code="c" * 32,
        key=f"{number:032x}",
        source="x = 1",
        options={},
        dependencies=(),
        outputs=(),
        display=({"output_type": "stream", "name": "stdout", "text": os.urandom(50_000).hex()},),
        created_at=time.time(),
        seconds=2.0,
        run_id="r1",
        attempt=number + 1,
    )


def make_event(number: int) -> StepEvent:
    data = {"notebook": "/n.ipynb", "number": number, "text": os.urandom(10_000).hex()}
    return StepEvent(EventKind.EXECUTING, "r1", 1.0 + number, "load", 1, data)


def recorded(store: Store) -> int:
    number = store.ledger.rows("SELECT count(*) AS n FROM events")[0]["n"]
    assert isinstance(number, int)
    return number


def test_traces_on_a_full_disk(disk: Path) -> None:
    """The trace for which there is no room is an error; those before are all there, and no stage is left."""
    store = open_store(disk / "store")
    added: list[Trace] = []

    with pytest.raises(StoreFullError, match="No room"):
        added.extend(store.traces.add(make_trace(number)) for number in range(1000))

    assert len(added) > 10
    assert {trace.trace_id for trace in store.traces.all()} == {trace.trace_id for trace in added}
    assert all(path.suffix == ".parquet" for path in store.traces.folder.rglob("*") if path.is_file())


def test_the_ledger_on_a_full_disk(disk: Path) -> None:
    """Events wait in memory while there is no room for them, and are written once there is."""
    store = open_store(disk / "store")
    store.ledger.record([make_event(0)])
    filler = disk / "filler"
    filler.write_bytes(bytes(1_000_000))
    numbers = iter(range(1, 5000))

    def fill() -> None:
        for number in numbers:
            store.record(make_event(number))
            store.flush()

    with pytest.raises(StoreFullError, match="Make room"):
        fill()
    number = next(numbers)
    filler.unlink()

    store.flush()

    assert number > 10
    assert recorded(store) == number
    store.close()


def test_a_full_disk_from_the_start(disk: Path) -> None:
    """A ledger for which there never was room is an error that says so, and is made once there is room."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(65536))
    store = open_store(disk / "store")
    store.record(make_event(1))
    with pytest.raises(StoreFullError):
        store.flush()
    filler.unlink()

    store.flush()

    assert recorded(store) == 1
    store.close()


def test_a_file_size_limit(tmp_path: Path) -> None:
    """A limit on the size of files (ulimit -f) is no room, too."""
    store = open_store(tmp_path / "store")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(StoreFullError, match="too large"):
            store.traces.add(make_trace(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)

    assert list(store.traces.all()) == []


def test_a_read_only_disk(tmp_path: Path) -> None:
    """A store on a read-only disk can be read; writing is an error that names it."""
    with small_disk(tmp_path / "disk", "8M") as disk:
        store = open_store(disk / "store")
        added = store.traces.add(make_trace(1))
        store.ledger.record([make_event(1)])
        store.close()
        mount("-o", "remount,ro", str(disk))
        again = open_store(disk / "store")

        assert list(again.traces.all()) == [added]
        assert recorded(again) == 1
        with pytest.raises(StoreAccessError, match="Read-only"):
            again.traces.add(make_trace(2))
        with pytest.raises(StoreAccessError):
            again.ledger.record([make_event(2)])
        again.close()


def test_a_read_only_disk_without_a_ledger(tmp_path: Path) -> None:
    """Even without a ledger a read-only store answers from its traces."""
    with small_disk(tmp_path / "disk", "8M") as disk:
        open_store(disk / "store").traces.add(make_trace(1))
        mount("-o", "remount,ro", str(disk))
        store = open_store(disk / "store")

        assert len(store.ledger.rows("FROM attempts")) == 1
        store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_another_users_store(tmp_path: Path) -> None:
    """Without permission to write, the error names the folder and what to do."""
    folder = tmp_path / "store"
    folder.mkdir()
    code = (
        "import os, sys; import pyarrow.parquet, duckdb\n"
        "from pathlib import Path; from durable_nb.store.files import write_durably\n"
        "os.chdir('/'); os.setgid(65534); os.setuid(65534)\n"
        "write_durably(Path(sys.argv[1]) / 'artifacts' / 'x', lambda file: None)"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )

    assert "StoreAccessError: The store cannot use" in result.stderr
    assert "DURABLE_NB_STORE" in result.stderr

"""The store as a whole: record, flush, recover, load."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from durable_nb.core.errors import (
    DamagedError,
    StoreAccessError,
    StoreError,
    StoreFullError,
    UnknownRunError,
    UnknownStepError,
    UsageError,
)
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import EventKind, Output, OutputKind, StepEvent, Trace
from durable_nb.store import Store, open_store
from durable_nb.store.spool import Spool
from durable_nb.store.writer import Writer


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(tmp_path / "key"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def event(number: int, run: str = "r1") -> StepEvent:
    return StepEvent(EventKind.EXECUTING, run, 1.0 + number, "clean", 1, {"notebook": "/n.ipynb"})


def complete(store: Store, value: object, run: str = "r1", at: float = 1000.0, *, tell: bool = True) -> Trace:
    """Store the trace of a step named ``clean`` that bound ``x`` to ``value``, and other names."""
    found = fingerprint(value)
    codec = store.artifacts.put(value, found, store.context()).codec
    outputs = (
        Output("x", OutputKind.VALUE, found, codec),
        Output("same", OutputKind.ALIAS, of="x"),
        Output("np", OutputKind.MODULE, of="numpy"),
        Output("gone", OutputKind.DELETED),
    )
    trace = Trace(
        step="clean",
        code="c" * 32,
        key="0" * 32,
        source="x = 1",
        options={},
        dependencies=(),
        outputs=outputs,
        display=(),
        created_at=at,
        seconds=1.0,
        run_id=run,
        attempt=1,
        notebook="/n.ipynb",
    )
    trace = store.traces.add(trace)
    if tell:
        data: dict[str, Any] = {"notebook": "/n.ipynb", "state": "completed", "seconds": 1.0}
        store.record(StepEvent(EventKind.ATTEMPT_FINISHED, run, at, "clean", 1, data, trace))
    return trace


def count(store: Store) -> int:
    number = store.ledger.rows("SELECT count(*) AS n FROM events")[0]["n"]
    assert isinstance(number, int)
    return number


def test_nothing_is_made_by_opening(store: Store) -> None:
    """Opening, asking, flushing and recovering an empty store leave no trace on disk."""
    store.flush()
    assert store.ledger.rows("FROM runs") == []
    assert store.recover().traces_added == 0
    store.close()
    assert not store.path.exists()


def test_a_file_is_no_store(tmp_path: Path) -> None:
    """A file where the folder should be is named at once."""
    (tmp_path / "store").write_text("")

    with pytest.raises(StoreAccessError, match="is a file"):
        open_store(tmp_path / "store")


def test_flush_makes_durable(store: Store) -> None:
    """After flush everything recorded before is in the ledger, in order."""
    for number in range(2500):
        store.record(event(number))
    store.flush()

    assert count(store) == 2500
    times = [row["happened_at"] for row in store.ledger.rows("SELECT happened_at FROM events")]
    assert times == sorted(times)
    store.close()


def test_recording_needs_no_flush(store: Store) -> None:
    """An event reaches the ledger soon, by itself."""
    store.record(event(1))
    until = time.monotonic() + 20
    while not count(store) and time.monotonic() < until:
        time.sleep(0.02)

    assert count(store) == 1
    store.close()


def test_events_at_the_end_of_a_process(tmp_path: Path) -> None:
    """A process that ends normally leaves no event behind, even if its store was dropped before, silently."""
    code = (
        "import sys; from durable_nb.store import open_store; from durable_nb.core.model import *\n"
        "for n in range(3): open_store(sys.argv[1]).record(StepEvent(EventKind.EXECUTING, 'r', 1.0 + n))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "store")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)

    assert result.stderr == ""
    assert count(open_store(tmp_path / "store")) == 3


def _work_in_child(store: Store) -> None:
    for number in range(100, 110):
        store.record(event(number))
    store.flush()


def test_after_a_fork(store: Store) -> None:
    """Events recorded before a fork are written once, by the parent; the child writes its own."""
    for number in range(10):
        store.record(event(number))
    child = multiprocessing.get_context("fork").Process(target=_work_in_child, args=(store,))
    child.start()
    child.join(60)
    store.flush()

    assert child.exitcode == 0
    assert count(store) == 20
    store.close()


def test_recover(store: Store) -> None:
    """Completed steps of a process that died before it told the ledger are found, once."""
    store.ledger.record([event(0)])
    trace = complete(store, 1, tell=False)

    assert store.recover().traces_added == 1
    assert store.recover().traces_added == 0
    (attempt,) = store.ledger.rows("FROM attempts")
    assert (attempt["state"], attempt["trace_id"], attempt["run_id"]) == ("completed", trace.trace_id, "r1")
    store.close()


def test_a_recovered_step_whose_events_come_later(store: Store) -> None:
    """If the process was not dead but slow, its events change nothing for the worse and double nothing."""
    store.ledger.record([event(0)])
    trace = complete(store, 1, tell=False)
    store.recover()
    data: dict[str, Any] = {"notebook": "/n.ipynb", "state": "completed", "seconds": 1.0}
    store.record(StepEvent(EventKind.ATTEMPT_FINISHED, "r1", 1000.1, "clean", 1, data, trace))
    store.flush()

    assert len(store.ledger.rows("FROM attempts")) == 1
    assert len(store.ledger.rows("FROM traces")) == 1
    assert len(store.ledger.rows("FROM outputs")) == 4
    store.close()


def test_load(store: Store) -> None:
    """load gives the newest value, that of a run, and follows aliases."""
    complete(store, {"a": 1}, "r1", 1000.0)
    complete(store, {"a": 2}, "r2", 2000.0)

    assert store.load("clean", "x") == {"a": 2}
    assert store.load("clean", "x", run="r1") == {"a": 1}
    assert store.load("clean", "same") == {"a": 2}
    store.close()


def test_load_what_was_reused_last(store: Store) -> None:
    """After going back to an older result by reuse, load gives that one."""
    old = complete(store, "old", "r1", 1000.0)
    complete(store, "new", "r2", 2000.0)
    data: dict[str, Any] = {
        "notebook": "/n.ipynb",
        "trace_id": old.trace_id,
        "seconds": 0.1,
        "saved_seconds": 0.9,
    }
    store.record(StepEvent(EventKind.STEP_REUSED, "r3", 3000.0, "clean", 1, data))

    assert store.load("clean", "x") == "old"
    assert store.load("clean", "x", run="r3") == "old"
    store.close()


@pytest.mark.parametrize(
    ("step", "name", "run", "error", "words"),
    [
        ("cleen", "x", None, UnknownStepError, "Completed steps are: clean"),
        ("clean", "y", None, UsageError, "Its outputs are: x, same, np, gone"),
        ("clean", "np", None, UsageError, "is a module"),
        ("clean", "gone", None, UsageError, "is a deleted"),
        ("clean", "x", "r9", UnknownRunError, "durable-nb runs"),
    ],
)
def test_load_what_is_not_there(
    store: Store, step: str, name: str, run: str | None, error: type[Exception], words: str
) -> None:
    """Each has an error that says what there is."""
    complete(store, 1)

    with pytest.raises(error, match=words):
        store.load(step, name, run)
    store.close()


def test_load_a_value_that_is_gone(store: Store) -> None:
    """A value whose file is missing is named."""
    trace = complete(store, 1)
    store.artifacts.path(trace.outputs[0].fingerprint).unlink()

    with pytest.raises(DamagedError, match="missing"):
        store.load("clean", "x")
    store.close()


def test_a_value_is_written_once(store: Store) -> None:
    """A value that is there already is not written again, by this process or another."""
    value = list(range(1000))
    found = fingerprint(value)
    first = store.artifacts.put(value, found, store.context())
    written = store.artifacts.path(found).stat().st_mtime_ns

    assert store.artifacts.put(value, found, store.context()) == first
    assert open_store(store.path).artifacts.put(value, found, store.context()) == first
    assert store.artifacts.path(found).stat().st_mtime_ns == written
    assert list(store.artifacts.all()) == [found]


def test_traces_need_no_pandas(tmp_path: Path) -> None:
    """A process that does not use pandas does not pay for its import when a step completes or is reused."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from store_process import make_trace\n"
        "from durable_nb.store import open_store; traces = open_store(sys.argv[1]).traces\n"
        "traces.add(make_trace('r', 1)); list(traces.all())\n"
        "print([name for name in ('pandas', 'numpy', 'duckdb') if name in sys.modules])"
    )
    folder = Path(__file__).parent.parent / "fault"
    command = [sys.executable, "-c", code, str(tmp_path / "store"), str(folder)]

    assert "pandas" not in subprocess.check_output(command, text=True)


class TestWriter:
    """The write-behind queue with a ledger that fails in ways that are hard to bring about."""

    def test_failures_lose_nothing(self, tmp_path: Path) -> None:
        """Events wait in order while the ledger fails, and flush says why."""
        written: list[StepEvent] = []
        full = True

        def commit(events: Sequence[StepEvent], *, wait: bool = True) -> None:
            if full:
                raise StoreFullError("no room")
            written.extend(events)

        writer = Writer(commit, Spool(tmp_path))
        for number in range(3):
            writer.put(event(number))
        with pytest.raises(StoreFullError, match="no room"):
            writer.flush()
        full = False
        writer.flush()

        assert written == [event(number) for number in range(3)]

    def test_one_bad_event(self, tmp_path: Path) -> None:
        """An event that cannot be written at all is reported and does not stop the others."""
        written: list[StepEvent] = []

        def commit(events: Sequence[StepEvent], *, wait: bool = True) -> None:
            if event(1) in events:
                raise ValueError("odd")
            written.extend(events)

        writer = Writer(commit, Spool(tmp_path))
        writer._start = lambda: None  # type: ignore[method-assign]  # all in one batch, in this thread
        for number in range(3):
            writer.put(event(number))
        with pytest.raises(StoreError, match="odd"):
            writer.flush()
        writer.flush()

        assert written == [event(0), event(2)]

    def test_the_thread_ends_and_comes_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A writer at rest has no thread; the next event starts one."""
        monkeypatch.setattr("durable_nb.store.writer._REST", 0.01)
        done = threading.Event()
        writer = Writer(lambda events, wait=True: done.set(), Spool(tmp_path))
        for _ in range(3):
            done.clear()
            writer.put(event(1))
            assert done.wait(20)
            until = time.monotonic() + 20
            while writer._thread is not None and time.monotonic() < until:
                time.sleep(0.005)
            assert writer._thread is None

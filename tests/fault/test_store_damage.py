"""A damaged store is never a wrong value and never a dead end."""

from __future__ import annotations

import random
import time
import warnings
from pathlib import Path

import pytest

from durable_nb.core.errors import DamagedError, DurableWarning
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import EventKind, Output, OutputKind, StepEvent, Trace
from durable_nb.store import Store, open_store


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(tmp_path / "key"))


def make_trace(step: str, value: object = 1) -> Trace:
    found = fingerprint(value)
    return Trace(
        step=step,
        code="c" * 32,
        key=fingerprint(step),
        source="x = 1",
        options={},
        dependencies=(),
        outputs=(Output("x", OutputKind.VALUE, found, "json"),),
        display=(),
        created_at=time.time(),
        seconds=2.0,
        run_id="r1",
        attempt=1,
        notebook="/n.ipynb",
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with three completed steps and a failed one, at rest."""
    store = open_store(tmp_path / "store")
    store.record(StepEvent(EventKind.RUN_STARTED, "r1", time.time(), data={"notebook": "/n.ipynb"}))
    for number, step in enumerate(("load", "clean", "train")):
        trace = store.traces.add(make_trace(step, number))
        store.artifacts.put(number, trace.outputs[0].fingerprint, store.context())
        data = {"notebook": "/n.ipynb", "state": "completed", "seconds": 2.0}
        store.record(StepEvent(EventKind.ATTEMPT_FINISHED, "r1", time.time(), step, 1, data, trace))
    failed = {"notebook": "/n.ipynb", "state": "failed", "seconds": 1.0, "error": {"type": "ValueError"}}
    store.record(StepEvent(EventKind.ATTEMPT_FINISHED, "r1", time.time(), "plot", 1, failed))
    store.close()
    return store


def completed(store: Store) -> list[str]:
    return [row["step"] for row in store.ledger.rows("SELECT DISTINCT step FROM traces ORDER BY step")]


def test_a_missing_ledger_is_rebuilt(store: Store) -> None:
    """Without its ledger the store knows every completed step, its run and its time, without a word."""
    store.ledger.path.unlink()

    assert completed(store) == ["clean", "load", "train"]
    (run,) = store.ledger.rows("FROM run_summary")
    assert (run["run_id"], run["executed"], run["executing_seconds"]) == ("r1", 3, 6.0)
    assert store.load("train", "x") == 2


@pytest.mark.parametrize("how", ["empty", "text", "truncated", "zeros", "flips"])
def test_a_damaged_ledger_is_rebuilt(store: Store, how: str) -> None:
    """A damaged ledger is kept aside and rebuilt from the traces, with one warning."""
    content = bytearray(store.ledger.path.read_bytes())
    chance = random.Random(3)
    if how == "empty":
        content.clear()
    elif how == "text":
        content[:] = b"this is no ledger" * 1000
    elif how == "truncated":
        del content[len(content) // 2 :]
    elif how == "zeros":
        content[: 3 * 4096] = bytes(3 * 4096)
    else:
        for _ in range(len(content) // 500):
            content[chance.randrange(len(content))] ^= 1
    store.ledger.path.write_bytes(content)

    with pytest.warns(DurableWarning, match="damaged") as caught:
        store.ledger.record([StepEvent(EventKind.EXECUTING, "r2", 1.0, "load", 1)])

    assert len(caught) == 1
    assert completed(store) == ["clean", "load", "train"]
    assert len(store.ledger.rows("FROM events")) == 1
    assert [path.read_bytes() for path in store.path.glob("ledger.duckdb.damaged-*")] == [content]


def test_a_damaged_log_costs_only_what_is_in_it(store: Store) -> None:
    """If only DuckDB's write-ahead log is damaged, what is in the file itself is kept."""
    connection = store.ledger.path.with_name("ledger.duckdb.wal")
    store.ledger.rows("SELECT 1")
    assert store.ledger._connection is not None
    store.ledger._connection.execute("SET checkpoint_on_detach = 'DISABLED'")
    store.ledger.record([StepEvent(EventKind.EXECUTING, "r1", 1.0, "load", n) for n in range(20)])
    store.ledger.close()
    content = bytearray(connection.read_bytes())
    content[len(content) // 2] ^= 255
    connection.write_bytes(content)

    with pytest.warns(DurableWarning, match="WAL"):
        failures = store.ledger.rows("FROM failures")

    assert [row["step"] for row in failures] == ["plot"]
    assert completed(store) == ["clean", "load", "train"]


def test_flips_anywhere_in_the_ledger(store: Store) -> None:
    """Wherever the ledger was hit, the completed steps are all there; at worst it is rebuilt."""
    content = store.ledger.path.read_bytes()
    chance = random.Random(5)
    for _ in range(12):
        hit = bytearray(content)
        place = chance.choice([chance.randrange(3 * 4096), chance.randrange(len(hit))])
        hit[place : place + 64] = chance.randbytes(64)
        store.ledger.path.write_bytes(hit)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DurableWarning)
            again = open_store(store.path)
            assert completed(again) == ["clean", "load", "train"]
            again.close()
        store.ledger.path.with_name("ledger.duckdb.wal").unlink(missing_ok=True)


@pytest.mark.parametrize("how", ["missing", "empty", "truncated", "flipped", "other value"])
def test_a_damaged_artifact_is_an_error_and_is_mended(store: Store, how: str) -> None:
    """A damaged value is never returned; storing it again, as its step does when it executes, mends it."""
    value = {"numbers": list(range(5000)), "name": "x"}
    found = fingerprint(value)
    store.artifacts.put(value, found, store.context())
    path = store.artifacts.path(found)
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "other value":
        path.write_bytes(store.artifacts.path(fingerprint(1)).read_bytes())
    else:
        content[len(content) // 2] ^= 255
        path.write_bytes({"empty": b"", "truncated": content[:-100]}.get(how, content))
    store = open_store(store.path)

    with pytest.raises(DamagedError, match=found):
        store.artifacts.get(found, store.context())
    assert not store.artifacts.exists(found)
    store.artifacts.put(value, found, store.context())

    assert store.artifacts.get(found, store.context()) == value


def test_every_part_of_an_artifact_counts(store: Store) -> None:
    """One flipped bit anywhere in an artifact gives an error or the very same value."""
    value = ["text", 1, 2.5, None, list(range(200))]
    found = fingerprint(value)
    store.artifacts.put(value, found, store.context())
    path = store.artifacts.path(found)
    content = path.read_bytes()
    noticed = 0
    for place in range(0, len(content), 5):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        try:
            assert store.artifacts.get(found, store.context()) == value
        except DamagedError:
            noticed += 1

    assert noticed > 0


def test_a_foreign_pickle(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle that another user signed counts as damaged; our own step replaces it."""
    value = complex  # a class: only pickle keeps it
    found = fingerprint([value])
    store.artifacts.put([value], found, store.context())
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(tmp_path / "other key"))
    other = open_store(store.path)

    with pytest.raises(DamagedError):
        other.artifacts.get(found, other.context())
    other.artifacts.put([value], found, other.context())

    assert other.artifacts.get(found, other.context()) == [value]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "abc", "A" * 32, "a" * 31 + "/"])
def test_a_fingerprint_that_is_a_path(store: Store, name: str) -> None:
    """A manipulated trace cannot point outside the store."""
    with pytest.raises(DamagedError, match="no fingerprint"):
        store.artifacts.get(name, store.context())

"""Events that a process leaves in the spool, because its ledger must not wait for it, are never lost."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from durable_nb.core.errors import DurableWarning, LedgerLockedError, StoreVersionError
from durable_nb.core.model import EventKind, StepEvent
from durable_nb.store import ledger as ledger_module
from durable_nb.store.locks import FileLock
from durable_nb.store.store import Store, open_store

STARTED, FINISHED = EventKind.ATTEMPT_STARTED, EventKind.ATTEMPT_FINISHED


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One whose process runs a user's code: nothing is written into the ledger in the background."""
    opened = open_store(tmp_path / "store")
    opened.step_aside()
    yield opened
    opened.close()


def event(number: int, kind: EventKind = STARTED, **data: Any) -> StepEvent:
    return StepEvent(kind, "r1", 1000.0 + number, "clean", 1, {"notebook": "/n.ipynb", **data})


def spooled(store: Store) -> list[Path]:
    return sorted((store.path / "spool").glob("*.json"))


def wait_for(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def times(store: Store) -> list[float]:
    rows = store.ledger.rows("select epoch(happened_at) as at from events order by happened_at")
    return [row["at"] for row in rows]


def state(store: Store) -> str:
    return str(store.ledger.rows("select state from attempts")[0]["state"])


def test_what_is_put_down_is_known_to_others(store: Store) -> None:
    """An event of a process that then hangs is in the ledger as soon as anyone looks, and only once."""
    store.record(event(1))
    store.put_down()

    other = open_store(store.path)

    assert [1001.0] == times(other) == times(store)
    assert [] == spooled(store)
    other.close()


def test_nothing_is_locked_in_the_background(store: Store) -> None:
    """While the user's code runs, events reach the disk and the lock is never taken."""
    store.path.mkdir()

    with FileLock(store.path / "lock"):
        store.record(event(1))
        wait_for(lambda: spooled(store))

    assert [1001.0] == times(store)


def test_back_in_the_ledger_when_the_code_has_ended(store: Store) -> None:
    """Nobody has to look: once the user's code has ended, the thread brings everything in by itself."""
    store.record(event(1))
    store.put_down()

    store.come_back()

    wait_for(lambda: not spooled(store))
    assert [1001.0] == times(store)


def test_a_busy_ledger(tmp_path: Path) -> None:
    """A ledger that others hold for too long stops nobody from recording, and loses nothing."""
    store = open_store(tmp_path / "store")
    store.ledger.record([event(0)])
    store.ledger._lock.timeout = store.ledger._lock_timeout = 0.1
    with FileLock(store.path / "lock"):
        store.record(event(1))
        wait_for(lambda: spooled(store))
        with pytest.raises(LedgerLockedError, match="held by process"):
            store.flush()

    store.flush()

    assert [1000.0, 1001.0] == times(store)
    assert [] == spooled(store)
    store.close()


def test_the_order_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files, and then what is still in memory, are brought in as they happened."""
    monkeypatch.setattr(ledger_module, "_FILES", 3)
    for number in range(10):
        store.record(event(2 * number))
        store.put_down()
        store.record(event(2 * number + 1, FINISHED, state="failed" if number < 9 else "completed"))

    store.flush()

    assert [1000.0 + number for number in range(20)] == times(store)
    assert "completed" == state(store)


def test_brought_in_twice(store: Store) -> None:
    """A death between the transaction and the removal of the file changes nothing that came later."""
    store.record(event(1))
    store.put_down()
    (left,) = spooled(store)
    content = left.read_bytes()
    store.record(event(2, FINISHED, state="completed"))
    store.flush()
    left.write_bytes(content)

    assert "completed" == state(store)
    assert [1001.0, 1002.0] == times(store)
    assert [] == spooled(store)


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "other"])
def test_damaged_file(store: Store, damage: str) -> None:
    """It is kept and told of; all others are brought in."""
    for number in range(3):
        store.record(event(number))
        store.put_down()
    damaged = spooled(store)[1]
    content = damaged.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
    new = {"flip": flipped, "truncate": content[:middle], "empty": b"", "other": b"{}\n[]"}[damage]
    damaged.write_bytes(new)

    with pytest.warns(DurableWarning, match="lacks some events"):
        assert [1000.0, 1002.0] == times(store)
    assert new == damaged.with_name(f"{damaged.name}.damaged").read_bytes()


def test_newer_format(store: Store) -> None:
    """Events that a newer durable_nb has left are not touched, and the error says what to do."""
    store.record(event(1))
    store.put_down()
    (file,) = spooled(store)
    newer = file.read_bytes().replace(b"events 1 ", b"events 2 ")
    file.write_bytes(newer)

    with pytest.raises(StoreVersionError, match="pip install --upgrade"):
        times(store)
    assert newer == file.read_bytes()
    file.unlink()


def test_what_json_cannot_say(store: Store) -> None:
    """A value that is no JSON is said in words, whichever way the event takes."""
    odd = event(1, options={"path": Path("/x"), "nan": float("nan"), "text": "\udc80"})
    store.record(odd)
    store.put_down()
    store.record(odd)
    store.flush()

    (row,) = store.ledger.rows("select data from events")
    assert {"path": "/x", "nan": "NaN", "text": "?"} == json.loads(row["data"])["options"]


def test_no_room(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing can be written the step goes on, the events wait in memory, and it is told."""
    store.path.mkdir()
    (store.path / "spool").write_text("")

    with caplog.at_level(logging.WARNING, "durable_nb"):
        store.record(event(1))
        store.put_down()
        store.come_back()
        wait_for(lambda: "will be tried again" in caplog.text)
    (store.path / "spool").unlink()
    store.flush()

    assert [1001.0] == times(store)


def test_a_process_that_ends(tmp_path: Path) -> None:
    """A process that ends in order while it stands aside has everything in the ledger."""
    code = (
        "import sys; from durable_nb.store import open_store; from durable_nb.core.model import *\n"
        "store = open_store(sys.argv[1]); store.step_aside()\n"
        "for n in range(3): store.record(StepEvent(EventKind.EXECUTING, 'r', 1000.0 + n)); store.put_down()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "store")], check=True)

    store = open_store(tmp_path / "store")
    assert [] == spooled(store)
    assert [1000.0, 1001.0, 1002.0] == times(store)
    store.close()

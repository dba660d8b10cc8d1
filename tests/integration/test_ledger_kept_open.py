"""A ledger that is opened once for several questions: others wait for it, and nothing is lost by that."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from durable_nb.core.errors import UsageError
from durable_nb.core.model import EventKind, StepEvent
from durable_nb.store.ledger import Ledger
from durable_nb.store.locks import FileLock


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "store")
    made.record([event(1)])
    return made


def event(number: int) -> StepEvent:
    return StepEvent(
        EventKind.EXECUTING, "r1", 1_700_000_000.0 + number, "clean", 1, {"notebook": "/n.ipynb"}
    )


def count(ledger: Ledger) -> int:
    return int(ledger.rows("SELECT count(*) AS n FROM events")[0]["n"])


def is_free(ledger: Ledger) -> bool:
    """Whether another process would get the ledger at once."""
    lock = FileLock(ledger.folder / "lock")
    if free := lock.try_acquire():
        lock.release()
    return free


def test_opened_once_and_given_back(ledger: Ledger) -> None:
    """It is held from the first question on, through a block in the block, and free at the end."""
    with ledger.kept_open():
        before = is_free(ledger)
        with ledger.kept_open():
            first = count(ledger)
        held = [is_free(ledger), count(ledger), is_free(ledger)]

    assert (True, 1) == (before, first)
    assert [False, 1, False] == held
    assert is_free(ledger)


def test_what_is_written_in_between_is_seen(ledger: Ledger) -> None:
    """By this thread and by another one: what is kept open is ended for it, and opened again."""
    with ledger.kept_open():
        found = [count(ledger)]
        ledger.record([event(2)])
        found.append(count(ledger))
        other = threading.Thread(target=ledger.record, args=([event(3)],))
        other.start()
        other.join()
        found.append(count(ledger))

    assert [1, 2, 3] == found
    assert is_free(ledger)


def test_a_wrong_question_gives_it_back(ledger: Ledger) -> None:
    """The error is told, the file is free, and the next question is answered."""
    with ledger.kept_open():
        count(ledger)
        with pytest.raises(UsageError, match="The query cannot run"):
            ledger.rows("FROM nowhere")
        free = is_free(ledger)
        found = count(ledger)

    assert (True, 1) == (free, found)
    assert is_free(ledger)


def test_an_error_in_the_block_gives_it_back(ledger: Ledger) -> None:
    """Whatever happens between two questions."""
    found: list[int] = []
    with pytest.raises(IndexError), ledger.kept_open():
        found[count(ledger)] += 1

    assert is_free(ledger)
    assert 1 == count(ledger)


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    """A store that is not there is asked without making anything."""
    ledger = Ledger(tmp_path / "none")

    with ledger.kept_open():
        found = [count(ledger), count(ledger)]

    assert [0, 0] == found
    assert not ledger.folder.exists()


def test_a_forked_child_opens_its_own(ledger: Ledger) -> None:
    """A child that is made in the block asks for itself, once its parent lets go."""
    with ledger.kept_open():
        count(ledger)
        child = os.fork()
        if not child:
            status = 1
            try:
                status = 10 + count(ledger)
            finally:
                os._exit(status)
        held = is_free(ledger)
    _, ended = os.waitpid(child, 0)

    assert not held
    assert 11 == os.waitstatus_to_exitcode(ended)

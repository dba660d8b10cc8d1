"""SIGKILL at every boundary of a step: the store opens, completed steps are kept, the rest runs again."""

from __future__ import annotations

import shutil

import pytest

from durable_nb.store.store import open_store

KILL = """
import os, signal
from IPython import get_ipython
from durable_nb.kernel.magics import session_of

def kill_at(event):
    if (event.kind, event.step) == ({boundary!r}, "second"):
        os.kill(os.getpid(), signal.SIGKILL)

session_of(get_ipython()).observers.insert(0, kill_at)
"""
CELLS = [
    "%%step first\nimport pandas as pd\ndf = pd.DataFrame({'a': range(1000)})\nprint('first ran')",
    "%%step second\ntotal = int(df.a.sum())\nprint('second ran')",
    "%%step third\ntwice = 2 * total\ntwice",
]
ALL = "total, twice, len(df)"


@pytest.mark.parametrize(
    "boundary",
    ["attempt_started", "executing", "storing", "committing", "attempt_finished"],
)
def test_a_kernel_killed_in_a_step_loses_no_completed_step(kernel, boundary: str) -> None:
    """Whatever was reported completed is reused; the step that died runs again, unless it was committed."""
    kernel.start()
    kernel.run(KILL.format(boundary=boundary))
    assert kernel.run(CELLS[0]).state == "completed"
    kernel.send(CELLS[1])
    kernel.wait_for_death()
    kernel.start()
    results = [kernel.run(cell) for cell in CELLS]
    committed = boundary == "attempt_finished"
    assert ["reused", "reused" if committed else "completed", "completed"] == [r.state for r in results]
    assert kernel.run(ALL).result == "(499500, 999000, 1000)"
    kernel.stop()
    store = open_store(kernel.folder / ".durable")
    store.recover()
    completed = store.ledger.rows("select distinct step from traces order by step")
    assert ["first", "second", "third"] == [row["step"] for row in completed]


def test_a_step_that_kills_its_own_kernel_is_not_reused(kernel) -> None:
    """The process dies in the middle of the user's code."""
    cell = "%%step fatal\nx = 1\nimport os\nos.kill(os.getpid(), 9)"
    kernel.start()
    kernel.run("%%step before\ny = 2")
    kernel.send(cell)
    kernel.wait_for_death()
    kernel.start()
    assert kernel.run("%%step before\ny = 2").state == "reused"
    assert kernel.run("%%step fatal\nx = 1").state == "completed"


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "remove", "directory"])
@pytest.mark.parametrize("kind", ["artifacts", "traces"])
def test_damaged_files_are_a_miss_with_a_warning(kernel, kind: str, damage: str) -> None:
    """Never a wrong value, never a traceback; the step executes and mends the store."""
    cell = "%%step make\nimport numpy as np\nx = np.arange(2000)\nx.sum()"
    kernel.start()
    kernel.run(cell)
    kernel.stop()
    for path in (kernel.folder / ".durable" / kind).rglob("*.parquet"):
        content = path.read_bytes()
        path.unlink()
        if damage == "truncate":
            path.write_bytes(content[: len(content) // 2])
        elif damage == "flip":
            middle = len(content) // 2
            path.write_bytes(content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :])
        elif damage == "empty":
            path.write_bytes(b"")
        elif damage == "directory":
            path.mkdir()
    kernel.start()
    again = kernel.run(cell)
    assert again.error == ""
    assert again.result == "np.int64(1999000)"
    named = kernel.run("int(x.sum())")
    assert (named.error, named.result) == ("", "1999000")
    if kind == "artifacts" and damage == "flip":  # what is inside a file is looked at when a cell names it
        assert again.state == "reused"
        assert "was damaged; the step was executed again for it" in named.text
    elif kind == "artifacts":
        assert again.state == "completed"
        assert "stored result not usable" in again.status["warning"]
    if damage != "directory":
        assert kernel.run_all(cell)[0].state == "reused"


def test_a_store_that_cannot_be_is_a_clear_error(kernel) -> None:
    """A file stands where the folder should be: what was found, what was expected, what to type."""
    (kernel.folder / ".durable").write_text("")
    kernel.start()
    failed = kernel.run("%%step make\nx = 1")
    assert failed.error.startswith("StoreAccessError: The store ")
    assert "is a file; a folder was expected" in failed.error
    assert "durable_nb/" not in failed.error


def test_a_step_that_cannot_be_stored_goes_on_and_says_so(kernel) -> None:
    """The value is there for the next cells; only its durability is lost, and that is said."""
    kernel.start()
    kernel.run("%%step one\nx = 1")
    artifacts = kernel.folder / ".durable" / "artifacts"
    shutil.rmtree(artifacts)
    artifacts.write_text("a file where a folder should be")
    again = kernel.run("%%step two\ny = x + 1")
    assert (again.state, again.error) == ("completed", "")
    assert again.status["warning"].startswith("not durable, executes next time: the store: ")
    assert "--ignore" not in again.status["warning"]
    assert kernel.run("y").result == "2"

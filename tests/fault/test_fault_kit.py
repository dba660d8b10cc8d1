"""The fault kit that users have for their own notebooks, on a notebook of theirs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.core.errors import UsageError
from durable_nb.testing import (
    Laboratory,
    Outcome,
    assert_durable,
    corrupt,
    disk_full,
    fail,
    kill_at,
    lock_held,
    slow,
)
from durable_nb.testing.durability import assert_same

CELLS = [
    "factor = 3",
    "%%step load\ndata = list(range(5))\nprint('loaded')",
    "%%step train --retries 1 --backoff 0.01\ndata.append(factor)\nmodel = sum(data)\nmodel",
    "%%step show --timeout 2\ntext = f'{model} of {len(data)}'\nprint(text)",
]
DONE = {"load": "completed", "train": "completed", "show": "completed"}


def write(path: Path, *cells: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel})
    nbformat.write(made, path)
    return path


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(write(tmp_path / "in.ipynb", *CELLS), tmp_path / "laboratory")


@pytest.fixture(scope="module")
def clean_laboratory(
    tmp_path_factory: pytest.TempPathFactory, user_key: Path
) -> Iterator[tuple[Laboratory, Outcome]]:
    """A laboratory in which the notebook has run, and what came of it."""
    folder = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DURABLE_NB_KEY_FILE", str(user_key))
        laboratory = Laboratory(write(folder / "in.ipynb", *CELLS), folder / "laboratory")
        yield laboratory, laboratory.run()


@pytest.fixture
def clean(clean_laboratory: tuple[Laboratory, Outcome]) -> Outcome:
    """What comes of the notebook when nothing goes wrong."""
    return clean_laboratory[1]


def test_no_fault(clean: Outcome) -> None:
    """What comes of a run: steps, what ran, what it has shown, and variables that can be compared."""
    assert (0, DONE, ["load", "train", "show"]) == (clean.status, clean.steps, clean.executed)
    assert {"factor", "data", "model", "text"} == set(clean.values)
    assert [[], [["stdout", "loaded\n"]]] == clean.shown[:2]
    assert "" == clean.errors


def test_kill_at(laboratory: Laboratory, clean: Outcome) -> None:
    """A kernel that is killed in a step is replaced: what was done is reused, the step runs again."""
    fault = kill_at("train", when="storing")

    killed = laboratory.run(fault)

    assert (0, 1) == (killed.status, killed.faults[fault])
    assert ["load", "train", "train", "show"] == killed.executed
    assert {**DONE, "load": "reused"} == killed.steps
    assert_same(killed, clean, "killed")


def test_fail(laboratory: Laboratory, clean: Outcome) -> None:
    """A step that fails is tried again in the state in which it was before, and fails when that was all."""
    once = fail("train", times=1, with_=ConnectionError, statement=1)
    never = fail("load", statement=9)

    flaky = laboratory.run(once, never)

    assert ["load", "train", "train", "show"] == flaky.executed
    assert {once: 1, never: 0} == flaky.faults
    assert_same(flaky, clean, "tried again")
    laboratory.forget()
    broken = laboratory.run(fail("train", times=2, message="no answer"))
    assert (1, "failed") == (broken.status, broken.steps["train"])
    assert "ConnectionError: no answer" in broken.failure


def test_slow(laboratory: Laboratory) -> None:
    """A time limit ends a step that has become slow."""
    late = laboratory.run(slow("show", 60))

    assert (1, "failed") == (late.status, late.steps["show"])
    assert "StepTimeoutError" in late.failure


def test_disk_full_and_lock_held(laboratory: Laboratory, clean: Outcome) -> None:
    """Neither a full disk nor another process in the ledger makes a value wrong; what fits is kept later."""
    full = disk_full("load")

    outcome = laboratory.run(full, lock_held(3))
    again = laboratory.run()

    assert (0, 1) == (outcome.status, outcome.faults[full])
    assert_same(outcome, clean, "with a full disk")
    assert_same(again, clean, "after it")
    assert again.steps["load"] == "completed"


def test_corrupt(clean_laboratory: tuple[Laboratory, Outcome], clean: Outcome, tmp_path: Path) -> None:
    """A damaged value is never used: its step runs again."""
    done, _ = clean_laboratory
    copied = Laboratory(done.notebook, tmp_path)
    shutil.copytree(done.store, copied.store)

    after = copied.run(corrupt("load", "data"))

    assert 0 == after.status
    assert "load" in after.executed or "train" not in after.executed
    assert_same(after, clean, "damaged")


@pytest.mark.timeout(900)
def test_assert_durable(tmp_path: Path) -> None:
    """A deterministic notebook survives, also where it sends something; the counts say what it met."""
    cells = [*CELLS[:3], "%%step send --at-most-once\nreceipt = f'R-{model}'"]
    notebook = write(tmp_path / "in.ipynb", *cells)

    survived = assert_durable(notebook, steps=["send"], boundaries=["executing", "finished"], writes=1)

    assert (3, 3, 4) == (survived.kills, survived.steps, survived.variables)


def test_not_deterministic(tmp_path: Path) -> None:
    """A notebook that gives something else each time is found out, with the name of what differs."""
    cells = ["import time", "%%step one\nx = 1", "when = time.time_ns()"]

    with pytest.raises(AssertionError, match=r"run again, .*: variables differ .*: when") as caught:
        assert_durable(write(tmp_path / "in.ipynb", *cells), writes=0)

    (note,) = caught.value.__notes__
    assert "is not deterministic: a second clean run: variables differ from a clean run's: when" in note
    assert "ignore=[NAME]" in note


def test_not_durable(tmp_path: Path) -> None:
    """A step whose effect durable_nb cannot keep is found out; the message says what to do."""
    cells = ["import os", "%%step one\nold = os.umask(0o077)", "mask = os.umask(0o077)"]

    with pytest.raises(AssertionError, match=r"run again, .*: variables differ .*: mask") as caught:
        assert_durable(write(tmp_path / "in.ipynb", *cells), writes=0)

    assert "Two clean runs agree" in caught.value.__notes__[0]


def test_without_steps(tmp_path: Path) -> None:
    """A notebook without steps keeps nothing: that is said, with what to write."""
    with pytest.raises(UsageError, match=r"has no steps.*%%step NAME"):
        assert_durable(write(tmp_path / "in.ipynb", "x = 1"))


def test_wrong_usage(tmp_path: Path, laboratory: Laboratory) -> None:
    """What cannot be done is said at once, with what was expected."""

    class LocalError(Exception):
        pass

    with pytest.raises(UsageError, match="expected one of: started, executing"):
        kill_at("load", when="thinking")
    with pytest.raises(UsageError, match="cannot be imported"):
        fail("load", with_=LocalError)
    with pytest.raises(UsageError, match="run the notebook once"):
        laboratory.run(corrupt("load"))
    with pytest.raises(UsageError, match="there is no notebook"):
        Laboratory(tmp_path / "none.ipynb", tmp_path)
    with pytest.raises(
        UsageError, match=r"no step 'trian'; did you mean 'train'\? Its steps are: load, train"
    ):
        laboratory.run(kill_at("trian"))


def test_the_pytest_fixture(tmp_path: Path) -> None:
    """The five lines of the README."""
    write(tmp_path / "report.ipynb", *CELLS)
    (tmp_path / "test_report.py").write_text(
        "from durable_nb.testing import kill_at\n\n"
        "def test_it(durable_notebook):\n"
        "    outcome = durable_notebook('report.ipynb').run(kill_at('train'))\n"
        "    assert outcome.status == 0\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "durable_nb.testing.pytest_plugin",
        "test_report.py",
    ]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)

    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr

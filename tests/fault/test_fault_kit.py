"""The fault kit that users have for their own notebooks, on a notebook of theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.core.errors import UsageError
from durable_nb.testing import Laboratory, assert_durable, corrupt, disk_full, fail, kill_at, lock_held, slow
from durable_nb.testing.durability import assert_same

CELLS = [
    "factor = 3",
    "%%step load\ndata = list(range(5))\nprint('loaded')",
    "%%step train --retries 1 --backoff 0.01 --timeout 20\ndata.append(factor)\nmodel = sum(data)\nmodel",
    "%%step show\ntext = f'{model} of {len(data)}'\nprint(text)",
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


def test_kill_at(laboratory: Laboratory) -> None:
    """A kernel that is killed in a step is replaced: what was done is reused, the step runs again."""
    fault = kill_at("train", when="storing")

    killed = laboratory.run(fault)

    assert (0, 1) == (killed.status, killed.faults[fault])
    assert ["load", "train", "train", "show"] == killed.executed
    assert {**DONE, "load": "reused"} == killed.steps


def test_fail(laboratory: Laboratory) -> None:
    """A step that fails is tried again, in the state in which it was before."""
    clean = laboratory.run()
    laboratory.forget()

    flaky = laboratory.run(fail("train", times=1, with_=ConnectionError, statement=1))

    assert ["load", "train", "train", "show"] == flaky.executed
    assert clean.values == flaky.values
    laboratory.forget()
    broken = laboratory.run(fail("train", times=2))
    assert (1, "failed") == (broken.status, broken.steps["train"])


def test_slow(laboratory: Laboratory) -> None:
    """A time limit ends a step that has become slow."""
    assert laboratory.run(slow("show", 0.2)).status == 0
    laboratory.forget()

    late = laboratory.run(slow("train", 60, times=2))

    assert (1, "failed") == (late.status, late.steps["train"])


def test_disk_full_and_lock_held(laboratory: Laboratory) -> None:
    """Neither a full disk nor another process in the ledger makes a value wrong; what fits is kept later."""
    clean = laboratory.run()
    laboratory.forget()
    full = disk_full("load")

    outcome = laboratory.run(full, lock_held(3))
    again = laboratory.run()

    assert (0, 1) == (outcome.status, outcome.faults[full])
    assert_same(outcome, clean, "with a full disk")
    assert_same(again, clean, "after it")
    assert again.steps["load"] == "completed"


def test_corrupt(laboratory: Laboratory) -> None:
    """A damaged value is never used: its step runs again."""
    clean = laboratory.run()

    after = laboratory.run(corrupt("load", "data"))

    assert 0 == after.status
    assert "load" in after.executed or "train" not in after.executed
    assert_same(after, clean, "damaged")


@pytest.mark.timeout(600)
def test_assert_durable(tmp_path: Path) -> None:
    """A deterministic notebook survives; the counts say what it has been through."""
    survived = assert_durable(write(tmp_path / "in.ipynb", *CELLS), steps=["train"], writes=2)

    assert 5 <= survived.kills <= 7
    assert (3, 4) == (survived.steps, survived.variables)


def test_assert_durable_fails(tmp_path: Path) -> None:
    """A notebook that gives something else each time is found out, with the name of what differs."""
    cells = ["import time", "%%step one\nx = 1", "when = time.time_ns()"]

    with pytest.raises(AssertionError, match=r"killed at attempt_started one: variables differ .*: when"):
        assert_durable(write(tmp_path / "in.ipynb", *cells), steps=["one"], writes=0)


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

"""Kernels that die or hang while a notebook is executed: the same command goes on by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from papermill.exceptions import PapermillExecutionError

from durable_nb.batch import patience
from durable_nb.store.store import open_store

Execute = Callable[..., nbformat.NotebookNode]

ONCE = """
import os, pathlib, subprocess, sys, time
if not pathlib.Path("died").exists():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    pathlib.Path("died").write_text(str(child.pid))
    time.sleep(0.5)  # so that the ledger knows of the attempt
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Execute:
    """Writes the cells to in.ipynb, executes them, returns what is in out.ipynb."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DURABLE_NB_STORE", raising=False)

    def call(*cells: str, fails: bool = False, **options: Any) -> nbformat.NotebookNode:
        write(tmp_path / "in.ipynb", *cells)
        told: dict[str, Any] = {"engine_name": "durable", "progress_bar": False, **options}
        if fails:
            with pytest.raises(PapermillExecutionError):
                papermill.execute_notebook("in.ipynb", "out.ipynb", **told)
        else:
            papermill.execute_notebook("in.ipynb", "out.ipynb", **told)
        nb = nbformat.read(tmp_path / "out.ipynb", as_version=4)
        nb.cells = [cell for cell in nb.cells if "papermill" in cell.metadata]
        return nb

    return call


def write(path: Path, *cells: str) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel})
    nbformat.write(nb, path)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(open_store(folder / ".durable")) as store:
        return [tuple(row.values()) for row in store.ledger.rows(sql)]


def attempts(folder: Path, step: str) -> list[tuple[Any, ...]]:
    return rows(
        folder,
        "select attempt, state, error_type from attempts "
        f"where step = '{step}' and reuse = 0 order by attempt",
    )


def printed(cell: nbformat.NotebookNode) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def states(nb: nbformat.NotebookNode) -> list[str]:
    return [cell.metadata.get("durable_nb", {}).get("state", "-") for cell in nb.cells]


def test_killed_kernel_is_replaced(
    execute: Execute, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Plain cells run again, completed steps are reused, the step that died is tried again and completes."""
    count = "runs = pathlib.Path('runs'); runs.write_text(runs.read_text() + 'x' if runs.exists() else 'x')"

    with caplog.at_level(logging.INFO, "durable_nb"):
        nb = execute(
            f"import pathlib; {count}",
            "%%step load\nx = [1, 2]",
            f"%%step train\n{ONCE}\ny = sum(x)",
            "print(y)",
        )

    assert "xx" == (tmp_path / "runs").read_text()
    assert ["completed", "reused", "completed", "completed"] == states(nb)
    assert ["completed"] * 4 == [cell.metadata.papermill.status for cell in nb.cells]
    assert nb.metadata.papermill.exception is None
    assert "3\n" == printed(nb.cells[3])
    assert [(1, "interrupted", "KernelDied"), (2, "completed", None)] == attempts(tmp_path, "train")
    assert [("completed", None)] == rows(tmp_path, "select state, error_type from runs")
    assert "step train: the kernel was killed by SIGKILL" in caplog.text
    assert "Going on in another kernel (1 of 2)" in caplog.text
    child = int((tmp_path / "died").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_step_that_completed_before_the_death_is_not_executed_again(
    execute: Execute, tmp_path: Path
) -> None:
    """A death in a plain cell, right behind a step: what was committed is known, whatever the ledger knew."""
    nb = execute(
        "%%step load\nimport pathlib; n = pathlib.Path('n'); n.open('a').write('x'); del n\nx = 1",
        "import os, pathlib\nif not pathlib.Path('died').exists():\n"
        "    pathlib.Path('died').touch(); os._exit(7)\nprint(x)",
    )

    assert "x" == (tmp_path / "n").read_text()
    assert ["reused", "completed"] == states(nb)
    assert "1\n" == printed(nb.cells[1])


def test_restarts_are_limited(execute: Execute, tmp_path: Path) -> None:
    """A step that kills each kernel ends the run as interrupted; cells for that end run in a new kernel."""
    nb = execute(
        "%%step bad\nimport os; os._exit(3)\nz = 1",
        "w = 1",
        "%%on_failure\nprint(failure.state, failure.step, failure.cell, failure.error_type)",
        fails=True,
        kernel_restarts=1,
    )

    assert ["interrupted", "-", "-"] == states(nb)
    assert "exited with status 3" in nb.cells[0].outputs[-1].evalue
    assert "interrupted bad 1 KernelDied\n" == printed(nb.cells[2])
    assert [(1, "interrupted", "KernelDied"), (2, "interrupted", "KernelDied")] == attempts(tmp_path, "bad")
    assert [("interrupted",)] == rows(tmp_path, "select state from runs")


def test_given_up_but_not_the_rest(execute: Execute, tmp_path: Path) -> None:
    """With keep_going a cell that kills kernels is left out at last, and what does not need it is done."""
    nb = execute(
        "%%step bad\nimport os; os._exit(3)\nz = 1",
        "%%step good\nw = 1",
        "import os; os._exit(4)",
        "print(w)",
        "print(z)",
        fails=True,
        kernel_restarts=0,
        keep_going=True,
    )

    assert ["failed", "reused", "failed", "completed", "blocked"] == states(nb)
    assert "exited with status 3" in nb.cells[0].outputs[-1].evalue
    assert "exited with status 4" in nb.cells[2].outputs[-1].evalue
    assert "1\n" == printed(nb.cells[3])
    assert [("failed",)] == rows(tmp_path, "select state from runs")


STUCK = """
import pathlib
tries = pathlib.Path("tries")
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
if tries.read_text() == "x":
    sum(range(10**12))
"""


@pytest.mark.parametrize("retries", [1, 0])
def test_step_that_does_not_listen(
    execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retries: int
) -> None:
    """A step stuck in compiled code past its time limit costs it a retry and the run its kernel."""
    monkeypatch.setattr(patience, "LATE", 0.5)
    monkeypatch.setattr(patience, "GRACE", 0.5)
    step = f"%%step slow --timeout 500ms --retries {retries} --backoff 0 --ignore tries\n{STUCK}\ny = 5"

    nb = execute(step, "print(y)", fails=not retries)

    found = attempts(tmp_path, "slow")
    if retries:
        assert [(1, "failed", "StepTimeoutError"), (2, "completed", None)] == found
        assert "5\n" == printed(nb.cells[1])
    else:
        assert [(1, "failed", "StepTimeoutError")] == found
        assert "StepTimeoutError" == nb.cells[0].outputs[-1].ename
        assert [("failed",)] == rows(tmp_path, "select state from runs")


def test_no_kernel_is_left(execute: Execute) -> None:
    """Whatever became of the kernels, none of them is still there."""
    others = psutil.Process().children(recursive=True)

    execute("import os; os._exit(3)", fails=True, kernel_restarts=1)

    assert [] == [child for child in psutil.Process().children(recursive=True) if child not in others]

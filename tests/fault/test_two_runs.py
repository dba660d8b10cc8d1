"""Two at one notebook, each in processes of its own: one executes a step, the other says that it waits."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from conftest import Kernel
from nbformat.v4 import new_code_cell, new_notebook

STEP = """%%step slow
import os, signal
with open("ran", "a") as ran:
    first = ran.tell() == 0
    print(os.getpid(), file=ran)
if first:
    os.kill(os.getpid(), signal.SIGSTOP)
x = 5
del ran, first"""
"""Its first execution stops its kernel, which holds the step's lock meanwhile."""

Run = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path, start_python: Callable[..., subprocess.Popen[str]]) -> Run:
    """Starts ``durable-nb run`` of the notebook; its log comes through stderr."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(STEP), new_code_cell("print('x is', x)")]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "in.ipynb")
    return lambda output: start_python("durable_nb.cli", "run", "in.ipynb", output)


def wait_for_stop(folder: Path) -> int:
    """The kernel in which the step stands still."""
    while not (ran := folder / "ran").exists() or not ran.read_text().endswith("\n"):
        time.sleep(0.05)
    pid = int(ran.read_text())
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.05)
    return pid


def told_while_waiting(process: subprocess.Popen[str]) -> str:
    """The line that says for whom it waits."""
    assert process.stderr is not None
    return next(line for line in process.stderr if " waits for " in line)


def test_the_second_run_waits_and_reuses(run: Run, tmp_path: Path) -> None:
    """The step's body runs once; for whom the other run waits, and since when, is said meanwhile."""
    first = run("first.ipynb")
    holder = wait_for_stop(tmp_path)

    second = run("second.ipynb")
    told = told_while_waiting(second)
    os.kill(holder, signal.SIGCONT)
    shown = [process.communicate()[0] for process in (first, second)]

    assert f"slow waits for process {holder} on {socket.gethostname()} since 20" in told
    assert [0, 0] == [first.returncode, second.returncode], shown
    assert ["completed", "reused"] == [text.split("slow", 1)[1].split()[0] for text in shown]
    assert [str(holder)] == (tmp_path / "ran").read_text().split()


def test_the_end_of_a_killed_holder_lets_the_other_run_execute(run: Run, tmp_path: Path) -> None:
    """The run whose kernel was killed goes on in another one, and reuses what the other run made."""
    first = run("first.ipynb")
    holder = wait_for_stop(tmp_path)

    second = run("second.ipynb")
    told_while_waiting(second)
    os.kill(holder, signal.SIGKILL)
    shown = [process.communicate()[0] for process in (second, first)]

    assert [0, 0] == [first.returncode, second.returncode], shown
    assert ["completed", "reused"] == sorted(text.split("slow", 1)[1].split()[0] for text in shown)
    assert 2 == len((tmp_path / "ran").read_text().split())


def test_a_run_beside_a_kernel(kernel: Kernel, run: Run, tmp_path: Path) -> None:
    """A person executes the step in a kernel; the run of the same notebook waits for it, and reuses."""
    kernel.start()
    kernel.send(STEP)
    holder = wait_for_stop(tmp_path)

    process = run("out.ipynb")
    told = told_while_waiting(process)
    os.kill(holder, signal.SIGCONT)
    shown = process.communicate()[0]

    assert "completed" == kernel.finish().state
    assert f"process {holder} on " in told
    assert (0, "reused") == (process.returncode, shown.split("slow", 1)[1].split()[0]), shown
    assert [str(holder)] == (tmp_path / "ran").read_text().split()

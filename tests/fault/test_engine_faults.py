"""Killing kernels and engines: the output tells the truth, nothing stays behind, the same command goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.inspecting.reports import RunReport, list_runs
from durable_nb.batch.runs import settle_dead_runs
from durable_nb.store.store import open_store

Start = Callable[[], "subprocess.Popen[str]"]

HOLDS_THE_INTERPRETER = "sum(range(10**12))"
SLEEPS = "import time; time.sleep(3600)"
PATIENCE = 180
"""Seconds until what must happen counts as hung, on the slowest machine."""


@pytest.fixture
def start(start_python: Callable[..., "subprocess.Popen[str]"]) -> Start:
    """Starts ``papermill in.ipynb out.ipynb --engine durable`` as a process of its own."""
    command = ["papermill", "in.ipynb", "out.ipynb", "--engine", "durable"]
    environment = {name: value for name, value in os.environ.items() if name != "DURABLE_NB_STORE"}
    environment["DURABLE_NB_KERNEL_RESTARTS"] = "0"  # what is left is to be seen before the run goes on
    return lambda: start_python(*command, env=environment, stdout=None)


def write(path: Path, *cells: str) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel})
    nbformat.write(nb, path)


def wait_for(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def output(folder: Path) -> nbformat.NotebookNode:
    nb = nbformat.read(folder / "out.ipynb", as_version=4)
    nb.cells = [cell for cell in nb.cells if "papermill" in cell.metadata]
    return nb


def runs_of(folder: Path) -> list[RunReport]:
    with closing(open_store(folder / ".durable")) as store:
        settle_dead_runs(store)
        return list_runs(store)


def statuses(folder: Path) -> list[str]:
    return [cell.metadata.papermill.status for cell in output(folder).cells]


def kernel_of(process: "subprocess.Popen[str]", folder: Path) -> psutil.Process:
    """The kernel, once it is deep in the cell that wrote its number."""

    def number() -> str:
        assert process.poll() is None, process.communicate()[1]
        return (folder / "pid").read_text() if (folder / "pid").exists() else ""

    text = wait_for(number)
    time.sleep(0.3)
    return psutil.Process(int(text))


def is_gone(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder) and not is_gone(process):
                found.append(process)
    return found


def tell_pid(then: str) -> str:
    return f"import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\n{then}"


def test_killed_kernel(start: Start, tmp_path: Path) -> None:
    """The cell in which the kernel died is failed and says how; later cells never ran; then it resumes."""
    write(tmp_path / "in.ipynb", "print('done')", tell_pid(SLEEPS), "1")
    process = start()
    kernel_of(process, tmp_path).kill()

    stderr = process.communicate(timeout=PATIENCE)[1]

    assert process.returncode == 1
    assert "killed by SIGKILL" in stderr
    assert statuses(tmp_path) == ["completed", "failed", "pending"]
    cell = output(tmp_path).cells[1]
    assert cell.metadata.papermill.exception is True
    assert cell.outputs[-1].ename == "KernelDied"
    assert runs_of(tmp_path)[0].state == "interrupted"


def test_kernel_killed_in_a_step(start: Start, tmp_path: Path) -> None:
    """The step is interrupted, what was completed before is reused, and the rest is executed."""
    train = tell_pid("if not pathlib.Path('ok').exists():\n    import time; time.sleep(3600)")
    cells = ["%%step load\nx = [1, 2]", f"%%step train\n{train}\ny = sum(x)", "%%step show\nprint(y)"]
    write(tmp_path / "in.ipynb", *cells)
    process = start()
    kernel_of(process, tmp_path).kill()
    process.communicate(timeout=PATIENCE)
    first = {step.step: step.state.value for step in runs_of(tmp_path)[0].steps}

    (tmp_path / "ok").touch()
    again = start()
    stderr = again.communicate(timeout=PATIENCE)[1]
    second = {step.step: step.state.value for step in runs_of(tmp_path)[0].steps}

    assert again.returncode == 0
    assert first == {"load": "completed", "train": "interrupted"}
    assert second == {"load": "reused", "train": "completed", "show": "completed"}
    assert output(tmp_path).cells[2].outputs[0].text == "3\n"
    assert "step load · reused" in stderr
    assert "step train · attempt 2 · completed" in stderr


@pytest.mark.parametrize("busy", [SLEEPS, HOLDS_THE_INTERPRETER])
def test_killed_engine(start: Start, tmp_path: Path, busy: str) -> None:
    """The kernel of a killed engine ends, even deep in compiled code; finished cells are in the output."""
    write(tmp_path / "in.ipynb", "print('done')", tell_pid(busy), "1")
    process = start()
    kernel = kernel_of(process, tmp_path)

    process.kill()

    wait_for(lambda: is_gone(kernel))
    assert statuses(tmp_path) == ["completed", "running", "pending"]
    assert output(tmp_path).cells[0].outputs[0].text == "done\n"
    assert runs_of(tmp_path)[0].state == "interrupted"


@pytest.mark.parametrize("seconds", [0.9, 1.3, 1.6, 2.0, 2.6])
def test_engine_killed_at_any_moment(start: Start, tmp_path: Path, seconds: float) -> None:
    """Killed while its kernel starts, or is told what to do, the engine leaves no process behind."""
    write(tmp_path / "in.ipynb", tell_pid(SLEEPS))
    process = start()
    time.sleep(seconds)

    process.kill()
    process.wait()

    wait_for(lambda: not processes_in(tmp_path))


def test_same_command_after_a_killed_engine(start: Start, tmp_path: Path) -> None:
    """A run whose engine was killed is continued, not begun again."""
    write(
        tmp_path / "in.ipynb",
        tell_pid("if not pathlib.Path('ok').exists():\n    import time; time.sleep(3600)"),
    )
    process = start()
    kernel_of(process, tmp_path)
    process.kill()
    process.wait()
    (tmp_path / "ok").touch()

    again = start()
    again.communicate(timeout=PATIENCE)

    assert again.returncode == 0
    assert [(run.state, run.resumed_at is not None) for run in runs_of(tmp_path)] == [("completed", True)]


def test_a_run_that_is_at_work_is_left_alone(start: Start, tmp_path: Path) -> None:
    """The same command, given while it is still at work, is a run of its own."""
    write(tmp_path / "in.ipynb", tell_pid("while not pathlib.Path('ok').exists():\n    pass"))
    first = start()
    kernel_of(first, tmp_path)
    second = start()
    wait_for(lambda: len(runs_of(tmp_path)) == 2)
    (tmp_path / "ok").touch()

    first.communicate(timeout=PATIENCE)
    second.communicate(timeout=PATIENCE)

    assert (first.returncode, second.returncode) == (0, 0)
    assert [run.state for run in runs_of(tmp_path)] == ["completed", "completed"]


@pytest.mark.parametrize(
    ("number", "status", "state", "busy"),
    [
        (signal.SIGTERM, 143, "interrupted", HOLDS_THE_INTERPRETER),
        (signal.SIGINT, 130, "cancelled", SLEEPS),
    ],
)
def test_asked_to_end(start: Start, tmp_path: Path, number: int, status: int, state: str, busy: str) -> None:
    """SIGTERM and Ctrl-C end cell, kernel and engine in order, even if the cell does not listen."""
    write(tmp_path / "in.ipynb", "print('done')", tell_pid(busy), "1")
    process = start()
    kernel = kernel_of(process, tmp_path)

    process.send_signal(number)
    process.communicate(timeout=PATIENCE)

    assert status == process.returncode
    assert is_gone(kernel)
    assert statuses(tmp_path) == ["completed", "failed", "pending"]
    assert output(tmp_path).cells[1].outputs[-1].ename == "KeyboardInterrupt"
    assert state == runs_of(tmp_path)[0].state


def test_asked_to_end_while_a_cell_cleans_up(start: Start, tmp_path: Path) -> None:
    """A cell that takes the interrupt and ends well is completed; the next one is not begun."""
    tidy = "try:\n    import time; time.sleep(3600)\nexcept KeyboardInterrupt:\n    print('tidied')"
    write(tmp_path / "in.ipynb", tell_pid(tidy), "1")
    process = start()
    kernel_of(process, tmp_path)

    process.terminate()
    process.communicate(timeout=PATIENCE)

    assert 143 == process.returncode
    assert ["completed", "pending"] == statuses(tmp_path)
    assert "interrupted" == runs_of(tmp_path)[0].state


def test_a_run_whose_output_has_no_room_goes_on(tmp_path: Path) -> None:
    """It fails with an error that says so; steps are kept, and `resume` goes on once there is room."""
    write(
        tmp_path / "in.ipynb", "%%step a\nx = 1", "%%step b\nprint('x' * 5_000_000)\ny = x", "%%step c\nz = y"
    )
    limit = (
        "import resource, signal, sys; from durable_nb.cli.app import main; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); main(sys.argv[1:])"
    )

    def call(size: int, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", limit.format(size), *words]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    ended = [call(4_000_000, "run", "in.ipynb", "out.ipynb"), call(4_000_000, "resume", "--last")]

    for one in ended:
        assert 1 == one.returncode, one.stderr
        assert "out.ipynb cannot be saved: File too large. Completed steps are in the store" in one.stderr
    (report,) = runs_of(tmp_path)
    assert "failed" == report.state
    assert "out.ipynb cannot be saved" in report.error
    mended = call(2**30, "resume", "--last", "--json")
    assert 0 == mended.returncode, mended.stderr
    states = [step["state"] for step in json.loads(mended.stdout)["steps"]]
    assert ["reused", "reused", "completed"] == states


def test_full_disk_keeps_the_last_output(tmp_path: Path) -> None:
    """When the output cannot be saved any more, the one saved before is whole, and the error says so."""
    write(tmp_path / "in.ipynb", "print('done')", "print('x' * 3_000_000)", "1")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)); "
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "from papermill import execute_notebook; "
        "execute_notebook('in.ipynb', 'out.ipynb', engine_name='durable', progress_bar=False)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", limited],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert ended.returncode == 1
    assert "out.ipynb cannot be saved" in ended.stderr
    assert statuses(tmp_path) == ["completed", "running", "pending"]

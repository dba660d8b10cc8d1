"""How a run ends: independent cells after a failure, cells and hooks for the end, signals, exit status."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from conftest import Kernel
from nbformat.v4 import new_code_cell, new_notebook
from papermill.exceptions import PapermillExecutionError

from durable_nb.batch.engine_run import run_notebook
from durable_nb.batch.inspecting.hook_calls import run_hooks
from durable_nb.batch.inspecting.reports import list_runs, run_report
from durable_nb.store.locks import FileLock
from durable_nb.store.store import open_store


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: Path, *cells: str) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel})
    nbformat.write(nb, path)


def output(folder: Path) -> nbformat.NotebookNode:
    nb = nbformat.read(folder / "out.ipynb", as_version=4)
    nb.cells = [cell for cell in nb.cells if "papermill" in cell.metadata]
    return nb


def printed(cell: nbformat.NotebookNode) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def states(nb: nbformat.NotebookNode) -> list[str]:
    return [cell.metadata.get("durable_nb", {}).get("state", "-") for cell in nb.cells]


def statuses(nb: nbformat.NotebookNode) -> list[str]:
    return [cell.metadata.papermill.status for cell in nb.cells]


# Independent cells


def test_keep_going(tmp_path: Path) -> None:
    """After a failure the rest is run; each cell says what became of it; papermill raises the first error."""
    write(
        tmp_path / "in.ipynb",
        "%%step a\n1 / 0\nx = 1",
        "%%step b\ny = 2",
        "%%step c\nz = x + 1",
        "print(z)",
        "raise ValueError('second')",
        "print(y)",
        "# on_failure: tell\nprint(failure.failed, failure.blocked, failure.error)",
        "# on_success:\nprint('well')",
    )

    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        papermill.execute_notebook(
            "in.ipynb", "out.ipynb", engine_name="durable", progress_bar=False, keep_going=True
        )

    nb = output(tmp_path)
    assert ["failed", "completed", "blocked", "blocked", "failed", "completed", "-", "-"] == states(nb)
    ended = ["failed", "completed", *["failed"] * 3, "completed"]
    assert [*ended, "completed", "pending"] == statuses(nb)
    assert "step a" in nb.cells[2].outputs[-1].evalue
    assert "2\n" == printed(nb.cells[5])
    assert "('a', 'cell 5') ('c', 'cell 4') ZeroDivisionError: division by zero\n" == printed(nb.cells[6])
    top = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[1].source
    assert top.startswith("**This run is failed.**")
    assert top.endswith("- failed: `a`, cell 5\n- blocked: `c`, cell 4\n- completed: `b`, cell 6")
    with closing(open_store(tmp_path / ".durable")) as store:
        (run,) = list_runs(store)
        steps = run_report(store, run.run_id, last_pass=True).steps
    assert ("failed", "ZeroDivisionError: division by zero") == (run.state, run.error)
    assert [("a", "failed"), ("b", "completed"), ("c", "blocked")] == [(s.step, s.state) for s in steps]
    assert "needs x of step a" in steps[2].reason


def test_waiting_for_a_person(tmp_path: Path) -> None:
    """A run in which a person must decide is neither failed nor completed; the rest is done all the same."""
    asks = "class WaitingError(Exception): pass\nraise WaitingError('did it happen?')"
    write(tmp_path / "in.ipynb", asks, "print('done')", "# on_failure:\nprint(failure.state)")
    command = [sys.executable, "-m", "durable_nb.cli", "run", "in.ipynb", "out.ipynb", "--keep-going"]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 3 == ended.returncode, ended.stderr
    nb = output(tmp_path)
    assert ["waiting", "completed", "-"] == states(nb)
    assert ("done\n", "waiting\n") == (printed(nb.cells[1]), printed(nb.cells[2]))


def test_waiting_is_told_once(tmp_path: Path) -> None:
    """A step that is executed at most once was cut off: what is asked, and what to type, at a glance."""
    dies = "import os, pathlib\npathlib.Path('begun').touch()\nos._exit(3)"
    write(tmp_path / "in.ipynb", "%%step load\nx = 1", f"%%step charge --at-most-once\n{dies}\ny = 2")
    command = [sys.executable, "-m", "durable_nb.cli"]

    def call(*words: str) -> str:
        done = subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout

    for _ in range(2):
        shown = call("run", "in.ipynb", "out.ipynb")
        assert 1 == shown.count("Say what became of it")
        assert "durable-nb resolve charge --run-again" in shown
        assert ["load", "charge"] == [s["step"] for s in json.loads(call("show", "last", "--json"))["steps"]]
        assert "waiting" == json.loads(call("show", "last", "--json"))["steps"][1]["state"]
    call("resolve", "charge", "--happened", "--value", "y=2")
    assert "completed" in call("run", "in.ipynb", "out.ipynb")
    assert [] == [s for s in json.loads(call("show", "last", "--json"))["steps"] if s["state"] == "waiting"]


def test_without_keep_going(tmp_path: Path) -> None:
    """The cell that failed is the last but for those that wait for the end; one of these may fail, too."""
    write(
        tmp_path / "in.ipynb",
        "%%on_failure\nfailure.nothing_like_this",
        "x = 1\n1 / 0",
        "x = 2",
        "%%on_failure\nprint(failure)\nprint(x)",
    )

    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        papermill.execute_notebook("in.ipynb", "out.ipynb", engine_name="durable", progress_bar=False)

    nb = output(tmp_path)
    assert ["failed", "failed", "pending", "completed"] == statuses(nb)
    first, second, *_ = printed(nb.cells[3]).splitlines()
    assert first.endswith(f"of {tmp_path}/in.ipynb: failed")
    assert "cell 2: ZeroDivisionError: division by zero" == second
    assert printed(nb.cells[3]).endswith("\n1\n")


def test_a_cell_for_success_that_fails(tmp_path: Path) -> None:
    """Then the run has not succeeded: it is failed, tells of it, and is resumed with all steps reused."""
    cells = [
        "%%step a\nx = 1",
        "%%on_success\nimport pathlib\nprint(success.state, x)\nassert pathlib.Path('ok').exists()",
        "%%on_failure\nprint(failure.cell, failure.error_type)",
    ]
    write(tmp_path / "in.ipynb", *cells)

    failed = run_notebook(Path("in.ipynb"), "out.ipynb", progress=False)
    first = output(tmp_path)
    Path("ok").touch()
    again = run_notebook(Path("in.ipynb"), "out.ipynb", progress=False)
    second = output(tmp_path)

    assert ["failed", "completed"] == [failed.state.value, again.state.value]
    assert failed.run_id == again.run_id
    assert "2 AssertionError\n" == printed(first.cells[2])
    assert "completed 1\n" == printed(second.cells[1])
    assert [] == second.cells[2].outputs
    assert ["reused"] == [step.state.value for step in again.steps]


def test_by_hand_nothing_ends(kernel: Kernel) -> None:
    """Run All in a front end leaves these cells alone, in both forms, and says when they run."""
    kernel.start()

    magic = kernel.run("%%on_failure\nprint(failure)\nbroken = 1")
    comment = kernel.run("# the end\n# on_success: tell\nprint(success)")
    after = kernel.run("print('broken' in globals(), 'failure' in globals())")

    assert ("", "", "") == (magic.error, magic.text, comment.text)
    assert "runs at the end of a batch run that does not complete" in str(magic.outputs)
    assert "runs at the end of a batch run that completes" in str(comment.outputs)
    assert "False False\n" == after.text


# Hooks


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a server on this machine, and what it has been sent."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_hooks(
    tmp_path: Path, webhook: tuple[str, list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
) -> None:
    """A webhook and a function of the project are told; one that fails changes nothing, and is not shown."""
    address, got = webhook
    (tmp_path / "alerts.py").write_text(
        "from pathlib import Path\ndef tell(o): Path('told').write_text(str(o))"
    )
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.durable_nb]\non_failure = ["{address}/broken/secret", "{address}/T0", '
        '"alerts:tell", "alerts:no"]'
    )
    write(tmp_path / "in.ipynb", "%%step a\nx = 1\n1 / 0")

    report = run_notebook(Path("in.ipynb"), "out.ipynb", {}, progress=False)

    assert "failed" == report.state
    assert ["a", "a"] == [told["step"] for told in got]
    told = got[1]
    assert (report.run_id, "failed", "ZeroDivisionError") == (
        told["run_id"],
        told["state"],
        told["error_type"],
    )
    assert "step a (cell 1): ZeroDivisionError: division by zero" in told["text"]
    assert "1 / 0" in told["traceback"]
    assert "\x1b" not in told["traceback"]
    assert (tmp_path / "told").read_text() == told["text"]
    assert "http://127.0.0.1/… was not told: HTTPError" in caplog.text
    assert "alerts:no was not told: AttributeError" in caplog.text
    assert "secret" not in caplog.text
    assert str(tmp_path) not in sys.path
    with closing(open_store(tmp_path / ".durable")) as store:
        calls = {call.hook: call.error for call in run_hooks(store, report.run_id)}
    assert {"http://127.0.0.1/…": "", "alerts:tell": ""}.items() <= calls.items()
    assert calls["alerts:no"].startswith("AttributeError")


# Signals


Start = Callable[..., subprocess.Popen[str]]
WAITS = "import pathlib, time\npathlib.Path('busy').touch()\ntime.sleep(60)"


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("command", "number", "status"),
    [
        (["durable_nb.cli", "run", "in.ipynb", "out.ipynb"], signal.SIGTERM, 130),
        (["durable_nb.cli", "run", "in.ipynb", "out.ipynb"], signal.SIGINT, 130),
        (["papermill", "in.ipynb", "out.ipynb", "--engine", "durable"], signal.SIGINT, 130),
        (["papermill", "in.ipynb", "out.ipynb", "--engine", "durable"], signal.SIGTERM, 143),
    ],
)
def test_asked_to_end(
    start_python: Start, tmp_path: Path, command: list[str], number: int, status: int
) -> None:
    """State is saved, the lock is free, the exit status says interrupted, nobody is told of a failure."""
    write(tmp_path / "in.ipynb", "%%step a\nx = 1", f"%%step b\n{WAITS}", "%%on_failure\nprint(failure)")
    process = start_python(*command)
    wait_for(tmp_path / "busy")

    process.send_signal(number)
    stderr = process.communicate(timeout=180)[1]

    assert status == process.returncode, stderr
    nb = output(tmp_path)
    assert ["completed", "failed", "pending"] == statuses(nb)
    assert ["completed", "cancelled", "-"] == states(nb)
    with (
        FileLock(tmp_path / ".durable" / "lock", timeout=1.0),
        FileLock(tmp_path / ".durable" / "begin.lock"),
    ):
        pass
    with closing(open_store(tmp_path / ".durable")) as store:
        (run,) = list_runs(store)
    assert ("interrupted" if number == signal.SIGTERM else "cancelled") == run.state


def test_asked_to_end_before_the_first_cell(start_python: Start, tmp_path: Path) -> None:
    """At any earlier moment, too, SIGTERM leaves a run that can be resumed, or none, and the right status."""
    write(tmp_path / "in.ipynb", "x = 1")
    process = start_python("durable_nb.cli", "run", "in.ipynb", "out.ipynb")
    wait_for(tmp_path / "out.ipynb")

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=180)

    assert 130 == process.returncode
    with closing(open_store(tmp_path / ".durable")) as store:
        assert {"interrupted", "cancelled"} >= {run.state.value for run in list_runs(store)}

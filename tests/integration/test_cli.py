"""The command durable-nb, as it is typed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.cli.app import main

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs the command in this process: its exit status, what it printed, what it complained of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DURABLE_NB_STORE", raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs ``durable-nb`` in an empty folder."""
    environment = {name: value for name, value in os.environ.items() if name != "DURABLE_NB_STORE"}

    def call(*words: object, cwd: Path = tmp_path) -> "subprocess.CompletedProcess[str]":
        line = [sys.executable, "-m", "durable_nb.cli", *map(str, words)]
        return subprocess.run(
            line, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return call


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """Three steps; the second fails until there is a file named ok."""
    path = tmp_path / "nb.ipynb"
    parameters = new_code_cell("alpha = 1", metadata={"tags": ["parameters"]})
    cells = [
        "%%step load\ndata = [alpha, 2, 3]",
        "%%step total --always\nfrom pathlib import Path\nassert Path('ok').exists()\ntotal = sum(data)",
        "%%step shown\nprint('total', total)",
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[parameters, *map(new_code_cell, cells)], metadata={"kernelspec": kernel})
    nbformat.write(nb, path)
    return path


def states(report: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["state"] for step in report["steps"]}


def test_fail_resume_and_ask(command: Command, notebook: Path, tmp_path: Path) -> None:
    """A run that fails is resumed by the same command, and all is told by status, runs and show."""
    line = ("run", "nb.ipynb", "-p", "alpha", "4", "--json")
    failed = command(*line)
    assert failed.returncode == 1
    assert states(json.loads(failed.stdout)) == {"load": "completed", "total": "failed", "shown": "pending"}
    assert "AssertionError" in failed.stderr

    (tmp_path / "ok").touch()
    resumed = command(*line)
    assert resumed.returncode == 0, resumed.stderr
    report = json.loads(resumed.stdout)
    assert states(report) == {"load": "reused", "total": "completed", "shown": "completed"}
    assert json.loads(failed.stdout)["run_id"] == report["run_id"]
    assert report["saved_seconds"] == pytest.approx(
        sum(step["saved_seconds"] or 0 for step in report["steps"]), abs=0.001
    )
    out = nbformat.read(tmp_path / "nb.out.ipynb", as_version=4)
    assert out.cells[-1].outputs[0].text == "total 9\n"

    status = command("status", "nb.ipynb").stdout.splitlines()
    assert status[0] == "nb.ipynb"
    assert status[2].split()[:2] == ["load", "reused"]
    assert "\x1b" not in "".join(status)
    runs = json.loads(command("runs", "--json").stdout)
    assert [(run["state"], run["parameters"]) for run in runs] == [("completed", {"alpha": 4})]
    shown = command("show", report["run_id"][:15]).stdout
    assert "completed · " in shown
    assert "2 executed, 1 reused" in shown
    assert command("recover").returncode == 0


def test_lost_ledger_is_rebuilt(command: Command, notebook: Path, tmp_path: Path) -> None:
    """What the traces prove is known again when the ledger is gone."""
    (tmp_path / "ok").touch()
    assert command("run", "nb.ipynb").returncode == 0
    (tmp_path / ".durable" / "ledger.duckdb").unlink()

    found = {
        step["step"]: step["state"] for step in json.loads(command("status", "nb.ipynb", "--json").stdout)
    }

    assert {"load": "completed", "shown": "completed"}.items() <= found.items()


def test_status_before_the_first_run(command: Command, notebook: Path) -> None:
    """Steps that never ran are pending, also without a store."""
    done = command("status", notebook, "--json")

    assert [step["state"] for step in json.loads(done.stdout)] == ["pending"] * 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "missing.ipynb"), "cannot read the notebook missing.ipynb: No such file"),
        (("run", "text.ipynb"), "text.ipynb is no notebook: found no JSON"),
        (("run", "empty.ipynb"), "found an empty file"),
        (("run", "json.ipynb"), "found JSON without 'nbformat'"),
        (("run", "damaged.ipynb"), "damaged.ipynb is a damaged notebook"),
        (("run", "bytes.ipynb"), "it is not UTF-8 text"),
        (("run", "nb.ipynb", "-p", "a-b", "1"), "parameter 'a-b'"),
        (("run", "nb.ipynb", "-f", "text.ipynb"), "text.ipynb holds a str, expected a mapping"),
        (("run", "nb.ipynb", "-k", "nope"), "the kernel 'nope', which is not installed"),
        (("run", "nb.ipynb", "out-{day}.ipynb"), "day"),
        (("run", "nb.ipynb", "--nonsense"), "No such option"),
        (("run",), "Missing argument 'IN'"),
        (("show", "last"), "there is no store at"),
        (("nonsense",), "No such command 'nonsense'"),
    ],
)
def test_mistakes(typed: Typed, notebook: Path, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """A user's mistake is exit status 2 and a message that names it, never a traceback."""
    (tmp_path / "text.ipynb").write_text("hello")
    (tmp_path / "empty.ipynb").write_text("")
    (tmp_path / "json.ipynb").write_text("{}")
    (tmp_path / "damaged.ipynb").write_text(
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}'
    )
    (tmp_path / "bytes.ipynb").write_bytes(b"\xff\xfe\x00")

    status, _, stderr = typed(*words)

    assert status == 2
    assert message in stderr
    assert "Traceback" not in stderr


def test_unknown_run(typed: Typed, tmp_path: Path) -> None:
    """A run that does not exist is named, with the command that lists those that do."""
    (tmp_path / ".durable").mkdir()

    status, stdout, stderr = typed("show", "2020")

    assert (status, stdout) == (2, "")
    assert "no run '2020'" in stderr
    assert "durable-nb runs" in stderr


def test_unwritable_store(command: Command, notebook: Path, tmp_path: Path) -> None:
    """A store that cannot be is an error that names it; nothing runs."""
    (tmp_path / "file").write_text("")

    done = command("run", "nb.ipynb", "--store", tmp_path / "file" / "store")

    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_store_is_beside_the_notebook(command: Command, notebook: Path, tmp_path: Path) -> None:
    """The working directory changes neither the store nor where the notebook finds its files."""
    (tmp_path / "ok").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    assert command("run", "../nb.ipynb", cwd=elsewhere).returncode == 0

    assert (tmp_path / ".durable").is_dir()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("run",), ("status",), ("runs",), ("show",), ("recover",)])
def test_help_has_an_example(typed: Typed, words: tuple[str, ...]) -> None:
    """Every help text has something to type."""
    status, stdout, _ = typed(*words, "--help")

    assert status == 0
    assert "Example:\n    durable-nb" in stdout


def test_help_loads_nothing_heavy() -> None:
    """The command answers at once because it imports late."""
    code = (
        "import sys, durable_nb.cli\n"
        "heavy = {'pyarrow', 'duckdb', 'pandas', 'numpy', 'IPython', 'papermill', 'nbformat', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"

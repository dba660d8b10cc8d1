"""The log of a run, and what attempts have printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

LOAD = "%%step load\nprint('loaded', 3)\nx = 3\nx"
FLAKY = (
    "%%step flaky --retries 1 --backoff 0.01\nimport logging, durable_nb\n"
    "print('try', durable_nb.attempt())\nlogging.warning('careful %s', durable_nb.attempt())\n"
    "if durable_nb.attempt() == 1:\n    raise ConnectionError('gone')\ny = 2"
)
DIES = (
    "%%step dies\nimport os, pathlib, time\nprint('last words', flush=True)\ntime.sleep(0.3)\n"
    "if not pathlib.Path('died').exists():\n    pathlib.Path('died').touch()\n    os.kill(os.getpid(), 9)\n"
    "print('alive')"
)


def cli(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "durable_nb.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("logs")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(cell) for cell in (LOAD, FLAKY, DIES)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "in.ipynb")
    return folder, cli(folder, "run", "in.ipynb", "--log-format", "json")


def test_events_as_json_lines(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """--log-format json: every boundary of every attempt is a line of JSON on stderr, the kernel's too."""
    lines = [json.loads(line) for line in ran[1].stderr.splitlines() if line.startswith("{")]

    assert 0 == ran[1].returncode
    told = [(line["event"], line["attempt"]) for line in lines if line.get("step") == "flaky"]
    # the kernel died in the last step, so that the first two were reused in the next one
    assert told == [
        ("step_declared", 0),
        ("attempt_started", 1),
        ("executing", 1),
        ("attempt_finished", 1),
        ("attempt_started", 2),
        ("executing", 2),
        ("storing", 2),
        ("committing", 2),
        ("attempt_finished", 2),
        ("step_reused", 3),
    ]
    states = [line["state"] for line in lines if line.get("step") == "dies" and line.get("state")]
    assert ["interrupted", "completed"] == states
    assert {"durable_nb.step.flaky"} == {line["logger"] for line in lines if line.get("step") == "flaky"}


def test_logs_of_a_failed_attempt(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """What a failed attempt printed and logged is kept, with its error."""
    shown = cli(ran[0], "logs", "flaky", "--attempt", "1")

    assert 0 == shown.returncode
    assert "flaky · attempt 1 · failed" in shown.stdout
    lines = shown.stdout.splitlines()[2:]
    assert {"  try 1", "  WARNING:root:careful 1", "  ConnectionError: gone"} == set(lines)
    assert "attempt 2" not in shown.stdout


def test_logs_of_an_attempt_whose_kernel_died(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """What reached the engine before the kernel died is kept, for that attempt alone."""
    logs = json.loads(cli(ran[0], "logs", "dies", "in.ipynb", "--json").stdout)

    found = [(log["attempt"], log["state"], log["text"]) for log in logs]
    assert [(1, "interrupted", "last words\n"), (2, "completed", "last words\nalive\n")] == found


def test_logs_are_searched(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """--grep shows the lines that match, and only attempts that have some."""
    shown = cli(ran[0], "logs", "flaky", "--grep", r"try [2-9]")

    run, attempt, *lines = shown.stdout.splitlines()
    assert run.startswith("run 2")
    assert attempt.startswith("flaky · attempt 2 · completed · ")
    assert ["  try 2"] == lines
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_results_are_in_the_logs(ran: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """Printed text and displayed results, in their order."""
    (log,) = json.loads(cli(ran[0], "logs", "load", "--json").stdout)

    assert "loaded 3\n3\n" == log["text"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nothing",), 2, "Steps that were executed are: dies, flaky, load"),
        (("flaky", "--grep", "xyz"), 1, "Nothing of that in the attempts of run"),
        (("flaky", "--attempt", "9"), 1, "1, 2"),
        (("flaky", "--grep", "("), 2, "is no regular expression"),
        (("flaky", "--run", "none"), 2, "run 'none'"),
    ],
)
def test_what_is_not_there(
    ran: tuple[Path, subprocess.CompletedProcess[str]], arguments: tuple[str, ...], status: int, said: str
) -> None:
    """Each wrong question gets an answer that says what there is."""
    answered = cli(ran[0], "logs", *arguments)

    assert status == answered.returncode
    assert said in answered.stderr

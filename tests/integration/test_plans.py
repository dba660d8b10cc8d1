"""What a plan says before anything runs, and that a run then does just that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.engine_run import run_notebook
from durable_nb.cli.app import app, status_of

HELPERS = "import deeper\n\nk = 1\n\n\ndef fit(df):\n    return len(df) * k + deeper.j\n"
CELLS = [
    "day = 'monday'\nthreshold = 0.4",
    """import pandas as pd
import helpers
from helpers import fit
def scale(x, by=2):
    return x * by
class Limits:
    low = 1
    def high(self): return 9""",
    "%%step load\nflights = pd.read_csv(f'{day}.csv')",
    "flights.head()",
    "%%step clean\ndf = flights[flights.delay > threshold].copy()\ndf['delay'] = scale(df.delay)",
    "%%step model\nm = helpers.fit(df) + Limits().high()",
    "%%step imported\nf = fit(df)",
    "total = sum(x for x in df.delay)",
    "%%step report\nprint(total, m)\nr = 1",
    "%%step fixed\nz = 1",
]
STEPS = ["load", "clean", "model", "imported", "report", "fixed"]


def write_notebook(path: Path, cells: list[str]) -> None:
    nb = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    nb.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nb, path)


def write_files(folder: Path) -> None:
    (folder / "helpers.py").write_text(HELPERS)
    (folder / "deeper.py").write_text("j = 5\n")
    (folder / "monday.csv").write_text("delay,dest\n0.1,a\n0.5,b\n0.9,c\n")
    (folder / "tuesday.csv").write_text("delay,dest\n0.6,a\n0.7,b\n")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Path:
    """A folder with a notebook that was run once."""
    folder = tmp_path_factory.mktemp("ran")
    write_files(folder)
    write_notebook(folder / "nb.ipynb", CELLS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DURABLE_NB_KEY_FILE", str(user_key))
        report = run_notebook(folder / "nb.ipynb", folder / "out.ipynb")
    assert report.state == "completed"
    return folder


@pytest.fixture
def folder(ran: Path, tmp_path: Path) -> Path:
    """A copy of it: also its files may be changed."""
    shutil.copytree(ran, tmp_path / "nb", dirs_exist_ok=True)
    return tmp_path / "nb"


@pytest.fixture
def planned(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, dict[str, Any]]]:
    """``durable-nb plan --json`` of the notebook, by step."""
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])

    def plan(*words: str) -> dict[str, dict[str, Any]]:
        assert command("plan", str(folder / "nb.ipynb"), "--json", *words) == 0
        return {step["step"]: step for step in json.loads(capsys.readouterr().out)["steps"]}

    return plan


def command(*words: str) -> int:
    return status_of(lambda: app.main(list(words), prog_name="durable-nb", standalone_mode=False))


def decisions(plan: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Step → its decision, with what it depends on."""
    return {
        n: " on ".join([s["decision"], *s["depends_on"]]) for n, s in plan.items() if s["decision"] != "reuse"
    }


def edit(folder: Path, number: int, was: str, now: str) -> None:
    cells = list(CELLS)
    assert was in cells[number]
    cells[number] = cells[number].replace(was, now)
    write_notebook(folder / "nb.ipynb", cells)


REPORT = {"report": "depends on cell 8"}
"""``total`` comes out of a plain cell that nothing but running it tells."""


def test_nothing_changed(planned) -> None:
    """All is reused; what a plain cell computes is said to be what a step depends on."""
    found = planned()

    assert decisions(found) == REPORT
    assert all(found[step]["seconds"] > 0 for step in STEPS)


@pytest.mark.parametrize(
    ("number", "was", "now", "expected", "reason"),
    [
        (4, "df = ", "# why\n\ndf=", REPORT, ""),
        (1, "return x * by", "return x * by  # why", REPORT, ""),
        (4, "copy()", "copy(deep=True)", {"clean": "execute", "model": "depends on clean",
         "imported": "depends on clean", "report": "depends on clean on model"}, "code changed"),
        (0, "0.4", "0.6", {"clean": "execute", "model": "depends on clean",
         "imported": "depends on clean", "report": "depends on clean on model"}, "threshold 0.4 → 0.6"),
        (1, "x * by", "x + by", {"clean": "execute", "model": "depends on clean",
         "imported": "depends on clean", "report": "depends on clean on model"}, "scale: line 2 changed"),
        (1, "by=2", "by=3", {"clean": "execute", "model": "depends on clean",
         "imported": "depends on clean", "report": "depends on clean on model"},
         "scale: default by 2 → 3, line 1 changed"),
        (1, "return 9", "return 8", {"model": "execute", "report": "depends on model on cell 8"},
         "Limits: line 3 changed"),
        (9, "%%step fixed", "%%step fixed --always", {**REPORT, "fixed": "execute"}, "marked --always"),
        (9, "%%step fixed", "%%step fixed --version 2", {**REPORT, "fixed": "execute"},
         "--version not set → 2"),
        (9, "%%step fixed", "%%step renamed", {**REPORT, "renamed": "execute"}, "first execution"),
        (3, "flights.head()", "flights.drop(columns='dest', inplace=True)",
         {"clean": "depends on cell 4", "model": "depends on clean", "imported": "depends on clean",
          "report": "depends on clean on model"}, ""),
    ],
)  # fmt: skip
def test_an_edited_cell(folder, planned, number, was, now, expected, reason) -> None:
    """What runs again is found by content, and all that hangs on it says so."""
    edit(folder, number, was, now)

    found = planned()

    assert decisions(found) == expected
    executed = [step for step in found.values() if step["decision"] == "execute"]
    assert [reason] * len(executed) == [step["reasons"][0]["text"] for step in executed]


@pytest.mark.parametrize(
    ("file", "content", "expected", "reason"),
    [
        ("helpers.py", HELPERS.replace("len(df) * k", "len(df) + k"),
         {"model": "execute", "imported": "execute", "report": "depends on model on cell 8"},
         "helpers.py line 7 changed"),
        ("deeper.py", "j = 6\n",
         {"model": "execute", "imported": "execute", "report": "depends on model on cell 8"},
         "deeper.py line 1 changed"),
        ("monday.csv", "delay,dest\n0.1,a\n",
         {"load": "execute", "clean": "depends on load", "model": "depends on clean",
          "imported": "depends on clean", "report": "depends on load on model"}, "monday.csv modified"),
    ],
)  # fmt: skip
def test_an_edited_file(folder, planned, file, content, expected, reason) -> None:
    """Modules and data are compared as they are now; nothing is imported for it."""
    (folder / file).write_text(content)

    found = planned()

    assert {name: word for name, word in decisions(found).items() if name != "report"} == {
        name: word for name, word in expected.items() if name != "report"
    }
    first = next(step for step in found.values() if step["decision"] == "execute")
    assert reason in [r["text"] for r in first["reasons"]]


def test_parameters_are_put_where_a_run_puts_them(planned) -> None:
    """After the cell with the defaults; equal values are no change."""
    changed = planned("-p", "threshold", "0.6")

    assert decisions(planned("-p", "threshold", "0.4")) == REPORT
    assert decisions(changed)["clean"] == "execute"
    assert [r["text"] for r in changed["clean"]["reasons"]] == ["threshold 0.4 → 0.6"]
    assert changed["load"]["decision"] == "reuse"


def test_a_notebook_that_never_ran(folder, planned) -> None:
    """Every step is a first execution, and how long it takes is unknown."""
    shutil.rmtree(folder / ".durable")

    found = planned()

    assert {step["decision"] for step in found.values()} == {"execute"}
    assert {step["seconds"] for step in found.values()} == {None}
    assert not (folder / ".durable").exists()


@pytest.mark.parametrize("parameters", [{"threshold": 0.6}, {"day": "tuesday"}, {}])
def test_a_run_does_what_the_plan_says(folder, planned, parameters) -> None:
    """What is planned to be reused or executed is; what depends may be either."""
    words = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
    plan = planned(*words)

    report = run_notebook(folder / "nb.ipynb", folder / "out.ipynb", parameters)

    states = {step.step: {"completed": "execute", "reused": "reuse"}[step.state] for step in report.steps}
    sure = {name: step["decision"] for name, step in plan.items() if step["decision"] != "depends"}
    assert {name: states[name] for name in sure} == sure


def test_why_tells_the_last_difference_and_the_next(folder, planned, capsys, monkeypatch) -> None:
    """The newest result against the one before, then what a run would find."""
    monkeypatch.chdir(folder)
    run_notebook(folder / "nb.ipynb", folder / "out.ipynb", {"threshold": 0.6})
    (folder / "monday.csv").write_text("delay,dest\n0.1,a\n")

    assert command("why", "clean", "nb.ipynb") == 0
    shown = capsys.readouterr().out
    assert command("why", "clean", "--json") == 0
    found = json.loads(capsys.readouterr().out)

    assert "threshold 0.4 → 0.6" in shown
    assert "depends on load" in shown
    assert [d["text"] for d in found["last_completed"]["differences"]] == ["threshold 0.4 → 0.6"]
    assert found["last_completed"]["results"][0].startswith("df: 2 → 1 rows")
    assert found["now"]["depends_on"] == ["load"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["why", "cleen", "nb.ipynb"], "there is no step 'cleen'; did you mean 'clean'?"),
        (["why", "nothing"], "there is no step 'nothing' in"),
        (["plan", "missing.ipynb"], "cannot read the notebook missing.ipynb"),
        (["plan", "helpers.py"], "helpers.py is no notebook"),
        (["plan", "nb.ipynb", "-p", "1x", "2"], "parameter '1x': expected a Python name"),
    ],
)
def test_wrong_words_are_one_clear_message(folder, capsys, monkeypatch, words, message) -> None:
    """Exit status 2, and what to do."""
    monkeypatch.chdir(folder)

    assert command(*words) == 2
    assert message in capsys.readouterr().err


def test_a_plan_in_a_pipe_has_no_ornament(folder, capsys) -> None:
    """One line a step, whatever the width."""
    assert command("plan", str(folder / "nb.ipynb")) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]][:7] == ["STEP", *STEPS]
    assert "1 step may execute" in lines[-1]
    assert "5 steps to reuse" in lines[-1]

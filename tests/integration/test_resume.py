"""``durable-nb resume``: a person goes on with runs, with other inputs, other code, and values by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch import runs
from durable_nb.batch.asked import Asked
from durable_nb.batch.beginning import Start, begin
from durable_nb.batch.changes import Changes
from durable_nb.batch.resuming import plan_resume
from durable_nb.cli.app import main
from durable_nb.cli.planned import tell_briefly
from durable_nb.core.model import State
from durable_nb.store.store import Store, open_store

Typed = Callable[..., tuple[int, str, str]]
LOAD = "%%step load\nraw = list(range(size))"
CLEAN = "%%step clean\nimport pathlib\nrows = len(raw) / (1 if pathlib.Path('good').exists() else 0)"
TOTAL = "%%step total\ntotal = rows + 1\nprint('total', total)"


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs the command in this process: its exit status, what it printed, what it complained of."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / ".durable")) as opened:
        yield opened


def save(path: Path, *sources: str) -> Path:
    parameters = new_code_cell("size = 3", metadata={"tags": ["parameters"]})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [parameters, *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def failed(store: Store, notebook: Path, size: int, **tags: str) -> str:
    """A run that failed before its first step, as it is recorded."""
    start = Start(str(notebook), {"size": size}, "durable", str(notebook.with_name(f"out-{size}.ipynb")))
    run = begin(store, start, Asked(tags=tags))
    runs.finish(store, run.run_id, State.FAILED, runs.Failure("ValueError", "no"))
    return run.run_id


def states(report: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["state"] for step in report["steps"]}


def test_a_value_by_hand_then_another_input(typed: Typed, tmp_path: Path) -> None:
    """A failed step is passed over with a given value; that is taken back, an input changed: all one run."""
    save(tmp_path / "nb.ipynb", LOAD, CLEAN, TOTAL)
    status, printed, _ = typed("run", "nb.ipynb", "--json", "--tag", "team=ops")
    run_id = json.loads(printed)["run_id"]
    assert 1 == status

    status, printed, told = typed("resume", "--last", "--set", "clean.rows=41", "--json")

    report = json.loads(printed)
    assert (0, run_id) == (status, report["run_id"]), told
    assert {"load": "reused", "clean": "reused", "total": "completed"} == states(report)
    assert report["steps"][1]["reason"].startswith("rows = 41 given by")
    assert "clean.rows given by hand" in told
    assert {"python", "durable_nb"} <= report["versions"].keys()
    assert "total 42" in (tmp_path / "nb.out.ipynb").read_text()

    status, printed, told = typed("resume", "--last")
    assert (0, True) == (status, "nothing was executed" in told)

    (tmp_path / "good").touch()
    words = ("-p", "size", "4", "--unset", "clean.rows", "--force", "total", "--tag", "try=2")
    status, printed, told = typed("resume", run_id, *words, "--json")
    report = json.loads(printed)
    assert (0, run_id) == (status, report["run_id"]), told
    assert {"load": "completed", "clean": "completed", "total": "completed"} == states(report)
    assert ({"size": 4}, {"team": "ops", "try": "2"}) == (report["parameters"], report["tags"])
    assert "size: 3 (default) → 4" in told
    status, printed, _ = typed("history", "clean")
    assert "rows = 41 by " in printed
    assert "rows = 41 given by " in printed
    status, printed, _ = typed("show", "last")
    assert "tags team=ops, try=2\n" in printed
    assert "versions python " in printed
    status, printed, _ = typed("report", run_id, "-o", "-")
    assert "parameter size: 3 (default) → 4, by " in printed
    assert "undo clean: rows = 41, by " in printed
    with closing(open_store(tmp_path / ".durable")) as store:
        changes = store.ledger.rows("select name, was, now from parameter_changes")
        attempts = store.ledger.rows(
            "select attempt, state from attempts where step = 'clean' order by started_at"
        )
    assert [("size", "4")] == [(change["name"], change["now"]) for change in changes]
    assert [(1, "failed"), (2, "reused"), (3, "completed")] == [(a["attempt"], a["state"]) for a in attempts]


def test_a_part_of_what_a_failed_step_makes(typed: Typed, store: Store, tmp_path: Path) -> None:
    """The step fails again, which is said before; what needs only the given value runs all the same."""
    more = "%%step clean\nimport pathlib\n1 / 0\nrows = len(raw)\nname = 'n'"
    failed(store, save(tmp_path / "nb.ipynb", LOAD, more, TOTAL, "%%step named\nprint(name)"), 2)

    status, printed, told = typed("resume", "--last", "--set", "clean.rows=6", "--json")

    assert 1 == status
    assert "clean is executed all the same, for what it makes besides: name" in told
    report = json.loads(printed)
    assert ["completed", "failed", "completed", "blocked"] == list(states(report).values())
    assert "total 7" in (tmp_path / "out-2.ipynb").read_text()
    assert "by hand clean.rows = 6, by " in typed("show", "last")[1]
    assert "clean of nb.ipynb" in typed("why", "clean")[1]


def test_what_a_fix_touches_in_each_of_many(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for each run, with what is changed and what that executes."""
    notebook = save(tmp_path / "nb.ipynb", LOAD, CLEAN, TOTAL)
    kept = store.notebooks.put(nbformat.read(notebook, as_version=4))
    run = begin(store, Start(str(notebook), {"size": 5}, "durable", notebook_file=kept))
    runs.finish(store, run.run_id, State.FAILED)
    fixed = save(tmp_path / "fixed.ipynb", LOAD, "%%step clean\nrows = len(raw)", TOTAL)
    changes = Changes(notebook=fixed, parameters={"size": 6})

    tell_briefly(store, plan_resume(store, run.run_id, changes))

    told = capsys.readouterr().err
    line = f"{run.run_id} · size: 5 → 6 · fixed.ipynb: changed: clean · executes load, clean, total\n"
    assert line == told


def test_fixed_code(typed: Typed, store: Store, tmp_path: Path) -> None:
    """What the fix touches is said before; the run is the same, its output goes elsewhere if asked to."""
    run_id = failed(store, save(tmp_path / "nb.ipynb", LOAD, CLEAN, TOTAL), 5)
    kept = store.notebooks.put(nbformat.read(tmp_path / "nb.ipynb", as_version=4))
    begin(store, Start(str(tmp_path / "nb.ipynb"), {"size": 5}, "durable", notebook_file=kept))
    runs.finish(store, run_id, State.FAILED)
    (tmp_path / "fix").mkdir()
    save(tmp_path / "fix" / "nb.ipynb", LOAD, "%%step clean\nrows = len(raw)", TOTAL)

    words = ("--notebook", "fix/nb.ipynb", "-o", "mended.ipynb", "--json")
    status, printed, told = typed("resume", run_id, *words)

    report = json.loads(printed)
    assert (0, run_id) == (status, report["run_id"]), told
    assert "nb.ipynb: changed: clean" in told
    assert "clean: execute" in told
    assert "total 6" in (tmp_path / "mended.ipynb").read_text()
    assert str(tmp_path / "fix" / "nb.ipynb") == report["notebook"]
    assert not (tmp_path / "fix" / ".durable").exists()


def test_all_that_failed_at_once(typed: Typed, store: Store, tmp_path: Path) -> None:
    """Some at a time, one line each; one that cannot go on stops no other."""
    notebook = save(tmp_path / "nb.ipynb", LOAD, "%%step clean\nrows = len(raw)", TOTAL)
    ids = [failed(store, notebook, size, team="ops") for size in (6, 7)]
    gone = failed(store, tmp_path / "gone.ipynb", 8, team="ops")
    failed(store, notebook, 9, team="dev")

    status, printed, told = typed("resume", "--all-failed", "--since", "1h", "--tag", "team=ops", "-j", "2")

    lines = printed.splitlines()
    assert (1, 3) == (status, len(lines)), told
    assert "gone.ipynb is gone" in next(line for line in lines if gone in line)
    for size, run_id in zip((6, 7), ids, strict=True):
        line = next(line for line in lines if run_id in line)
        assert f"nb.ipynb (size={size}) · completed · " in line
        assert f"total {size + 1}" in (tmp_path / f"out-{size}.ipynb").read_text()


def test_with_papermill(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command has no options for an engine: the environment says what to do; cells do not see that."""
    monkeypatch.chdir(tmp_path)
    notebook = save(
        tmp_path / "nb.ipynb",
        LOAD,
        "import os\nprint(*(v for v in os.environ if v.startswith('DURABLE_NB_F')))",
    )
    run_id = failed(store, notebook, 2)
    monkeypatch.setenv("DURABLE_NB_RESUME", run_id)
    monkeypatch.setenv("DURABLE_NB_FROM", "load")
    monkeypatch.setenv("DURABLE_NB_TAGS", "team=ops")
    told: list[str] = []

    nb = papermill.execute_notebook(
        "nb.ipynb", None, {"size": 1}, engine_name="durable", progress_bar=False,
        on_run=lambda run: told.append(run.announcement()),
    )  # fmt: skip

    assert told == [f"Resuming run {run_id}; it failed just now"]
    assert "\n" == nb.cells[-1].outputs[0].text
    rows = store.ledger.rows("select state, parameters, tags->>'team' as team from runs")
    assert [("completed", {"size": 1}, "ops")] == [
        (r["state"], json.loads(r["parameters"]), r["team"]) for r in rows
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say which run"),
        (("--last", "--all-failed"), "only one of these"),
        (("20261122",), "any other yet"),
        (("--last", "--since", "2d"), "--since goes with --all-failed only"),
        (("--all-failed", "-o", "x.ipynb"), "--output goes with one run only"),
        (("--last", "--set", "clean"), "STEP.NAME=VALUE"),
        (("--last", "--tag", "ops"), "team=ops"),
        (("--all-failed", "--since", "soon"), "expected a duration"),
    ],
)
def test_wrong_words(typed: Typed, store: Store, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Status 2, one line, and what was expected."""
    store.path.mkdir()

    status, printed, told = typed("resume", *words)

    assert (2, "") == (status, printed)
    assert said in told
    assert 1 == len(told.splitlines())


def test_it_is_quick_to_say_so(tmp_path: Path) -> None:
    """Neither papermill nor a data library is loaded for the help or for a wrong word."""
    code = (
        "import sys; from durable_nb.cli.app import app, status_of\n"
        "assert status_of(lambda: app.main(['resume', '--help'], standalone_mode=False)) == 0\n"
        "heavy = {'papermill', 'duckdb', 'pyarrow', 'pandas', 'nbformat'}\n"
        "print(*{module.partition('.')[0] for module in sys.modules} & heavy)"
    )

    shown = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, text=True)

    assert "durable-nb resume --last" in shown
    assert "" == shown.splitlines()[-1]

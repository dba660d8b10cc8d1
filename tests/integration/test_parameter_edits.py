"""Parameters edited for a notebook, as in a dashboard: ``-p`` wins over an edit, an edit over the default."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.leaking import write

from durable_nb.batch import edited_parameters, resume, run_notebook, set_parameter, unset_parameter
from durable_nb.batch.changes import Changes
from durable_nb.batch.inspecting.effective import as_json, planned_parameters, run_declared, run_parameters
from durable_nb.batch.inspecting.reports import RunReport, run_report
from durable_nb.batch.resuming import plan_resume
from durable_nb.batch.sweeping.sweep import sweep
from durable_nb.core.errors import DamagedError, UsageError
from durable_nb.core.model import State
from durable_nb.store import origin
from durable_nb.store.store import Store, open_store

DECLARED = "%%params\nday = 'monday'  # which day\nlimit: int = 3\nrate = 0.5\ntoken = ''"
STEPS = ("%%step a\nmade = (day, limit)\nprint(made)", "%%step b --always\nassert limit < 10, 'too much'")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write(tmp_path / "in.ipynb", DECLARED, *STEPS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / ".durable")
    yield made
    made.close()


def shell(folder: Path, *words: str, module: str = "durable_nb.cli") -> str:
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def values(store: Store, report: RunReport) -> dict[str, Any]:
    return as_json(run_parameters(report, run_declared(store, report.run_id)))


def test_an_edit_is_recorded_and_reversible(store: Store, notebook: Path) -> None:
    """Who edits what, when, and from which value is kept; taken back, the default holds again."""
    set_parameter(store, notebook, "limit", 4)
    edit = set_parameter(store, str(notebook), "limit", 5)
    held = dict(edited_parameters(store, notebook))
    taken = unset_parameter(store, notebook, "limit")
    rows = store.ledger.rows('select override, changes, "user" from overrides order by happened_at')

    assert {"limit": edit} == held
    assert (5, origin.user(), edit) == (edit.value, edit.user, taken)
    assert {} == edited_parameters(store, notebook)
    changes = [(row["override"], *json.loads(row["changes"])) for row in rows]
    told = [(kind, change["name"], change["was"], change["now"]) for kind, change in changes]
    assert [("parameter", "limit", "", "4"), ("parameter", "limit", "4", "5")] == told[:2]
    assert [("undo", "limit", "5", "")] * 2 == told[2:]


def test_edits_survive_a_lost_ledger(store: Store, notebook: Path) -> None:
    """They are files: the ledger only tells of them."""
    set_parameter(store, notebook, "day", "friday")
    store.close()
    store.ledger.path.unlink()

    recovered = store.recover()

    assert 1 == recovered.overrides_added
    assert "friday" == edited_parameters(store, notebook)["day"].value


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("limit", "abc", "limit: expected int, got 'abc'"),
        ("lmit", 4, "did you mean 'limit'"),
        ("token", "hidden", "token is a secret, which is not kept"),
    ],
)
def test_what_does_not_fit_is_refused(store: Store, notebook: Path, name: str, value: Any, told: str) -> None:
    """A wrong type, an unknown name and a secret are refused, and nothing is recorded."""
    with pytest.raises(UsageError, match=told) as refused:
        set_parameter(store, notebook, name, value)

    assert "hidden" not in str(refused.value)
    assert {} == edited_parameters(store, notebook)


def test_only_edits_can_be_taken_back(store: Store, notebook: Path) -> None:
    """What is edited is named to who wants to take back something else."""
    set_parameter(store, notebook, "day", "friday")

    with pytest.raises(UsageError, match=r"parameter limit of .* is not edited; edited are: day"):
        unset_parameter(store, notebook, "limit")


def test_an_edit_that_cannot_be_read_stops_a_run(store: Store, notebook: Path, tmp_path: Path) -> None:
    """Nobody knows which value was meant: the default is not taken in its place."""
    set_parameter(store, notebook, "day", "friday")
    (kept,) = (tmp_path / ".durable" / "overrides").rglob("*.json")
    kept.write_bytes(kept.read_bytes()[:-20])

    with pytest.raises(DamagedError, match=kept.name):
        run_notebook(notebook, None, progress=False)


def test_a_notebook_may_have_changed_since(store: Store, notebook: Path) -> None:
    """An edit of a parameter that is no more is told as such, before anything runs."""
    set_parameter(store, notebook, "rate", 0.7)
    write(notebook, DECLARED.replace("rate = 0.5\n", ""), *STEPS)

    with pytest.raises(UsageError, match=r"rate.*from an edit of the parameter; take it back"):
        run_notebook(notebook, None, progress=False)


def test_a_command_wins_over_an_edit_and_an_edit_over_the_default(
    store: Store, notebook: Path, tmp_path: Path
) -> None:
    """In runs and plans; both say where each value is from, and the notebook that comes out shows them."""
    set_parameter(store, notebook, "day", "friday")
    set_parameter(store, notebook, "limit", 7)

    report = run_notebook(notebook, str(tmp_path / "out.ipynb"), {"limit": 4}, progress=False)
    shown = shell(tmp_path, "show", "last")
    planned = json.loads(shell(tmp_path, "plan", "in.ipynb", "-p", "limit", "4", "--json"))
    plan = shell(tmp_path, "plan", "in.ipynb")

    assert {"day": "friday", "limit": 4} == report.parameters
    found = {name: (one["value"], one["from"]) for name, one in values(store, report).items()}
    expected = {"day": ("friday", "edit"), "limit": (4, "given"), "rate": (0.5, "default")}
    assert expected == {name: found[name] for name in expected}
    assert values(store, report) == planned["parameters"]
    assert ["reuse", "execute"] == [step["decision"] for step in planned["steps"]]
    assert f"day='friday' (edited by {origin.user()} on 20" in shown
    assert f"limit=7 (edited by {origin.user()} on 20" in plan
    assert "('friday', 4)" in (tmp_path / "out.ipynb").read_text()


def test_a_resumed_run_takes_the_edit_of_today(store: Store, notebook: Path) -> None:
    """A person edits the input of a run that failed, and resumes it: no value has to be given."""
    set_parameter(store, notebook, "limit", 50)
    set_parameter(store, notebook, "day", "friday")
    failed = run_notebook(notebook, None, {"rate": 0.9}, progress=False)
    set_parameter(store, notebook, "limit", 5)
    unset_parameter(store, notebook, "day")

    planned = plan_resume(store, failed.run_id)
    resumed = resume(store, failed.run_id)
    given = resume(store, failed.run_id, Changes(parameters={"limit": 6}))

    assert {"limit: 50 → 5", "day: 'friday' → 'monday' (default)"} == set(planned.lines())
    assert (State.FAILED, State.COMPLETED) == (failed.state, resumed.state)
    assert {"rate": 0.9, "limit": 5} == resumed.parameters
    assert {"rate": 0.9, "limit": 6} == given.parameters == run_report(store, failed.run_id).parameters
    assert "given" == values(store, given)["limit"]["from"]


def test_rows_of_a_sweep_have_the_edit(store: Store, notebook: Path, tmp_path: Path) -> None:
    """Where the table has no value of its own; the run says so."""
    set_parameter(store, notebook, "day", "friday")

    swept = sweep(notebook, [{"limit": 4}], tmp_path / "out")
    report = run_report(store, "last")

    assert {State.COMPLETED: 1} == {state: number for state, number in swept.counts.items() if number}
    assert {"day": "friday", "limit": 4} == report.parameters
    assert "edit" == values(store, report)["day"]["from"]


def test_a_plan_without_a_store_has_no_edits(notebook: Path) -> None:
    """The defaults hold, and what is given."""
    planned = as_json(planned_parameters(notebook, {"limit": 4}, (), None))

    assert {"value": "monday", "from": "default"} == planned["day"]
    assert {"value": 4, "from": "given"} == planned["limit"]


def test_papermill_lists_the_parameters(notebook: Path) -> None:
    """papermill's own help of a notebook knows a ``%%params`` cell without its tag."""
    told = shell(notebook.parent, "--help-notebook", "in.ipynb", module="papermill")

    assert "day: Unknown type (default 'monday')" in told
    assert "which day" in told
    assert "limit: int (default 3)" in told

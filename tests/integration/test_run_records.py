"""Runs as records: begun, resumed, found again, refused; no kernel is needed for any of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch import runs
from durable_nb.batch.asked import Asked
from durable_nb.batch.beginning import Run, Start, begin
from durable_nb.batch.changes import Changes
from durable_nb.batch.git import Checkout
from durable_nb.batch.inspecting.effective import as_json, change_in_words, run_declared, run_parameters
from durable_nb.batch.inspecting.reports import run_record, run_report
from durable_nb.batch.inspecting.unfinished import unfinished_runs
from durable_nb.batch.reporting.page import run_page
from durable_nb.batch.resuming import left_alone, plan_resume, resume
from durable_nb.core.errors import DamagedError, NotebookError, UnknownRunError, UsageError
from durable_nb.core.model import EventKind, State, StepEvent
from durable_nb.core.secrets import MASK
from durable_nb.store import giving
from durable_nb.store.store import Store, open_store

FAILURE = runs.Failure("ValueError", "no rows")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / ".durable")) as opened:
        yield opened


@pytest.fixture
def start(tmp_path: Path, store: Store) -> Start:
    """A notebook with two steps, as a run of it is recorded."""
    path = save(tmp_path / "nb.ipynb", "%%step load\nrows = [1]", "%%step train\nmodel = sum(rows)")
    content = store.notebooks.put(nbformat.read(path, as_version=4))
    return Start(
        str(path), {"alpha": 1}, "durable", str(tmp_path / "out.ipynb"), content, {"keep_going": True}
    )


def save(path: Path, *sources: str) -> Path:
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    return path


def attempted(store: Store, run: Run, notebook: str, **states: str) -> None:
    """Steps that the run declares, and what became of them."""
    for position, (step, state) in enumerate(states.items()):
        about: dict[str, Any] = {
            "notebook": notebook,
            "position": position,
            "cell_id": step,
            "source": "",
            "options": {},
        }
        store.record(StepEvent(EventKind.STEP_DECLARED, run.run_id, time.time(), step, data=about))
        if state != "pending":
            store.record(
                StepEvent(EventKind.ATTEMPT_STARTED, run.run_id, time.time(), step, 1, {"notebook": notebook})
            )
            data: dict[str, Any] = {"notebook": notebook, "state": state, "seconds": 0.0}
            store.record(StepEvent(EventKind.ATTEMPT_FINISHED, run.run_id, time.time(), step, 1, data))


def failed(store: Store, start: Start, asked: Asked | None = None) -> Run:
    run = begin(store, start, asked)
    runs.finish(store, run.run_id, State.FAILED, FAILURE)
    return run


def test_everything_is_in_the_record(store: Store, start: Start) -> None:
    """Content, options, commit, versions, host, user, tags, output."""
    run = begin(store, replace(start, checkout=Checkout("c0ffee", True)), Asked(tags={"team": "ops"}))
    runs.kernel_started(store, run.run_id, {"python": "3.11.7", "pandas": "3.1"})
    store.flush()

    record = run_record(store, run.run_id)

    assert (start.notebook_file, {"keep_going": True}, "c0ffee", True, {"team": "ops"}, start.output) == (
        record.notebook_file, record.options, record.git_commit, record.git_dirty, record.tags, record.output
    )  # fmt: skip
    assert "3.1" == record.versions["pandas"]
    assert record.host
    assert record.user
    assert "rows = [1]" in json.dumps(store.notebooks.get(record.notebook_file))
    assert json.dumps(record.as_json())


def test_the_same_again_resumes(store: Store, start: Start) -> None:
    """From the step that is not done, with its next attempt; tags are added to; what was known stays."""
    first = begin(store, replace(start, checkout=Checkout("c0ffee", False)), Asked(tags={"team": "ops"}))
    attempted(store, first, start.notebook, load="completed", train="failed")
    runs.finish(store, first.run_id, State.FAILED, FAILURE)

    second = begin(store, start, Asked(tags={"try": "2"}))

    assert first.run_id == second.run_id
    assert (
        f"Resuming run {first.run_id} from step train (attempt 2); it failed just now"
        == second.announcement()
    )
    record = run_record(store, first.run_id)
    assert {"team": "ops", "try": "2"} == record.tags
    assert State.RUNNING is record.state


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [0.5, float("-inf")]])
def test_the_same_again_resumes_whatever_json_lacks(store: Store, start: Start, value: Any) -> None:
    """A NaN is the same parameter as the NaN before, and an infinity as its like."""
    start = replace(start, parameters={"alpha": value})
    first = failed(store, start)

    assert first.run_id == begin(store, start).run_id


def test_other_parameters_and_completed_runs_begin_another(store: Store, start: Start) -> None:
    """So does --new-run, which remembers whose place it takes."""
    first = failed(store, start)

    other = failed(store, replace(start, parameters={"alpha": 2}))
    new = begin(store, start, Asked(new_run=True))
    runs.finish(store, new.run_id, State.COMPLETED)
    after = begin(store, start)

    assert 4 == len({run.run_id for run in (first, other, new, after)})
    parents = [run_record(store, run.run_id).parent_run_id for run in (first, other, new, after)]
    assert ["", "", first.run_id, ""] == parents
    assert f"Run {after.run_id} started" == after.announcement()


def test_a_named_run_goes_on_with_other_parameters(store: Store, start: Start) -> None:
    """Also one that had completed. Who changed what is recorded, and nothing is overwritten."""
    run = begin(store, start)
    runs.finish(store, run.run_id, State.COMPLETED)

    again = begin(store, replace(start, parameters={"alpha": 5, "beta": None}), Asked(resume=run.run_id[:-1]))

    assert run.run_id == again.run_id
    changes = store.ledger.rows('select name, was, now, "user" from parameter_changes order by name')
    assert [("alpha", "1", "5"), ("beta", None, "null")] == [(c["name"], c["was"], c["now"]) for c in changes]
    assert changes[0]["user"]
    assert 2 == len(store.ledger.rows("from events where kind = 'run_started'"))


def test_a_run_that_is_at_work_is_left_alone(store: Store, start: Start) -> None:
    """Nobody else goes on with it; without its id another one is begun."""
    run = begin(store, start)

    assert run.run_id != begin(store, start).run_id
    with pytest.raises(UsageError, match=f"is being executed by process {os.getpid()}"):
        begin(store, start, Asked(resume=run.run_id))
    with pytest.raises(UsageError, match="wait for its end"):
        plan_resume(store, run.run_id)


def test_unknown_runs(store: Store, start: Start) -> None:
    """The nearest are named, and what to type."""
    with pytest.raises(UnknownRunError, match="any other yet"):
        plan_resume(store, "nothing")
    run = failed(store, start)
    wrong = f"{run.run_id[:-1]}{'0' if run.run_id[-1] != '0' else '1'}"

    with pytest.raises(UnknownRunError, match=f"The nearest are: {run.run_id}. See all: durable-nb runs"):
        plan_resume(store, wrong)
    failed(store, replace(start, parameters={"alpha": 2}))
    with pytest.raises(UnknownRunError, match="begins the id of several runs"):
        plan_resume(store, run.run_id[:4])


def test_a_notebook_that_is_gone(store: Store, start: Start, tmp_path: Path) -> None:
    """Another file can be named; so can the one that the run has kept, unless that is damaged."""
    run = failed(store, start)
    Path(start.notebook).rename(tmp_path / "moved.ipynb")

    with pytest.raises(UsageError, match=r"is gone\. Name the file: --notebook FILE, or .*--recorded"):
        plan_resume(store, run.run_id)
    moved = plan_resume(store, run.run_id, Changes(notebook=tmp_path / "moved.ipynb"))
    kept = plan_resume(store, run.run_id, Changes(recorded=True))

    assert ["moved.ipynb: the code is the same"] == moved.lines()
    assert store.notebooks.path(start.notebook_file) == kept.notebook
    kept.notebook.write_text("{")
    with pytest.raises(DamagedError, match="truncated"):
        plan_resume(store, run.run_id, Changes(recorded=True))
    with pytest.raises(NotebookError, match="No such file"):
        plan_resume(store, run.run_id, Changes(notebook=tmp_path / "none.ipynb"))


def test_a_notebook_with_other_step_names(store: Store, start: Start, tmp_path: Path) -> None:
    """What is gone and new is said before anything runs; who names the old one is told the new one."""
    run = failed(store, start)
    save(Path(start.notebook), "%%step load\nrows = [1]", "%%step training\nmodel = sum(rows)")

    planned = plan_resume(store, run.run_id)

    assert [
        "nb.ipynb: new: training",
        "nb.ipynb: gone: train",
        "nb.ipynb: a step that was renamed executes again",
    ] == (planned.lines())
    for changes in (
        Changes(force=("train",)),
        Changes(from_step="train"),
        Changes(given={("train", "model"): 1}),
    ):
        with pytest.raises(UsageError, match="did you mean training"):
            plan_resume(store, run.run_id, changes)


def test_a_step_that_is_gone_without_a_namesake(store: Store, start: Start) -> None:
    """Who names a step that the run had is told what the notebook has instead."""
    run = failed(store, start)
    save(Path(start.notebook), "%%step load\nrows = [1]", "%%step fit\nmodel = sum(rows)")

    with pytest.raises(
        UsageError, match=rf"Gone .* since run {run.run_id} executed it: train; new in it: fit"
    ):
        plan_resume(store, run.run_id, Changes(from_step="train"))


def test_a_completed_run_is_left_alone(store: Store, start: Start, tmp_path: Path) -> None:
    """It says so, and how to execute a notebook that was edited since; secrets are not asked for."""
    run = begin(store, replace(start, parameters={"alpha": 1, "api_key": MASK}))
    assert "" == left_alone(store, run.run_id)
    runs.finish(store, run.run_id, State.COMPLETED)

    assert State.COMPLETED is resume(store, run.run_id).state
    same = left_alone(store, run.run_id)
    save(Path(start.notebook), "%%step load\nrows = [2]", "%%step train\nmodel = sum(rows)")
    edited = left_alone(store, run.run_id)

    assert f"Run {run.run_id} has completed and nothing is changed: nothing was executed." in same
    assert f"durable-nb run {start.notebook}" in same
    assert "edited" not in same
    assert "The notebook has been edited since: changed: load." in edited
    assert f"durable-nb resume {run.run_id} --notebook {start.notebook}" in edited
    assert "" == left_alone(store, run.run_id, Changes(force=("load",)))
    Path(start.notebook).unlink()
    assert "edited" not in left_alone(store, run.run_id)


def test_parameters_with_their_defaults(store: Store, start: Start, tmp_path: Path) -> None:
    """What a run was given and the defaults of the rest, marked; a change is worded the same everywhere."""
    source = "%%params\nsize: int = 3\nmode: str = 'fast'\nmade = size * 2\napi_key: str = 'abc-def-ghi'"
    content = store.notebooks.put(nbformat.read(save(tmp_path / "p.ipynb", source), as_version=4))
    start = replace(start, parameters={}, notebook_file=content)
    run = failed(store, start)
    begin(store, replace(start, parameters={"size": 5}), Asked(resume=run.run_id))
    declared = run_declared(store, run.run_id)

    found = as_json(run_parameters(run_record(store, run.run_id), declared))

    assert {
        "size": {"value": 5, "from": "given"},
        "mode": {"value": "fast", "from": "default"},
        "made": {"value": None, "from": "default"},
        "api_key": {"value": MASK, "from": "default"},
    } == found
    page = run_page(store, run.run_id)
    assert "parameter size: 3 (default) → 5, by " in page
    assert "what its cell computes" in page
    assert "abc-def-ghi" not in page
    assert "size: 5 → 3 (default)" == change_in_words("size", {"was": 5}, declared)
    assert "api_key: given again" == change_in_words("api_key", {"was": MASK, "now": MASK}, declared)


def test_steps_to_come_belong_to_their_run(store: Store, start: Start) -> None:
    """What a failed run did not come to is still shown of it when another run has begun."""
    run = begin(store, start)
    attempted(store, run, start.notebook, load="failed", train="pending")
    runs.finish(store, run.run_id, State.FAILED)
    other = begin(store, start, Asked(new_run=True))
    attempted(store, other, start.notebook, load="completed", train="completed")
    store.flush()

    found = run_report(store, run.run_id)

    assert [("load", State.FAILED), ("train", State.PENDING)] == [(s.step, s.state) for s in found.steps]


def test_values_for_what_a_step_does_not_make(store: Store, start: Start) -> None:
    """Refused, with the nearest that it makes; nothing is recorded."""
    run = failed(store, start)

    with pytest.raises(UsageError, match="does not make modle; did you mean model"):
        plan_resume(store, run.run_id, Changes(given={("train", "modle"): 1}))
    with pytest.raises(UsageError, match=r"no value of train\.model was given"):
        plan_resume(store, run.run_id, Changes(taken_back=(("train", "model"),)))
    with pytest.raises(UsageError, match="No such file"):
        plan_resume(store, run.run_id, Changes(given_files={("train", "model"): Path("none.json")}))
    assert [] == list(store.overrides.all())


def test_a_value_given_by_hand_is_visible_and_reversible(store: Store, start: Start) -> None:
    """Who, when, what: in a view; taken back it stays there, and holds no more."""
    run = failed(store, start)
    giving.give(store, run.run_id, "train", "model", 5, notebook=start.notebook)
    assert 5 == store.load("train", "model", run.run_id)
    giving.take_back(store, run.run_id, "train", "model")
    store.flush()

    found = store.ledger.rows(
        'select step, override, "user", run_id, "values" from overrides order by happened_at'
    )

    assert [("train", "set", run.run_id), ("train", "undo", run.run_id)] == [
        (row["step"], row["override"], row["run_id"]) for row in found
    ]
    assert [{"name": "model", "value": "5"}] == json.loads(found[0]["values"])
    assert found[0]["user"]
    assert {} == store.overrides.standing("train").given(run.run_id)
    assert store.recover().overrides_added == 0


def test_runs_that_cannot_be_gone_on_with(store: Store, start: Start) -> None:
    """Those of a notebook's own kernel, and those with options of a newer version, say why."""
    theirs = failed(store, replace(start, engine="interactive"))
    newer = failed(store, replace(start, options={"teleport": True}, parameters={}))

    with pytest.raises(UsageError, match=f"durable-nb run {start.notebook}"):
        plan_resume(store, theirs.run_id)
    with pytest.raises(UsageError, match="with the options teleport, which this version does not know"):
        plan_resume(store, newer.run_id)


def test_what_goes_on_as_it_was(store: Store, start: Start) -> None:
    """A run keeps its parameters and options; one that has completed has nothing left to do."""
    run = failed(store, start)

    planned = plan_resume(store, run.run_id, Changes(parameters={"alpha": 3}))

    assert ({"alpha": 3}, {"keep_going": True}) == (dict(planned.parameters), dict(planned.options))
    assert ["alpha: 1 → 3"] == planned.lines()
    runs.finish(store, run.run_id, State.COMPLETED)
    assert plan_resume(store, run.run_id).is_done
    assert not plan_resume(store, run.run_id, Changes(force=("load",))).is_done


def test_secrets_are_asked_for_again(store: Store, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record holds none: the environment or the command must; what is shown holds none either."""
    run = failed(store, replace(start, parameters={"alpha": 1, "api_key": MASK}))

    with pytest.raises(UsageError, match=r"api_key .* secret.*give it again"):
        plan_resume(store, run.run_id)
    given = plan_resume(store, run.run_id, Changes(parameters={"api_key": "hunter2-hunter2"}))
    assert "hunter2-hunter2" == given.parameters["api_key"]
    assert "hunter2" not in " ".join(given.lines())
    monkeypatch.setenv("DURABLE_NB_SECRET_API_KEY", "hunter2-hunter2")
    assert {"alpha", "api_key"} >= set(plan_resume(store, run.run_id).parameters)


def test_a_working_directory_that_is_gone(store: Store, start: Start, tmp_path: Path) -> None:
    """Another one can be named."""
    run = failed(store, replace(start, options={"cwd": str(tmp_path / "gone")}))

    with pytest.raises(UsageError, match="which is gone: make it, or name another: --cwd"):
        plan_resume(store, run.run_id)
    assert tmp_path == plan_resume(store, run.run_id, cwd=tmp_path).options["cwd"]


def test_all_that_failed(store: Store, start: Start, tmp_path: Path) -> None:
    """Not what completed since, was stopped, or waits; of equals the newest; by notebook, age and tags."""
    days = [replace(start, parameters={"day": day}) for day in range(5)]
    made_up_for, broken, dead, stopped, waiting = days
    failed(store, made_up_for)
    runs.finish(store, begin(store, made_up_for, Asked(new_run=True)).run_id, State.COMPLETED)
    failed(store, broken)
    newest = failed(store, broken, Asked(new_run=True, tags={"team": "ops", "day": "1"}))
    died = begin(store, dead)
    store.record(StepEvent(EventKind.RUN_STARTED, died.run_id, time.time() - 3600, data=_of_dead(dead)))
    for state, which in ((State.CANCELLED, stopped), (State.WAITING, waiting)):
        runs.finish(store, begin(store, which).run_id, state)
    other = failed(store, replace(start, notebook=str(tmp_path / "other.ipynb")))
    store.flush()

    def found(**wanted: Any) -> set[str]:
        return {record.run_id for record in unfinished_runs(store, **wanted)}

    assert {newest.run_id, died.run_id, other.run_id} == found()
    assert {other.run_id} == found(notebook=tmp_path / "other.ipynb")
    assert {newest.run_id} == found(tags={"team": "ops"})
    assert set() == found(tags={"team": "ops", "day": "2"})
    assert set() == found(since_seconds=0.0)
    assert {newest.run_id, other.run_id} <= found(since_seconds=600.0)


def _of_dead(start: Start) -> dict[str, Any]:
    import socket

    return {
        "notebook": start.notebook,
        "parameters": dict(start.parameters),
        "engine": "durable",
        "host": socket.gethostname(),
        "pid": 2**22 + 1,
    }


def test_notebooks_are_kept_once(store: Store, tmp_path: Path) -> None:
    """Neither outputs, nor ids, nor what execution leaves makes another one; code and tags do."""
    nb = nbformat.read(save(tmp_path / "a.ipynb", "x = 1"), as_version=4)
    first = store.notebooks.put(nb)
    nb.cells[0].outputs = [nbformat.v4.new_output("stream", text="secret")]
    nb.cells[0].id = "another"
    nb.cells[0].metadata["papermill"] = {"duration": 1}
    nb.metadata["papermill"] = {"parameters": {"token": "secret"}}
    same = store.notebooks.put(nb)
    nb.cells[0].metadata["tags"] = ["parameters"]
    tagged = store.notebooks.put(nb)

    assert first == same
    assert tagged != first
    files = [path.read_text() for path in store.notebooks.folder.rglob("*.ipynb")]
    assert 2 == len(files)
    assert not [text for text in files if "secret" in text]

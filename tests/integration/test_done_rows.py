"""Rows of a sweep that completed before: not run again where nothing can have changed, and only there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.sweeping.done_rows import DoneRows
from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.sweep import SweepReport, sweep
from durable_nb.cli.sweep_plans import plans_of_notebook
from durable_nb.core.model import State
from durable_nb.core.overrides import OverrideKind
from durable_nb.store import decisions, giving
from durable_nb.store.store import Store, open_store

CELLS = [
    "%%params\nalpha = 0.5\nnote = ''\napi_key = ''",
    "import durable_nb",
    "%%step load\ndata = [int(line) for line in open('data.txt')]",
    "%%step fit --env SCALE\nscore = alpha * sum(data)\ndurable_nb.metric('score', score)",
    "print(score)",
]
ROWS: list[dict[str, Any]] = [{"alpha": 0.25}, {"alpha": 0.5, "note": "b"}]


@dataclass
class Place:
    """A notebook of which a sweep was done."""

    folder: Path
    first: SweepReport

    @property
    def notebook(self) -> Path:
        return self.folder / "m.ipynb"

    def store(self) -> Store:
        return open_store(self.folder / ".durable")

    def sweep(self, **options: Any) -> SweepReport:
        with closing(self.store()) as store:
            plan = plans_of_notebook(self.notebook, None, store)
            return sweep(self.notebook, ROWS, self.folder / "out", plan=plan, **options)

    def done(self, cells: list[str] | None = None, **options: Any) -> dict[int, RowResult]:
        """The rows that would not be run again."""
        save(self.notebook, cells or CELLS)
        nb = nbformat.read(self.notebook, as_version=4)
        with closing(self.store()) as store:
            plan = plans_of_notebook(self.notebook, None, store)
            return DoneRows(store, self.notebook, nb, options, plan).find(self.first.rows)


def save(path: Path, cells: list[str]) -> NotebookNode:
    nb = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    nbformat.write(nb, path)
    return nb


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("rows")
    save(folder / "m.ipynb", CELLS)
    (folder / "data.txt").write_text("1\n2\n")
    return Place(folder, sweep(folder / "m.ipynb", ROWS, folder / "out"))


def test_what_has_completed_is_not_run_again(place: Place) -> None:
    """The same sweep is done at once, with the runs, the metrics and the outputs of the one before."""
    again = place.sweep()

    assert {State.COMPLETED: 2} == place.first.counts == again.counts
    assert [0.75, 1.5] == place.first.columns["score"] == again.columns["score"]
    assert place.first.columns["run_id"] == again.columns["run_id"]
    assert [(True, 0, 2)] * 2 == [(r.earlier, r.executed, r.reused) for r in again.results.values()]
    with closing(place.store()) as store:
        assert [{"times": 2}] == store.ledger.rows("select count(*) as times from runs")


def _other(cell: int, code: str) -> list[str]:
    return [code if place == cell else old for place, old in enumerate(CELLS)]


@pytest.mark.parametrize(
    "cells",
    [
        _other(0, CELLS[0].replace("''", "'x'")),
        _other(3, CELLS[3].replace("sum", "max")),
        _other(4, "print(score, 'points')"),
        [*CELLS, "print(open('data.txt').read())"],
    ],
)
def test_other_code(place: Place, cells: list[str]) -> None:
    """A notebook that was edited runs, also where the edit is in a plain cell."""
    assert {} == place.done(cells)


@pytest.mark.parametrize(
    "options",
    [{"new_run": True}, {"force": ["fit"]}, {"kernel_name": "other"}, {"cwd": "/"}, {"auto": True}],
)
def test_other_options(place: Place, options: dict[str, Any]) -> None:
    """What is asked to run runs; so does what would run elsewhere, or in another kernel."""
    assert {} == place.done(**options)


@contextmanager
def changed_file(place: Place) -> Iterator[None]:
    path = place.folder / "data.txt"
    path.write_text("1\n2\n3\n")
    yield
    path.write_text("1\n2\n")


@contextmanager
def changed_variable(_: Place) -> Iterator[None]:
    os.environ["SCALE"] = "2"
    yield
    del os.environ["SCALE"]


@contextmanager
def removed_output(place: Place) -> Iterator[None]:
    for row in place.first.rows:
        row.output.rename(row.output.with_suffix(".away"))
    yield
    for row in place.first.rows:
        row.output.with_suffix(".away").rename(row.output)


@contextmanager
def given_by_hand(place: Place) -> Iterator[None]:
    run_ids = [result.run_id for result in place.first.results.values()]
    with closing(place.store()) as store:
        for run_id in run_ids:
            giving.give(store, run_id, "fit", "score", 9)
    yield
    with closing(place.store()) as store:
        for run_id in run_ids:
            giving.take_back(store, run_id, "fit", "score")


@pytest.mark.parametrize("change", [changed_file, changed_variable, removed_output, given_by_hand])
def test_another_world(place: Place, change: Callable[[Place], Any]) -> None:
    """What a run read or left is not as it was: the row runs. When it is again, the row is done again."""
    with change(place):
        between = place.done()
    after = place.done()

    assert {} == between
    assert {1, 2} == after.keys()


def test_a_later_run_of_other_inputs(place: Place) -> None:
    """That a step can be reused is not enough: it must be from what the row's own run has used."""
    place.done()  # saves the notebook as it was
    with changed_file(place):
        other = place.folder / "other"
        sweep(place.notebook, ROWS[:1], other, store=place.folder / ".durable")
        between = place.done()

    assert {} == between


def test_a_person_says_that_it_is_stale(place: Place) -> None:
    """A step that was invalidated runs in every row."""
    with closing(place.store()) as store:
        decisions.invalidate(store, "fit")
    between = place.done()
    with closing(place.store()) as store:
        decisions.undo(store, OverrideKind.INVALIDATE, "fit")

    assert {} == between
    assert {1, 2} == place.done().keys()

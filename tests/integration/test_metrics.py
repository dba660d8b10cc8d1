"""``durable_nb.metric``: numbers that come with a step's results, and with the run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from oracle.kernels import KILLED, ForkedKernels, cell, write

import durable_nb
from durable_nb.core.errors import UsageError
from durable_nb.store.store import open_store

LOAD = "import durable_nb"
FIT = '%%step fit\ndurable_nb.metric("auc", 0.5)\nmodel = alpha * 2\ndurable_nb.metric("auc", model / 10)'


def metrics(folder: Path) -> list[tuple[Any, ...]]:
    """Step, name and value of every metric of every run, oldest first."""
    store = open_store(folder / ".durable")
    try:
        store.recover()
        rows = store.ledger.rows("from metrics order by measured_at, name")
    finally:
        store.close()
    return [(row["step"], row["attempt"], row["name"], row["value"]) for row in rows]


def test_a_reuse_records_them_again(forked: ForkedKernels, tmp_path: Path) -> None:
    """The last value that a step gave is recorded for each run that executes or reuses it."""
    cells = [LOAD, "alpha = 3", FIT]

    executed = forked.run_cells(tmp_path, *cells, farewell=True)
    reused = forked.run_cells(tmp_path, *cells, farewell=True)

    assert ["", "", "completed"] == executed.states
    assert ["", "", "reused"] == reused.states
    assert [("fit", 1, "auc", 0.6)] * 2 == metrics(tmp_path)


def test_known_although_the_process_died(forked: ForkedKernels, tmp_path: Path) -> None:
    """What a completed step measured is in its trace: it is known even if its process dies at once."""
    when_it_has_committed = 6

    life = forked.run(tmp_path, [cell(LOAD), cell("alpha = 3"), cell(FIT)], die_at=when_it_has_committed)

    assert (KILLED, 2) == (life.exit, len(life.cells))
    assert [("fit", 1, "auc", 0.6)] == metrics(tmp_path)


def test_a_failed_attempt_leaves_none(forked: ForkedKernels, tmp_path: Path) -> None:
    """What a failed attempt measured is not recorded; the next attempt begins with nothing."""
    fit = (
        "%%step fit --retries 1 --backoff 0.01\n"
        'durable_nb.metric("tries", durable_nb.attempt())\n'
        'if durable_nb.attempt() == 1:\n    durable_nb.metric("bad", 1)\n    raise OSError\nmodel = 1'
    )

    forked.run_cells(tmp_path, LOAD, fit, farewell=True)

    assert [("fit", 2, "tries", 2.0)] == metrics(tmp_path)


def test_plain_cells_measure_too(forked: ForkedKernels, tmp_path: Path) -> None:
    """A plain cell's metrics belong to the run, and to no step."""
    forked.run_cells(
        tmp_path,
        LOAD,
        'for i in range(9):\n    durable_nb.metric("rows", i)',
        FIT.replace("alpha", "2"),
        farewell=True,
    )

    assert [("", 0, "rows", 8.0), ("fit", 1, "auc", 0.4)] == metrics(tmp_path)


def test_nan_and_infinity_are_values(forked: ForkedKernels, tmp_path: Path) -> None:
    """A loss that is no number, or infinite, comes back as it was, also by reuse."""
    fit = (
        '%%step fit\ndurable_nb.metric("loss", float("nan"))\ndurable_nb.metric("worst", float("inf"))\nx = 1'
    )

    for _ in range(2):
        forked.run_cells(tmp_path, LOAD, fit, farewell=True)

    values = {(name, str(value)) for _, _, name, value in metrics(tmp_path)}
    assert {("loss", "nan"), ("worst", "inf")} == values


def test_a_step_that_measures_stays_provable(forked: ForkedKernels, tmp_path: Path) -> None:
    """Measuring is no dependency of a step: only what it computes with is."""
    forked.run(tmp_path, [cell(LOAD), write("data.txt", "1"), cell("alpha = 3"), cell(FIT)])
    again = forked.run(tmp_path, [cell(LOAD), write("data.txt", "2"), cell("alpha = 3"), cell(FIT)])

    assert "reused" == again.states[-1]


def test_wrong_values_are_refused() -> None:
    """What is no single number, or has no name, is refused with what was found and what was expected."""
    for name, value in (("auc", "high"), ("auc", [1]), ("auc", None), ("", 1.0), (3, 1.0)):
        with pytest.raises(UsageError, match="expected"):
            durable_nb.metric(name, value)  # type: ignore[arg-type]


def test_outside_of_a_notebook_it_warns() -> None:
    """Code that measures runs in a plain script too; that nothing is recorded there is said."""
    with pytest.warns(UserWarning, match=r"'auc' is not recorded.*%load_ext durable_nb"):
        durable_nb.metric("auc", math.pi)

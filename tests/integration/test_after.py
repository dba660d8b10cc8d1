"""``--after STEP``: an order between steps of which neither reads what the other makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from oracle.kernels import ForkedKernels, cell

from durable_nb.batch.steps import declared_steps
from durable_nb.core.cells import read_cell
from durable_nb.core.errors import OptionError, UsageError

PUBLISH = "%%step publish --after check\nsent = 1"


def test_blocked_by_a_failure(forked: ForkedKernels, tmp_path: Path) -> None:
    """A step does not run if one that it comes after failed; once that has completed, it does."""
    check = "%%step check\nassert ok"

    life = forked.run(
        tmp_path,
        [cell("ok = False"), cell(check), cell(PUBLISH), cell("ok = True"), cell(check), cell(PUBLISH)],
        go_on=True,
    )

    assert ["", "failed", "blocked", "", "completed", "completed"] == life.states
    assert "runs after step check, which failed (AssertionError)" in life.cells[2].reason


def test_blocked_through_another(forked: ForkedKernels, tmp_path: Path) -> None:
    """A step that was blocked has not completed: what comes after it is blocked too."""
    last = "%%step last --after publish\nend = 1"

    life = forked.run(tmp_path, [cell("%%step check\n1 / 0"), cell(PUBLISH), cell(last)], go_on=True)

    assert ["failed", "blocked", "blocked"] == life.states


def test_unblocked_by_a_person(forked: ForkedKernels, tmp_path: Path) -> None:
    """``%steps unblock`` lets what comes after a failed step run."""
    cells = [cell("%%step check\n1 / 0"), cell(PUBLISH), cell("%steps unblock check"), cell(PUBLISH)]

    life = forked.run(tmp_path, cells, go_on=True)

    assert ["failed", "blocked", "", "completed"] == life.states


def test_order_does_not_change_the_result(forked: ForkedKernels, tmp_path: Path) -> None:
    """With another --after a step is the same step: it is reused."""
    forked.run_cells(tmp_path, "%%step check\nx = 1", PUBLISH)

    life = forked.run_cells(tmp_path, "%%step check\nx = 1", PUBLISH.replace(" --after check", ""))

    assert ["reused", "reused"] == life.states


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["%%step check\nx = 1", "%%step b --after chek\ny = 1"], "did you mean check?"),
        (["%%step b --after check\ny = 1", "%%step check\nx = 1"], "no cell above it"),
        (["%%step b --after b\ny = 1"], "no cell above it"),
    ],
)
def test_no_such_step_above(cells: list[str], wanted: str) -> None:
    """A step that is not there, or stands below, is refused before anything runs."""
    with pytest.raises(UsageError, match=wanted.replace("?", r"\?")):
        declared_steps(new_notebook(cells=[new_code_cell(source) for source in cells]))


def test_no_names_of_steps() -> None:
    """What cannot be a step's name is refused."""
    with pytest.raises(OptionError, match="expected names of steps"):
        read_cell("%%step b --after a-b\ny = 1")

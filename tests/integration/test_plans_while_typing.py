"""A plan of a notebook that is being written: a marker that is half typed takes no other step's plan away."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels

from durable_nb.core.errors import UsageError
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.core.planning import Decision, PlannedStep, plan_cells, readable_cells
from durable_nb.core.staleness import Cause
from durable_nb.kernel.showing.outlook import Outlook
from durable_nb.store.store import open_store

CELLS = [
    "%%step load\nraw = [1, 2]",
    "%%step clean\ndf = raw + [3]",
    "%%step report\ntotal = sum(df)",
    "%%step own\ny = 1",
]


def planned(folder: Path, cells: list[str]) -> dict[str, PlannedStep]:
    """The plan of each step, after CELLS have run."""
    store = open_store(folder / ".durable")
    read = list(readable_cells([NotebookCell("code", source) for source in cells]))
    return {step.step: step for step in Outlook(store, folder).plan("", read).steps}


@pytest.fixture
def ran(forked: ForkedKernels, tmp_path: Path) -> Path:
    """A folder with a store in which all of CELLS have completed."""
    assert forked.run_cells(tmp_path, *CELLS).states == ["completed"] * len(CELLS)
    return tmp_path


def test_all_is_reused_as_it_was(ran: Path) -> None:
    """The plans below are other ones because of what is said there."""
    assert {step.decision for step in planned(ran, CELLS).values()} == {Decision.REUSE}


@pytest.mark.parametrize(
    "broken",
    [
        "%%step clean --retr\ndf = raw + [3]",
        "%%step clean --ttl\ndf = raw + [3]",
        "%%step clean --timeout soon --alway\ndf = raw + [3]",
    ],
)
def test_a_step_with_a_half_typed_option_keeps_its_row(ran: Path, broken: str) -> None:
    """It says what is wrong; what needs it waits for it; what does not is reused."""
    found = planned(ran, [CELLS[0], broken, *CELLS[2:]])

    assert ["load", "clean", "report", "own"] == list(found)
    with pytest.raises(UsageError) as refused:
        list(plan_cells([NotebookCell("code", broken)]))
    (reason,) = found["clean"].reasons
    assert (Decision.EXECUTE, Cause.MARKER) == (found["clean"].decision, reason.cause)
    assert str(refused.value).endswith(reason.text)
    assert (Decision.DEPENDS, ("clean",)) == (found["report"].decision, found["report"].depends_on)
    assert {Decision.REUSE} == {found["load"].decision, found["own"].decision}


@pytest.mark.parametrize(
    "broken",
    [
        "%%step clean up 'now\ndf = raw + [3]",
        "%%step clean-up\ndf = raw + [3]",
        "%%step clean-up\ndf = raw + [3",
        "%%step clean-up\ndef df(): ...",
        "%%time\n%%step clean\ndf = raw + [3]",
        "df = raw +",
        "%%step load\ndf = raw + [3]",
    ],
)
def test_a_cell_without_a_usable_name_may_bind_what_it_binds(ran: Path, broken: str) -> None:
    """Nothing below that needs it is proven, not even where an earlier cell binds the same."""
    found = planned(ran, [CELLS[0], "df = [1, 2, 3]", broken, *CELLS[2:]])

    assert (Decision.DEPENDS, ("cell 3",)) == (found["report"].decision, found["report"].depends_on)
    assert Decision.REUSE is found["own"].decision


def test_a_step_whose_code_is_half_typed_is_not_reused(ran: Path, forked: ForkedKernels) -> None:
    """Even where an empty step of its name was."""
    forked.run_cells(ran, "%%step clean\n# later")

    found = planned(ran, [CELLS[0], "%%step clean\ndf = raw + [", *CELLS[2:]])

    assert (Decision.EXECUTE, Cause.MARKER) == (found["clean"].decision, found["clean"].reasons[0].cause)
    assert Decision.DEPENDS is found["report"].decision


def test_without_a_mistake_the_plan_is_the_strict_one(ran: Path) -> None:
    """Both ways of reading give the same cells."""
    cells = [
        NotebookCell("code", source, ("a",), "id") for source in [*CELLS, "x = 1", "# step: last\nz = 1"]
    ]

    assert list(plan_cells(cells)) == list(readable_cells(cells))

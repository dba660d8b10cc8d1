"""How ends of cells come to the end of a run; cells for that end; patience with a step."""

from __future__ import annotations

import signal

import pytest

from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.ended import sum_up
from durable_nb.batch.patience import GRACE, LATE, Move, Patience
from durable_nb.batch.runs import Failure
from durable_nb.core.endings import Ending, Outcome, comment_out_ending, find_ending
from durable_nb.core.model import State

OK, BAD, NO, ASK = CellEnd.COMPLETED, CellEnd.FAILED, CellEnd.BLOCKED, CellEnd.WAITING


@pytest.mark.parametrize(
    ("ends", "state", "cell"),
    [
        ([OK, OK], State.COMPLETED, None),
        ([], State.COMPLETED, None),
        ([OK, CellEnd.EXITED], State.COMPLETED, 1),
        ([BAD, CellEnd.EXITED], State.FAILED, 0),
        ([OK, BAD, NO, BAD], State.FAILED, 1),
        ([ASK, NO], State.WAITING, 0),
        ([ASK, NO, BAD], State.FAILED, 2),
        ([BAD, CellEnd.DIED], State.FAILED, 0),
        ([CellEnd.DIED], State.INTERRUPTED, 0),
        ([CellEnd.OVERDUE], State.FAILED, 0),
        ([BAD, CellEnd.STOPPED], State.CANCELLED, 1),
    ],
)
def test_sum_of_cells(ends: list[CellEnd], state: State, cell: int | None) -> None:
    """A failure weighs more than a question, that more than what is blocked; the first of them counts."""
    ended = sum_up(dict(enumerate(ends)), lambda index: Failure("E", str(index)), None)

    assert (state, cell) == (ended.state, ended.cell)
    assert tuple(i for i, how in enumerate(ends) if how is NO) == ended.blocked


def test_sigterm_interrupts_a_run() -> None:
    """SIGTERM comes from the system: the run is interrupted, not cancelled by a person."""
    ended = sum_up({0: CellEnd.STOPPED}, lambda _: None, signal.SIGTERM)

    assert State.INTERRUPTED is ended.state


@pytest.mark.parametrize(
    ("source", "ending", "line"),
    [
        ("%%on_failure\nx", Ending.FAILURE, 0),
        ("# on_success: tell\nx", Ending.SUCCESS, 0),
        ("\n# why\n#on_failure:\nx", Ending.FAILURE, 2),
        ("  %%on_success  now \nx", Ending.SUCCESS, 0),
    ],
)
def test_marker(source: str, ending: Ending, line: int) -> None:
    """Both forms are found, below comments and blank lines."""
    marker = find_ending(source)

    assert marker is not None
    assert (ending, line) == (marker.ending, marker.line)


@pytest.mark.parametrize(
    "source", ["x\n# on_failure:", "# on failure: x", "# on_failure x", "%%on_failures\nx", "%on_failure", ""]
)
def test_no_marker(source: str) -> None:
    """What only looks like a marker is none."""
    assert find_ending(source) is None


def test_magic_becomes_a_comment() -> None:
    """What is left is Python, with the same lines."""
    assert "# \n#  on_failure x\ny" == comment_out_ending("# \n%%on_failure x\ny").replace("# on", "#  on")


def test_outcome_as_json() -> None:
    """An outcome comes back from JSON as it was, whatever a later version adds."""
    outcome = Outcome(
        "r", State.FAILED, "/nb.ipynb", {"a": [1]}, "o", "s", 3, "E", "no", "tb", ("s", "t"), ("u",)
    )

    assert outcome == Outcome.from_json({**outcome.as_json(), "later": 1})
    assert "Run r of /nb.ipynb: failed\nstep s (cell 3): E: no\nfailed: s, t\nblocked: u" == str(outcome)


def test_patience() -> None:
    """A step over its limit is interrupted, then given up; a deadline that moves starts anew."""
    patience = Patience()

    assert (Move.WAIT, None) == patience.next(None, 0.0)
    assert (Move.WAIT, LATE + 3) == patience.next(103.0, 100.0)
    assert (Move.INTERRUPT, None) == patience.next(103.0, 103.0 + LATE)
    assert (Move.WAIT, GRACE) == patience.next(103.0, 103.0 + LATE)
    assert (Move.WAIT, LATE) == patience.next(120.0, 120.0)
    assert (Move.INTERRUPT, None) == patience.next(120.0, 120.0 + LATE)
    assert (Move.GIVE_UP, None) == patience.next(120.0, 120.0 + LATE + GRACE)

"""Which step goes ahead in a further kernel, and when none is worth it."""

from __future__ import annotations

import pytest

from durable_nb.core.ahead_choice import Candidate, choose


def in_a_row(*seconds: float, left: float = 0.0) -> list[Candidate]:
    """Steps that are executed one after the other when what runs now ends."""
    return [Candidate(i, taken, left + sum(seconds[:i])) for i, taken in enumerate(seconds)]


@pytest.mark.parametrize(
    ("candidates", "ready_in", "wanted"),
    [
        ([], 0.0, None),
        (in_a_row(2, left=1), 0.0, 0),
        (in_a_row(2, 2, 2, left=2), 1.0, 1),  # the first would be waited for, while the other kernel is idle
        (in_a_row(2, 2, 2, left=2), 0.0, 0),  # done just when it has its turn
        (in_a_row(3, 3, left=2), 0.0, 1),
        (in_a_row(10, left=2), 1.0, 0),
        (in_a_row(2, left=1), 3.0, None),  # its turn comes before the kernel is there
        (in_a_row(2, 2, 2, left=1), 4.0, None),  # what would be left to do is less than the start
        (in_a_row(0.6, 0.6, left=0.4), 1.0, None),
    ],
)
def test_the_choice(candidates: list[Candidate], ready_in: float, wanted: int | None) -> None:
    """A kernel must be there before the step has its turn, and have enough to do to be worth its start."""
    assert wanted == choose(candidates, ready_in)

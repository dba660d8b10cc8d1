"""Where two values of plain data differ."""

from __future__ import annotations

from typing import Any

import pytest

from durable_nb.core.value_differences import differences


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (1, 2, ["1 → 2"]),
        (1, 1.0, ["1 → 1.0"]),
        (float("nan"), float("nan"), []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["['a'][1] 2 → 3"]),
        ({"a": 1}, {"b": 1}, ["['a'] is gone", "['b'] is new"]),
        ([1], [1, 2], ["1 → 2 items"]),
        ({"token": "abc"}, {"token": "xyz"}, ["['token'] changed"]),
        (
            list(range(9)),
            list(range(1, 10)),
            ["[0] 0 → 1", "[1] 1 → 2", "[2] 2 → 3", "[3] 3 → 4", "[4] 4 → 5", "…"],
        ),
    ],
)
def test_places_that_differ(was: Any, now: Any, expected: list[str]) -> None:
    """The first places are named with what is there, what seems secret without."""
    assert expected == differences(was, now)


def test_endless_nesting_ends() -> None:
    """A value that is deeper than anybody reads is compared as a whole."""
    deep: list[Any] = [1]
    other: list[Any] = [2]
    for _ in range(100):
        deep, other = [deep], [other]

    assert len(differences(deep, other)) == 1

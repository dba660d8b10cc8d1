"""The one list of reasons: what it finds, in which order, and in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from durable_nb.core.model import Dependency, DependencyKind, Trace
from durable_nb.core.overrides import Standing
from durable_nb.core.past import differences, past_executions
from durable_nb.core.staleness import Cause, Present, StaleReason, in_short, reasons

VALUE, FUNCTION, FILE = DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.FILE
TRACE = Trace(
    step="s",
    code="c",
    key="k",
    source="%%step s\nx = a + 1",
    options={},
    dependencies=(Dependency(VALUE, "a", "a1", "1"), Dependency(FILE, "in.csv", "f1", "in.csv")),
    outputs=(),
    display=(),
    created_at=100.0,
    seconds=1.0,
    run_id="r",
    attempt=1,
)


def present(**changes) -> Present:
    files = changes.pop("files", {"in.csv": Dependency(FILE, "in.csv", "f1", "in.csv")})
    facts = {
        "code": "c",
        "always": False,
        "ttl": None,
        "now": 200.0,
        "read": {(VALUE, "a"): Dependency(VALUE, "a", "a1", "1")},
        "unprovable": {},
        "find": lambda kind, name: files.get(name) if kind is FILE else None,
        "source": TRACE.source,
    }
    return Present(**{**facts, **changes})


def test_nothing_found_means_reuse() -> None:
    """The decision and the explanation are the same thing."""
    assert list(reasons(present(), TRACE)) == []


def test_every_kind_of_dependency_has_a_cause() -> None:
    """A kind that is added later cannot be forgotten here."""
    assert {kind.value for kind in DependencyKind} <= {cause.value for cause in Cause}


def test_all_reasons_are_found_most_telling_first() -> None:
    """Not only the first."""
    now = present(
        code="c2",
        source="%%step s\nx = a + 2",
        always=True,
        ttl=10.0,
        read={(VALUE, "a"): Dependency(VALUE, "a", "a2", "2"), (VALUE, "b"): Dependency(VALUE, "b", "b1")},
        files={},
    )

    found = [reason.text for reason in reasons(now, TRACE)]

    assert found == [
        "marked --always",
        "code changed",
        "older than --ttl 10 s",
        "a 1 → 2",
        "b is now defined",
        "in.csv is gone",
    ]


@pytest.mark.parametrize(
    ("trace_options", "options", "source", "expected"),
    [
        ({"version": "1"}, {"version": "2"}, TRACE.source, ["--version 1 → 2"]),
        ({}, {"reads": ["a", "b"]}, TRACE.source, ["--reads not set → a,b"]),
        ({"ttl": 3.0}, {}, "%%step s\nx = a", ["code changed"]),
        ({"version": "1"}, {}, "%%step s\nx = a", ["--version 1 → not set", "code changed"]),
        ({}, {}, TRACE.source, ["code changed"]),
    ],
)
def test_an_option_is_told_apart_from_the_code(trace_options, options, source, expected) -> None:
    """Both are in one fingerprint; what cannot be told apart counts as code."""
    now = present(code="c2", options=options, source=source)

    assert expected == [reason.text for reason in reasons(now, replace(TRACE, options=trace_options))]


def test_a_value_that_becomes_a_function_is_one_reason() -> None:
    """Not "is gone" and "is now defined"."""
    now = present(read={(FUNCTION, "a"): Dependency(FUNCTION, "a", "x", "function a")})

    assert [reason.text for reason in reasons(now, TRACE)] == ["a 1 → function a"]


def test_what_cannot_be_hashed_is_said_once() -> None:
    """With the reason why, and not as gone too."""
    now = present(read={}, unprovable={"a": "a lock"})

    assert [reason.text for reason in reasons(now, TRACE)] == ["a is not durable: a lock"]


def test_uncertainty_never_makes_a_reuse() -> None:
    """What depends on something that has not run is a reason like any other."""
    now = present(read={}, uncertain={"a": "a depends on load"})

    assert [(r.cause, r.text) for r in reasons(now, TRACE)] == [(Cause.DEPENDS, "a depends on load")]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], ""),
        (["code changed"], "code changed"),
        (["a 1 → 2", "b 1 → 2", "a 1 → 2"], "a 1 → 2, b 1 → 2"),
        (["x" * 60, "y" * 60, "z"], f"{'x' * 60}, and 2 more"),
        (
            [f"name{i} changed" for i in range(9)],
            ", ".join(f"name{i} changed" for i in range(6)) + ", and 3 more",
        ),
        (["x" * 500], "x" * 500),
    ],
)
def test_reasons_on_one_line(texts, expected) -> None:
    """As many as there is room for; the others are counted."""
    assert in_short([StaleReason(Cause.VALUE, text) for text in texts]) == expected


def test_history_speaks_of_use_not_of_existence() -> None:
    """A file that a step does not read any more is not gone."""
    newer = replace(TRACE, dependencies=(Dependency(VALUE, "a", "a2", "2"), Dependency(VALUE, "b", "b1")))

    found = [reason.text for reason in differences(newer, TRACE)]

    assert found == ["a 1 → 2", "b is used now", "in.csv is not used any more"]


def test_each_execution_is_compared_with_the_one_before() -> None:
    """The first has none; one with equal inputs says so by saying nothing."""
    third = replace(TRACE, code="c3", source="%%step s\nx = a", created_at=300.0, not_durable={"x": "a lock"})
    second = replace(TRACE, created_at=200.0)

    found = list(past_executions([third, second, TRACE], Standing()))

    assert [[d.text for d in past.differences] for past in found] == [["code changed"], [], []]
    assert [past.is_first for past in found] == [False, False, True]
    assert [past.why_not for past in found] == ["x: a lock", "", ""]

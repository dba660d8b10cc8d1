"""The parts of the panel that need no kernel and no store: queries, fields, problems, sentences."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from durable_nb.core.errors import LedgerLockedError, StoreVersionError, UsageError
from durable_nb.core.overrides import OPTION, Change, Override, OverrideKind, standing
from durable_nb.core.parameter_reading import read_parameters
from durable_nb.core.plan_words import foretold, listed
from durable_nb.core.planning import Decision, PlannedStep
from durable_nb.dashboard.live import Live
from durable_nb.dashboard.parameters.fields import field, typed
from durable_nb.dashboard.problems import problem_of
from durable_nb.dashboard.runs.query import read_query
from durable_nb.dashboard.runs.resume import read_wanted


def planned(step: str, decision: Decision, seconds: float | None = 60.0) -> PlannedStep:
    return PlannedStep(step, 1, decision, seconds=seconds)


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "a"), (2, "a and b"), (5, "a, b, c, d and e"), (6, "a, b, c, d and 2 more")],
)
def test_names_are_listed_or_counted(count: int, words: str) -> None:
    """No name is lost: it is said, or it is among those that are counted."""
    assert words == listed(list("abcdef")[:count])


def test_what_will_be_done_is_one_sentence() -> None:
    """What executes is named, what is reused is counted, and both say how long."""
    steps = [
        planned("train", Decision.EXECUTE),
        planned("evaluate", Decision.EXECUTE, 120.0),
        planned("plot", Decision.DEPENDS, None),
        *(planned(f"step_{n}", Decision.REUSE) for n in range(4)),
    ]

    named, counted = foretold(steps), foretold(steps, named=False)

    assert (
        "executes train and evaluate, about 3 min; may execute plot; reuses 4 steps, saves about 4 min"
        == named
    )
    assert counted.startswith("executes 2 steps, about 3 min; may execute 1 step")
    assert "" == foretold([])


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("n = 3", "int", "3"),
        ("x = 0.5  # range: 0..1", "float", "0.5"),
        ("day = '2026-11-01'", "date", "2026-11-01"),
        ("at = '2026-11-01T08:30'", "datetime", "2026-11-01T08:30"),
        ("name = 'ann'", "str", "ann"),
        ("mode = 'fast'  # choices: fast, exact", "choice", "fast"),
        ("deep = True", "bool", "true"),
        ("columns = ['a', 'ü']", "json", '["a", "ü"]'),
        ("table = {'a': 1}", "json", '{"a": 1}'),
        ("any = None", "str", "None"),
    ],
)
def test_each_parameter_has_its_field(line: str, kind: str, value: str) -> None:
    """The type of a default, its comment and its annotation say which field it gets; it is shown as typed."""
    (parameter,) = read_parameters(f"%%params\n{line}")

    made = field(parameter, parameter.default, ())

    assert (kind, value, value) == (made["type"], made["value"], made["default"])


def test_a_secret_field_is_empty() -> None:
    """Neither its value, nor its default, nor what it held before is sent."""
    (parameter,) = read_parameters("%%params\napi_key = 'hush'")

    made = field(parameter, "hush-too", ["hush-before"])

    assert ("", "", [], True) == tuple(made[name] for name in ("value", "default", "last", "secret"))
    assert "hush" not in str(made)


def test_values_are_shown_as_they_are_typed() -> None:
    """What is shown can be typed again."""
    assert ["text", "7", "false", "None"] == [typed(value) for value in ("text", 7, False, None)]


@pytest.mark.parametrize(
    "asked",
    [{"sort": "drop"}, {"states": ["gone"]}, {"since": "yesterday"}, {"page": "2"}, {"size": True}],
)
def test_a_query_that_makes_no_sense_is_refused(asked: dict[str, Any]) -> None:
    """What a front end sends is checked before it comes near SQL."""
    with pytest.raises(UsageError, match="runs: found"):
        read_query(asked)


def test_values_of_a_query_are_no_sql() -> None:
    """Whatever is typed goes to DuckDB beside the query, and names cannot leave their path."""
    query = read_query({"notebook": "' or 1=1 --", "parameter": "a\"b'=1", "text": "%"})

    where, values = query.conditions()

    assert all(typed not in where for typed in ("1=1", "%", 'a"b'))
    assert ["' or 1=1 --", '$."ab"', "1", *["%"] * 4] == values


@pytest.mark.parametrize(
    "arguments",
    [{}, {"run_ids": "all"}, {"run_ids": ["r"], "parameters": {"n": 3}}, {"run_ids": ["r"] * 201}],
)
def test_a_resume_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    """Runs come as a list that is not too long, values as texts."""
    with pytest.raises(UsageError):
        read_wanted(arguments)


def test_problems_say_what_to_do() -> None:
    """A lock passes by itself; a newer format needs an upgrade."""
    locked, newer = problem_of(LedgerLockedError("busy")), problem_of(StoreVersionError("format 9"))

    assert ("warning", "busy") == (locked["kind"], locked["text"])
    assert "tries again by itself" in str(locked["next"])
    assert ("error", True) == (newer["kind"], str(newer["next"]).startswith("pip install"))


def test_edited_options_hold_in_their_run_until_they_are_taken_back() -> None:
    """The last edit counts; another run, and what was undone, have none."""

    def edit(at: float, now: str, run_id: str = "r") -> Override:
        changes = (Change(OPTION, "retries", "0", now),)
        facts = {"user": "u", "host": "h", "run_id": run_id, "override_id": f"{run_id}{at}"}
        return Override(OverrideKind.OPTIONS, "clean", at, changes=changes, **facts)

    undo = Override(OverrideKind.UNDO, "clean", 9.0, "u", "h", undoes="r2.0")
    made = [edit(1.0, "2"), edit(2.0, "5"), edit(3.0, "7", "other")]

    assert {"retries": "5"} == standing(made).options("r")
    assert {"retries": "2"} == standing([*made, undo]).options("r")
    assert {} == standing(made).options("third")


class Clockwork:
    """Counts updates, and lets a test wait for the next."""

    def __init__(self) -> None:
        self.state = 0
        self.seen: list[bool] = []
        self.failed: list[Exception] = []
        self.updated = threading.Semaphore(0)

    def update(self, files_changed: bool) -> None:
        self.seen.append(files_changed)
        self.updated.release()
        if len(self.seen) == 1:
            raise ValueError("once")

    def begin(self) -> Live:
        live = Live(self.update, lambda: self.state, self.failed.append)
        live.start()
        return live


def test_nothing_is_sent_where_nothing_changes() -> None:
    """The first look, a change of the files and one that is told: three updates, whatever an update met."""
    made = Clockwork()
    live = made.begin()
    assert made.updated.acquire(timeout=30)
    began = time.monotonic()
    made.state = 1
    assert made.updated.acquire(timeout=30)
    live.stir()
    assert made.updated.acquire(timeout=30)
    live.close()

    assert [True, True, False] == made.seen
    assert ["once"] == [str(error) for error in made.failed]
    assert time.monotonic() - began >= 0.25
    assert not made.updated.acquire(timeout=0.6)

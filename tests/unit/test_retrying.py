"""Which error is worth another attempt, and how long to wait for it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from durable_nb.core.errors import NonRetryable, StepTimeoutError
from durable_nb.core.options import Options
from durable_nb.kernel.failing.retrying import Retries, is_one_of


class OwnError(ConnectionError):
    """A class that a project might have."""


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ConnectionResetError(), "ConnectionResetError"),
        (ConnectionResetError(), "ConnectionError"),
        (ConnectionResetError(), "OSError"),
        (ConnectionResetError(), "builtins.OSError"),
        (TimeoutError(), "socket.timeout"),
        (OSError(), "IOError"),
        (OwnError(), "OwnError"),
        (OwnError(), f"{__name__}.OwnError"),
        (OwnError(), "mine.OwnError"),
        (StepTimeoutError(), "TimeoutError"),
    ],
)
def test_a_class_is_named_by_itself_or_a_base(error: BaseException, name: str) -> None:
    """Dotted or not, by any of the names under which it can be reached."""
    namespace = {"mine": type("module", (), {"OwnError": OwnError})}

    assert is_one_of(error, [name], namespace)


@pytest.mark.parametrize("name", ["ValueError", "Reset", "nowhere.ConnectionError", "random", "mine.no.such"])
def test_another_class_is_not(name: str) -> None:
    """A name that stands for something else, or nothing, takes nothing in."""
    assert not is_one_of(ConnectionResetError(), [name], {"mine": 5})


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({}, ValueError(), ""),
        ({"retry_on": ("OSError",)}, ConnectionError(), ""),
        ({"retry_on": ("OSError",)}, KeyError("x"), "KeyError is none of --retry-on OSError"),
        ({"no_retry_on": ("LookupError",)}, KeyError(), "KeyError is excluded by --no-retry-on LookupError"),
        ({"retry_on": ("LookupError",), "no_retry_on": ("KeyError",)}, KeyError(), "excluded"),
        ({}, NonRetryable("bad"), "the step said so"),
        ({}, SystemExit(), "SystemExit is meant to end things"),
        ({}, ExceptionGroup("", [ValueError(), NonRetryable()]), "the step said so"),
        ({"retry_on": ("OSError",)}, ExceptionGroup("", [OSError(), TimeoutError()]), ""),
        ({"retry_on": ("OSError",)}, ExceptionGroup("", [OSError(), KeyError()]), "none of"),
        ({"no_retry_on": ("KeyError",)}, ExceptionGroup("", [OSError(), KeyError()]), "excluded"),
    ],
)
def test_what_is_tried_again(options: dict[str, Any], error: BaseException, why: str) -> None:
    """All errors, or those that the author names; of a group each one counts."""
    verdict = Retries(Options(retries=1, **options)).after(error, {})

    assert (not why) == (verdict.seconds is not None)
    assert why in verdict.why_not


def test_retries_are_counted() -> None:
    """As many further attempts as asked for; those in kernels that are gone count."""
    fresh, resumed = Retries(Options(retries=2, backoff=0.0)), Retries(Options(retries=2), spent=2)

    assert [0.0, 0.0, None] == [fresh.after(OSError(), {}).seconds for _ in range(3)]
    assert "given up after 2 retries" == resumed.after(OSError(), {}).why_not


def test_without_retries_nothing_is_said() -> None:
    """A step that asks for none fails as a plain cell does."""
    assert (None, "") == ((v := Retries(Options()).after(OSError(), {})).seconds, v.why_not)


def test_waits_grow_and_differ() -> None:
    """Exponential up to the maximum, with jitter; the notebook's own random numbers are not touched."""
    options = Options(retries=9, backoff=1.0, backoff_factor=3.0, backoff_max=20.0)
    random.seed(1)
    wanted = random.Random(1).random()

    waits = [[Retries(options, n).after(OSError(), {}).seconds or 0.0 for _ in range(20)] for n in range(4)]

    assert wanted == random.random()
    assert all(low <= wait <= low + 0.5 for low, row in zip([1, 3, 9], waits, strict=False) for wait in row)
    assert {20.0} == set(waits[3])
    assert len(set(waits[0])) > 1

"""What a cell declares as parameters, and which values they take."""

from __future__ import annotations

from typing import Any

import pytest

from durable_nb.core.errors import UsageError
from durable_nb.core.parameter_cells import comment_out_parameters, find_parameters
from durable_nb.core.parameter_reading import read_parameters
from durable_nb.core.parameters import NOT_LITERAL, Parameter, Typed, check, check_all

DECLARED = """%%params
# where the data are
day = "2026-11-01"   # which day to load
threshold = 0.5      # drop rows below this; range: 0..1
method: str = "fast" # choices: fast, exact
columns: list[str] = [
    "a",
]                    # to keep
n: int | None = None # range: 1..
api_key = ""         # its name says it
pin = ""             # for the vault; secret
token_limit = 10
public_token = ""    # not secret
home = os.environ["HOME"]
ratio: float
mode: Literal["x", "y"] = "x"
import os
"""


def parameters(source: str = DECLARED) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in read_parameters(source)}


@pytest.mark.parametrize(
    "source",
    ["%%params\nx = 1", "# params:\nx = 1", "# why\n\n  %%params  \nx = 1", "#params: of the day\nx=1"],
)
def test_marked_cells(source: str) -> None:
    """A cell is marked by its first line of code, or by a comment; comments may stand above it."""
    assert find_parameters(source) is not None
    assert ["x"] == list(parameters(source))


@pytest.mark.parametrize("source", ["x = 1\n%%params", "%%paramsx\nx = 1", "# parameters: x", ""])
def test_other_cells(source: str) -> None:
    """What stands below code, or only looks like the marker, is none."""
    assert find_parameters(source) is None


def test_marker_becomes_a_comment() -> None:
    """Without its magic the cell is Python, line by line."""
    assert "# params:\nx = 1\n" == comment_out_parameters("%%params\nx = 1\n")


def test_names_in_their_order() -> None:
    """Every name that is assigned is a parameter; imports and the like are not."""
    expected = ["day", "threshold", "method", "columns", "n", "api_key", "pin", "token_limit"]

    assert [*expected, "public_token", "home", "ratio", "mode"] == list(parameters())


def test_types() -> None:
    """The annotation tells the type, else the default; what cannot be told takes anything."""
    found = {name: parameter.type for name, parameter in parameters().items()}

    assert found == {
        "day": "str", "threshold": "float", "method": "str", "columns": "list", "n": "int", "api_key": "str",
        "pin": "str", "token_limit": "int", "public_token": "str", "home": "",
        "ratio": "float", "mode": "str",
    }  # fmt: skip


def test_comments() -> None:
    """A comment is the help; parts of it say more."""
    found = parameters()

    assert "which day to load" == found["day"].help
    assert ("drop rows below this", 0.0, 1.0) == (
        found["threshold"].help, found["threshold"].low, found["threshold"].high
    )  # fmt: skip
    assert ("fast", "exact") == found["method"].choices
    assert "to keep" == found["columns"].help
    assert (1.0, None) == (found["n"].low, found["n"].high)
    assert ("x", "y") == found["mode"].choices


def test_secret_parameters() -> None:
    """A name says that it is secret, or a comment; a comment also says that it is not."""
    assert ["api_key", "pin"] == [name for name, parameter in parameters().items() if parameter.secret]


def test_defaults() -> None:
    """A default is known where it is a literal."""
    found = parameters()

    assert ["a"] == found["columns"].default
    assert found["home"].default is NOT_LITERAL
    assert [name for name, parameter in found.items() if parameter.required] == ["ratio"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%params\nx = 1  # range: a..b", "parameter x: found '# range: a..b'"),
        ("%%params\nx = 1  # range: ..", "two numbers"),
        ("%%params\nx = 5  # range: 0..1", "x: expected a number from 0 to 1, got 5"),
        ("%%params\nx = 'c'  # choices: a, b", "x: expected one of a, b, got 'c'"),
        ("%%params\nx = 1  # choices: a, b", "x: expected int, got 'a'"),
    ],
)
def test_declarations_that_cannot_hold(source: str, message: str) -> None:
    """A comment that says nothing, or excludes the default, is refused."""
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        read_parameters(source)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("day", Typed("007"), "007"),
        ("day", 20261101, "20261101"),
        ("threshold", Typed("1"), 1.0),
        ("threshold", 1, 1.0),
        ("threshold", "0.25", 0.25),
        ("n", Typed("3"), 3),
        ("n", 3.0, 3),
        ("n", Typed("None"), None),
        ("n", None, None),
        ("columns", Typed('["a", "b"]'), ["a", "b"]),
        ("columns", Typed("('a',)"), ["a"]),
        ("columns", ("a", 1), ["a", "1"]),
        ("home", Typed("1e3"), 1000.0),
        ("home", Typed("True"), True),
    ],
)
def test_values_become_what_is_wanted(name: str, given: Any, expected: Any) -> None:
    """A value has the declared type, however it was given."""
    found = check(parameters()[name], given)

    assert (expected, type(expected)) == (found, type(found))


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", "1"])
def test_true(word: str) -> None:
    """A flag is typed in any of the usual ways."""
    flag = parameters("flag = False")["flag"]

    assert check(flag, Typed(word)) is True


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("threshold", Typed("abc"), "threshold: expected float, got 'abc'"),
        ("threshold", True, "threshold: expected float, got True"),
        ("threshold", 1.5, "threshold: expected a number from 0 to 1, got 1.5"),
        ("n", Typed("0"), "n: expected a number of at least 1, got 0"),
        ("n", 2.5, "n: expected int or None, got 2.5"),
        ("method", "slow", "method: expected one of fast, exact, got 'slow'"),
        ("columns", Typed("a"), r"columns: expected list\[str\], got 'a'"),
        ("columns", [["a"]], r"columns: expected list\[str\]"),
        ("day", None, "day: expected str, got None"),
    ],
)
def test_values_that_do_not_fit(name: str, given: Any, message: str) -> None:
    """The message says what was expected and what was found."""
    with pytest.raises(UsageError, match=message):
        check(parameters()[name], given)


def test_a_secret_is_not_in_its_error() -> None:
    """A secret that does not fit is refused without being shown."""
    with pytest.raises(UsageError) as caught:
        check(parameters()["pin"], ["4711-4711"])

    assert "4711" not in str(caught.value)


def test_cells_written_for_papermill() -> None:
    """In a cell with nothing but papermill's tag, 1 may mean any number, and comments are only help."""
    found = parameters("alpha = 1  # how much; range: see below")["alpha"]

    assert "how much; range: see below" == found.help
    assert (0.5, 2, 3) == (check(found, 0.5), check(found, 2), check(found, Typed("3")))
    with pytest.raises(UsageError, match="alpha: expected number, got 'abc'"):
        check(found, Typed("abc"))


def test_unknown_names() -> None:
    """A name that nothing declares is refused, with the one that was probably meant."""
    with pytest.raises(UsageError, match=r"unknown parameter 'treshold' \(did you mean 'threshold'\?\)"):
        check_all(read_parameters(DECLARED), {"ratio": 1, "treshold": 0.1})


def test_required_values() -> None:
    """A parameter without a default wants a value."""
    with pytest.raises(UsageError, match="ratio has no default and was given no value; add -p ratio VALUE"):
        check_all(read_parameters(DECLARED), {})


def test_without_declarations_everything_goes() -> None:
    """Where no cell declares parameters, values are those of papermill's -p."""
    given = {"a": Typed("1"), "b": Typed("x"), "c": [1]}

    assert {"a": 1, "b": "x", "c": [1]} == check_all((), given)

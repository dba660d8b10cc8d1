"""Step options: what is understood, and what is refused with which words."""

import pytest

from durable_nb.core.errors import OptionError
from durable_nb.core.options import Options, parse_duration, parse_options, split_marker


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("2d", 172800), ("250ms", 0.25)],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    """A duration without a unit is seconds."""
    assert seconds == parse_duration(text)


@pytest.mark.parametrize("text", ["", "0", "-3", "ten", "5 m", "5y", "1e3"])
def test_malformed_durations_name_a_good_one(text: str) -> None:
    """The message shows how a duration is written."""
    with pytest.raises(OptionError, match="such as 90s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Options()),
        (["--always"], Options(always=True)),
        (["--version", "2"], Options(version="2")),
        (["--version=2"], Options(version="2")),
        (["--ttl", "2h"], Options(ttl=7200.0)),
        (["--ignore", "conn,lock"], Options(ignore=("conn", "lock"))),
        (["--ignore", "conn", "--ignore", "lock"], Options(ignore=("conn", "lock"))),
        (["--reads", "data/*.csv", "--env", "HOME"], Options(reads=("data/*.csv",), env=("HOME",))),
    ],
)
def test_options_are_parsed(words: list[str], expected: Options) -> None:
    """Values follow a space or an equals sign; lists add up."""
    assert expected == parse_options(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--alway"], r"unknown option --alway; did you mean --always\?"),
        (["--zzz"], "unknown option --zzz; known: --always, --check, --env"),
        (["--ttl"], "option --ttl needs a value; write --ttl VALUE"),
        (["--ttl", "--always"], "option --ttl needs a value"),
        (["--ttl", "soon"], "option --ttl: found 'soon', expected a duration"),
        (["--always=yes"], "option --always takes no value"),
        (["--ignore", "a b"], "expected variable names"),
        (["other"], "found 'other' after the step name"),
    ],
)
def test_wrong_options_say_what_was_expected(words: list[str], message: str) -> None:
    """Found, expected, and what to type instead."""
    with pytest.raises(OptionError, match=message):
        parse_options(words)


def test_an_unclosed_quote_is_named() -> None:
    """Shell-like words, shell-like quotes."""
    with pytest.raises(OptionError, match="close the quote"):
        split_marker('clean --version "2')


def test_only_what_changes_the_result_is_part_of_the_code() -> None:
    """--always and --ttl decide when to execute, not what comes out."""
    options = Options(always=True, ttl=3.0, version="2", ignore=("c",))
    assert {"version": "2", "ignore": ["c"]} == options.affecting_result()

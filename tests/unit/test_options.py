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
        (["--retries", "3", "--backoff", "500ms"], Options(retries=3, backoff=0.5)),
        (
            ["--backoff=0", "--backoff-factor", "1", "--backoff-max=10m"],
            Options(backoff=0.0, backoff_factor=1.0, backoff_max=600.0),
        ),
        (["--retry-on", "OSError,requests.HTTPError"], Options(retry_on=("OSError", "requests.HTTPError"))),
        (
            ["--no-retry-on=ValueError", "--timeout", "10m"],
            Options(no_retry_on=("ValueError",), timeout=600.0),
        ),
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
        (["--zzz"], "unknown option --zzz; known: --after, --always, --at-most-once, --backoff, "),
        (["--ttl"], "option --ttl needs a value; write --ttl VALUE"),
        (["--ttl", "--always"], "option --ttl needs a value"),
        (["--ttl", "soon"], "option --ttl: found 'soon', expected a duration"),
        (["--always=yes"], "option --always takes no value"),
        (["--ignore", "a b"], "expected variable names"),
        (["--retries", "-1"], "option --retries: found '-1', expected a whole number such as 3"),
        (["--retries", "many"], "expected a whole number"),
        (["--backoff", "soon"], "option --backoff: found 'soon', expected a duration"),
        (["--backoff-factor", "0.5"], "option --backoff-factor: found '0.5', expected a number from 1 on"),
        (["--retry-on", "a-b"], "expected error classes separated by commas"),
        (["--timeout", "0"], "expected a duration"),
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
    """--always and --ttl decide when to execute, --retries how often: none of them what comes out."""
    options = Options(
        always=True, ttl=3.0, retries=3, backoff_max=9.0, timeout=5.0, version="2", ignore=("c",)
    )
    assert {"version": "2", "ignore": ["c"]} == options.affecting_result()

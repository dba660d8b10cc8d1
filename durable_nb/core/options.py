"""The options of a step marker: one table of what there is, one parser."""

from __future__ import annotations

import io
import re
import shlex
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Self

from durable_nb.core.errors import OptionError, Place
from durable_nb.core.suggesting import did_you_mean

if TYPE_CHECKING:
    from durable_nb.core.model import Json

_ABOUT_THE_DECISION = frozenset({"after", "always", "at_most_once", "check", "ttl"})
_ABOUT_FAILURES = frozenset(
    {"retries", "backoff", "backoff_factor", "backoff_max", "retry_on", "no_retry_on", "timeout"}
)
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


@dataclass(frozen=True, slots=True)
class Options:
    """What the author of a step asked for. Durations are in seconds."""

    always: bool = False
    """Execute every time."""
    at_most_once: bool = False
    """Do not execute it again, without asking, where it may have done what it does."""
    check: bool = False
    """Execute also where it could be reused, and say what comes out otherwise."""
    version: str = ""
    """Changing this text makes earlier traces unusable."""
    ttl: float | None = None
    """A trace older than this is not reused."""
    ignore: tuple[str, ...] = ()
    """Names that are no dependency and no output, whatever the cell does with them."""
    inputs: tuple[str, ...] = ()
    """Names that the step reads, besides those found in its code."""
    env: tuple[str, ...] = ()
    """Environment variables whose value the result depends on."""
    reads: tuple[str, ...] = ()
    """Globs of files whose content the result depends on."""
    writes: tuple[str, ...] = ()
    """Globs of files that the step makes."""
    after: tuple[str, ...] = ()
    """Steps that must have completed before this one, although it reads nothing of theirs."""
    retries: int = 0
    """How many times it is tried again after it failed."""
    backoff: float = 1.0
    """Seconds before the second attempt."""
    backoff_factor: float = 2.0
    """How many times longer each further wait is than the one before."""
    backoff_max: float = 300.0
    """No wait is longer."""
    retry_on: tuple[str, ...] = ()
    """Error classes that are worth another attempt; by default all."""
    no_retry_on: tuple[str, ...] = ()
    """Error classes that are not."""
    timeout: float | None = None
    """An attempt that takes longer has failed."""

    def changed(self) -> dict[str, Json]:
        """The options that differ from their default, as JSON values."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def affecting_result(self) -> Mapping[str, Json]:
        """The options that are part of the step's code: another value means another result."""
        return {name: value for name, value in self.changed().items() if affects_result(name)}


def affects_result(option: str) -> bool:
    """Whether another value of an option means another result, and not only another decision."""
    return option not in _ABOUT_THE_DECISION and option not in _ABOUT_FAILURES


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``10m``, ``1.5h``, ``2d`` or ``1w``.

    Raises:
        OptionError: The text is no positive duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?", text)
    if match is None or float(match[1]) <= 0:
        raise OptionError(f"found {text!r}, expected a duration such as 90s, 10m, 1.5h or 2d")
    return float(match[1]) * _DURATION_UNITS[match[2] or "s"]


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in names if not name.isidentifier()]
    if wrong or not names:
        raise OptionError(f"found {text!r}, expected variable names separated by commas")
    return names


def _steps(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or not all(name.isidentifier() for name in names):
        raise OptionError(f"found {text!r}, expected names of steps separated by commas")
    return names


def _variables(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or any("=" in name for name in names):
        raise OptionError(f"found {text!r}, expected names of environment variables separated by commas")
    return names


def _text(text: str) -> str:
    return text


def _glob(text: str) -> tuple[str, ...]:
    return (text,)


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text):
        raise OptionError(f"found {text!r}, expected a whole number such as 3")
    return int(text)


def _wait(text: str) -> float:
    return 0.0 if re.fullmatch(r"0+(?:\.0+)?(ms|s|m|h|d|w)?", text) else parse_duration(text)


def _factor(text: str) -> float:
    if not re.fullmatch(r"\d{1,6}(?:\.\d+)?", text) or float(text) < 1:
        raise OptionError(f"found {text!r}, expected a number from 1 on, such as 2 or 1.5")
    return float(text)


def _classes(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or not all(part.isidentifier() for name in names for part in name.split(".")):
        raise OptionError(
            f"found {text!r}, expected error classes separated by commas, such as OSError,requests.HTTPError"
        )
    return names


_FLAGS = frozenset({"always", "at-most-once", "check"})
_TAKES_VALUE: Mapping[str, Callable[[str], Any]] = {
    "version": _text,
    "ttl": parse_duration,
    "ignore": _names,
    "inputs": _names,
    "env": _variables,
    "reads": _glob,
    "writes": _glob,
    "after": _steps,
    "retries": _count,
    "backoff": _wait,
    "backoff-factor": _factor,
    "backoff-max": _wait,
    "retry-on": _classes,
    "no-retry-on": _classes,
    "timeout": parse_duration,
}


def option_names() -> list[str]:
    """Every option as it is typed, sorted."""
    return sorted(f"--{name}" for name in {*_FLAGS, *_TAKES_VALUE})


class Word(str):
    """A word of a marker's text, and where it stands in it: quotes are part of the place, not of the word."""

    __slots__ = ("raw", "start")

    raw: str
    """The word as it was typed."""
    start: int
    """Where that begins in the marker's text."""

    def __new__(cls, text: str, raw: str, start: int) -> Self:
        """The word as it counts, as it was typed, and where that begins."""
        word = super().__new__(cls, text)
        word.raw, word.start = raw, start
        return word

    @property
    def place(self) -> Place:
        """All of it."""
        return Place(self.start, self.start + len(self.raw))

    @property
    def option_place(self) -> Place:
        """Of ``--ttl=2d`` only ``--ttl``."""
        return Place(self.start, self.start + len(self.raw.partition("=")[0]))

    @property
    def value_place(self) -> Place:
        """Of ``--ttl=2d`` only ``2d``; all of it where nothing stands there."""
        value = self.raw.partition("=")[2]
        return Place(self.place.end - len(value), self.place.end) if value else self.place


def split_marker(text: str) -> tuple[str, list[str]]:
    """The step name (may be empty) and the option words of a marker's text, each a `Word`.

    Raises:
        OptionError: An unclosed quote, or a second word that is no option.
    """
    words = list(_words(text))
    if words and not words[0].startswith("-"):
        return words[0], [*words[1:]]
    return "", [*words]


def _words(text: str) -> Iterator[Word]:
    """What `shlex.split` makes of a text, with the places."""
    stream = io.StringIO(text)
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    while True:
        rest = text[stream.tell() :]
        start = stream.tell() + len(rest) - len(rest.lstrip(lexer.whitespace))
        try:
            word = lexer.get_token()
        except ValueError as error:
            advice = "close the quote" if "quot" in str(error) else r"write \\ for a backslash"
            raise OptionError(
                f"cannot read the step options {text.strip()!r}: {error}",
                advice=advice,
                place=Place(start, len(text)),
            ) from error
        if word is None:
            return
        took_blank = lexer.state is not None  # type: ignore[attr-defined]
        end = stream.tell() - took_blank
        yield Word(word, text[start:end], start)


def parse_options(words: Sequence[str]) -> Options:
    """Options from words such as ``["--ttl", "2d", "--ignore=conn"]``.

    Raises:
        OptionError: An unknown option, a missing or malformed value, a stray word.
    """
    options, problems = read_options(words)
    if problems:
        raise problems[0]
    return options


def read_options(words: Sequence[str]) -> tuple[Options, list[OptionError]]:
    """The options that can be understood, and what is wrong with the others, in the order of the words."""
    values: dict[str, Any] = {}
    problems: list[OptionError] = []
    rest = deque(words)
    while rest:
        try:
            _take_option(rest, values)
        except OptionError as error:
            problems.append(error)
    return Options(**values), problems


def names_given(words: Sequence[str], option: str) -> Iterator[tuple[str, Place]]:
    """The names that an option is given, separated by commas, each with its place in the marker's text.

    Args:
        words: As `split_marker` gives them.
        option: Without its hyphens.
    """
    for number, word in enumerate(words):
        name, separator, _ = word.partition("=")
        given = word if separator else words[number + 1] if number + 1 < len(words) else ""
        if name != f"--{option}" or not isinstance(given, Word):
            continue
        place = given.value_place if separator else given.place
        for found in re.finditer(r"[^\s,'\"]+", given.raw[place.start - given.start :]):
            yield found[0], Place(*found.span()).moved(place.start)


def _take_option(rest: deque[str], values: dict[str, Any]) -> None:
    """Move the first option from the words to the values; what is wrong with it is not looked at again."""
    word = rest.popleft()
    if not word.startswith("--") or word == "--":
        known = f"known: {', '.join(option_names())}"
        found = f"found {word!r} after the step name, expected options such as --ttl 2d"
        raise OptionError(found, advice=known, place=_place(word))
    name, separator, value = word[2:].partition("=")
    if name in _FLAGS:
        if separator:
            text = f"option --{name} takes no value, found {value!r}"
            raise OptionError(text, advice=f"write only --{name}", place=_place(word, "value_place"))
        values[name.replace("-", "_")] = True
        return
    given: str = word
    if not separator and rest and not rest[0].startswith("--"):
        value = given = rest.popleft()
    if name not in _TAKES_VALUE:
        known = f"known: {', '.join(option_names())}"
        advice = did_you_mean(f"--{name}", option_names(), known)
        raise OptionError(f"unknown option --{name}", advice=advice, place=_place(word, "option_place"))
    if given is word and not separator:
        raise OptionError(
            f"option --{name} needs a value", advice=f"write --{name} VALUE", place=_place(word)
        )
    try:
        converted = _TAKES_VALUE[name](value)
    except OptionError as error:
        place = _place(given, "value_place" if given is word else "place")
        raise OptionError(f"option --{name}: {error.text}", advice=error.advice, place=place) from None
    field = name.replace("-", "_")
    values[field] = _merge(values.get(field), converted)


def _place(word: str, of: Literal["place", "option_place", "value_place"] = "place") -> Place | None:
    return getattr(word, of) if isinstance(word, Word) else None


def _merge(earlier: Any, value: Any) -> Any:
    return earlier + value if isinstance(earlier, tuple) else value

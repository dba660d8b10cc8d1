"""The options of a step marker: one table of what there is, one parser."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import OptionError
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


def split_marker(text: str) -> tuple[str, list[str]]:
    """The step name (may be empty) and the option words of a marker's text.

    Raises:
        OptionError: An unclosed quote, or a second word that is no option.
    """
    try:
        words = shlex.split(text, comments=False)
    except ValueError as error:
        raise OptionError(
            f"cannot read the step options {text.strip()!r}: {error}; close the quote"
        ) from error
    if words and not words[0].startswith("-"):
        return words[0], words[1:]
    return "", words


def parse_options(words: list[str]) -> Options:
    """Options from words such as ``["--ttl", "2d", "--ignore=conn"]``.

    Raises:
        OptionError: An unknown option, a missing or malformed value, a stray word.
    """
    values: dict[str, Any] = {}
    rest = list(words)
    while rest:
        name, value = _split_word(rest.pop(0))
        if name in _FLAGS:
            if value is not None:
                raise OptionError(f"option --{name} takes no value, found {value!r}; write only --{name}")
            values[name.replace("-", "_")] = True
            continue
        if value is None:
            if not rest or rest[0].startswith("--"):
                raise OptionError(f"option --{name} needs a value; write --{name} VALUE")
            value = rest.pop(0)
        field = name.replace("-", "_")
        values[field] = _merge(values.get(field), _convert(name, value))
    return Options(**values)


def _split_word(word: str) -> tuple[str, str | None]:
    if not word.startswith("--") or word == "--":
        raise OptionError(
            f"found {word!r} after the step name, expected options such as --ttl 2d; "
            f"known: {', '.join(option_names())}"
        )
    name, separator, value = word[2:].partition("=")
    if name not in _FLAGS and name not in _TAKES_VALUE:
        hint = did_you_mean(f"--{name}", option_names(), f"known: {', '.join(option_names())}")
        raise OptionError(f"unknown option --{name}; {hint}")
    return name, value if separator else None


def _convert(name: str, value: str) -> Any:
    try:
        return _TAKES_VALUE[name](value)
    except OptionError as error:
        raise OptionError(f"option --{name}: {error}") from None


def _merge(earlier: Any, value: Any) -> Any:
    return earlier + value if isinstance(earlier, tuple) else value

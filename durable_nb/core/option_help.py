"""What each option of a step is for: one table for tooltips, completion and the help of ``%%step``."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Value(Enum):
    """What an option is given."""

    NOTHING = ""
    """It is a flag."""
    TEXT = "TEXT"
    DURATION = "DURATION"
    COUNT = "N"
    FACTOR = "FACTOR"
    NAMES = "NAME,…"
    """Variables."""
    VARIABLES = "VARIABLE,…"
    """Environment variables."""
    STEPS = "STEP,…"
    ERRORS = "ERROR,…"
    """Classes of errors."""
    GLOB = "GLOB"

    @property
    def is_list(self) -> bool:
        """Whether several may stand there, separated by commas."""
        return self.value.endswith(",…")

    @property
    def adds_up(self) -> bool:
        """Whether the option may be written again, for more of it."""
        return self.is_list or self is Value.GLOB

    @property
    def words(self) -> str:
        """What is to be written, for people; empty for a flag."""
        return _WORDS.get(self, "")


_WORDS: Mapping[Value, str] = {
    Value.TEXT: "any text",
    Value.DURATION: "a duration such as 90s, 10m, 1.5h or 2d; without a unit it is seconds",
    Value.COUNT: "a whole number",
    Value.FACTOR: "a number from 1 on",
    Value.NAMES: "names of variables, separated by commas",
    Value.VARIABLES: "names of environment variables, separated by commas",
    Value.STEPS: "names of steps above, separated by commas",
    Value.ERRORS: "classes of errors, built in, of the notebook or dotted, separated by commas",
    Value.GLOB: "a path; * and ** stand for any part of it",
}


@dataclass(frozen=True, slots=True)
class OptionHelp:
    """One option as people are told of it."""

    name: str
    """As it is typed: ``--retries``."""
    value: Value
    text: str
    """What it is for, in one sentence."""
    example: str
    """The option as it may stand in a marker."""
    values: tuple[str, ...] = ()
    """Values that are often meant, where they are few."""

    @property
    def form(self) -> str:
        """``--retries N``."""
        return f"{self.name} {self.value.value}".rstrip()

    def as_text(self) -> str:
        """A tooltip."""
        lines = [self.form, "", self.text]
        if self.value.words:
            lines += ["", f"{self.value.value}: {self.value.words}"]
        return "\n".join([*lines, "", f"Example: {self.example}"])

    def as_html(self) -> str:
        """The same, where there is room for type."""
        value = f"<code>{self.value.value}</code>: {self.value.words}" if self.value.words else ""
        parts = [
            f"<code><b>{self.name}</b> {self.value.value}</code>",
            html.escape(self.text),
            value,
            f"Example: <code>{html.escape(self.example)}</code>",
        ]
        return "".join(f"<p>{part}</p>" for part in parts if part)


_ALL = (
    OptionHelp(
        "--retries",
        Value.COUNT,
        "Try again up to so many times after an error; without it, never.",
        "--retries 3",
        ("1", "3", "5"),
    ),
    OptionHelp(
        "--backoff",
        Value.DURATION,
        "Wait so long before the second attempt; without it, 1 second.",
        "--backoff 10s",
        ("5s", "30s", "2m"),
    ),
    OptionHelp(
        "--backoff-factor",
        Value.FACTOR,
        "Each further wait is so many times as long as the one before; without it, 2 times.",
        "--backoff-factor 1.5",
        ("1.5", "3"),
    ),
    OptionHelp(
        "--backoff-max",
        Value.DURATION,
        "No wait between attempts is longer; without it, 5 minutes.",
        "--backoff-max 10m",
        ("1m", "10m", "1h"),
    ),
    OptionHelp(
        "--retry-on",
        Value.ERRORS,
        "Try again only after these errors, and those derived from them.",
        "--retry-on OSError,requests.HTTPError",
    ),
    OptionHelp(
        "--no-retry-on",
        Value.ERRORS,
        "After these errors, and those derived from them, do not try again.",
        "--no-retry-on ValueError",
    ),
    OptionHelp(
        "--timeout",
        Value.DURATION,
        "An attempt that takes longer has failed.",
        "--timeout 10m",
        ("30s", "10m", "1h", "6h"),
    ),
    OptionHelp(
        "--ttl",
        Value.DURATION,
        "Do not reuse a result that is older than this.",
        "--ttl 2d",
        ("1h", "1d", "7d", "4w"),
    ),
    OptionHelp(
        "--always",
        Value.NOTHING,
        "Execute every time, whatever is up to date.",
        "--always",
    ),
    OptionHelp(
        "--at-most-once",
        Value.NOTHING,
        "Once it has begun, never execute it again by itself: it sends, charges or publishes.",
        "--at-most-once",
    ),
    OptionHelp(
        "--check",
        Value.NOTHING,
        "Execute although it could be reused, and say what comes out otherwise.",
        "--check",
    ),
    OptionHelp(
        "--version",
        Value.TEXT,
        "Changing this text makes earlier results unusable.",
        "--version 2",
    ),
    OptionHelp(
        "--inputs",
        Value.NAMES,
        "Names that the step reads in a way that its code does not show.",
        "--inputs limit,columns",
    ),
    OptionHelp(
        "--ignore",
        Value.NAMES,
        "Names that are neither input nor result, such as a database connection.",
        "--ignore conn",
    ),
    OptionHelp(
        "--reads",
        Value.GLOB,
        "Files that the result depends on, read in a way that cannot be seen.",
        "--reads 'data/*.csv'",
    ),
    OptionHelp(
        "--writes",
        Value.GLOB,
        "Files that the step makes: they are kept, and put back when it is reused.",
        "--writes 'out/*.png'",
    ),
    OptionHelp(
        "--env",
        Value.VARIABLES,
        "Environment variables that the result depends on.",
        "--env REGION",
    ),
    OptionHelp(
        "--after",
        Value.STEPS,
        "Run only once these steps have completed, although it reads nothing of theirs.",
        "--after check",
    ),
)

OPTION_HELP: Mapping[str, OptionHelp] = {option.name: option for option in _ALL}
"""Option as it is typed → what it is for; what belongs together stands together."""


def options_as_text(indent: str = "") -> str:
    """All options, for the help of ``%%step``: two lines each."""
    return "\n".join(f"{indent}{option.form}\n{indent}    {option.text}" for option in _ALL)

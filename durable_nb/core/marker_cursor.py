"""What a cursor in a marker stands on, while the marker is being typed: a name, an option, a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from durable_nb.core.cells import find_marker
from durable_nb.core.option_help import OPTION_HELP, OptionHelp, Value
from durable_nb.core.parameter_cells import find_parameters

_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*(?:'|$)|"(?:\\.|[^"\\])*(?:"|$))+|\\$""", re.DOTALL)
"""A word as a shell reads it; a quote may still be open at the end."""
_BEHIND_PARAMS = re.compile(r"\s*(?:%%params\s|#\s*params:)")


class Expects(Enum):
    """What is to be typed at the cursor."""

    MAGIC = auto()
    """Nothing: it stands on ``%%step`` itself."""
    NAME = auto()
    """The name of the step; where nothing is typed of it yet, an option may stand there too."""
    OPTION = auto()
    VALUE = auto()
    """A value of an option."""
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a cursor is in a marker."""

    expects: Expects
    typed: str = ""
    """What is typed of it, up to the cursor; of a list, of the last item."""
    start: int = 0
    """Index in the cell at which that begins."""
    option: OptionHelp | None = None
    """Whose value it is, or which option the cursor stands on; None where it is not known."""
    given: frozenset[str] = frozenset()
    """Options that stand elsewhere in the marker, as they are typed."""
    named: frozenset[str] = frozenset()
    """The other items of a list."""
    quoted: bool = False
    """Whether an open quote stands before what is typed."""


class _Typed(NamedTuple):
    """A word of a marker that may be unfinished."""

    raw: str
    start: int
    """Index in the cell."""

    @property
    def option(self) -> OptionHelp | None:
        """The option that it is."""
        return OPTION_HELP.get(self.raw.partition("=")[0])

    @property
    def awaits_value(self) -> bool:
        """Whether the next word is its value."""
        return self.option is not None and self.option.value is not Value.NOTHING and "=" not in self.raw


def cursor_in_marker(source: str, position: int) -> Cursor | None:
    """What a cursor stands on; None where that is no marker of a step or of parameters.

    Args:
        source: The cell, as far as it is typed.
        position: The index of the character before which the cursor stands.
    """
    marker = find_marker(source)
    if marker is not None and marker.own_place.start <= position <= _line_end(source, marker.line):
        begin = marker.own_place.end
        if position < begin or (position == begin and marker.magic):
            return Cursor(Expects.MAGIC)
        return _in_text(source, begin, position, _line_end(source, marker.line))
    parameters = find_parameters(source)
    if parameters is not None:
        start, end = _line_end(source, parameters.line - 1) + 1, _line_end(source, parameters.line)
        if start <= position <= end and _BEHIND_PARAMS.match(source, start, position):
            return Cursor(Expects.NOTHING)
    return None


def _line_end(source: str, line: int) -> int:
    """The index at which a line ends; -1 for one above the first."""
    lines = source.splitlines(keepends=True)[: line + 1]
    return sum(map(len, lines[:line])) + len(lines[line].rstrip("\r\n")) if lines and line >= 0 else -1


def _in_text(source: str, begin: int, position: int, end: int) -> Cursor:
    """What a cursor stands on behind ``%%step``."""
    words = [_Typed(found[0], begin + found.start()) for found in _WORD.finditer(source[begin:position])]
    if not words or words[-1].start + len(words[-1].raw) < position:
        words.append(_Typed("", position))
    *before, last = words
    rest = _WORD.finditer(source, position, end)
    given = frozenset(word.partition("=")[0] for word in (*(w.raw for w in before), *(r[0] for r in rest)))
    given = frozenset(word for word in given if word in OPTION_HELP)
    if len(words) == 1 and not last.raw.startswith("-"):
        return Cursor(Expects.NAME, last.raw, last.start, given=given)
    asking = before[-1].option if before and before[-1].awaits_value else None
    if asking is not None and not last.raw.startswith("--"):
        return _in_value(last.raw, last.start, asking, given)
    if "=" in last.raw and last.option is not None:
        equals = last.raw.index("=") + 1
        return _in_value(last.raw[equals:], last.start + equals, last.option, given)
    whole = _WORD.match(source, last.start, end)
    on = OPTION_HELP.get(whole[0].partition("=")[0]) if whole else None
    return Cursor(Expects.OPTION, last.raw, last.start, on, given)


def _in_value(raw: str, start: int, option: OptionHelp, given: frozenset[str]) -> Cursor:
    if option.value is Value.NOTHING:
        return Cursor(Expects.NOTHING, raw, start, option, given)
    quoted = raw[:1] in ("'", '"')
    typed, start = (raw[1:], start + 1) if quoted else (raw, start)
    named: list[str] = []
    if option.value.is_list:
        *named, item = typed.split(",")
        start += len(typed) - len(item.lstrip())
        typed = item.lstrip()
    return Cursor(
        Expects.VALUE, typed, start, option, given, frozenset(name.strip() for name in named), quoted
    )

"""Find the step marker of a cell: ``%%step NAME [options]`` or ``# step: NAME [options]``."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from durable_nb.core.analysis import first_bound_name
from durable_nb.core.errors import OptionError, StepNameError
from durable_nb.core.options import Options, parse_options, split_marker

_MAGIC = re.compile(r"%%step(?=\s|$)(?P<text>[^\n]*)")
_COMMENT = re.compile(r"#\s*step:(?P<text>[^\n]*)")
_OTHER_CODE = re.compile(r"^(\s*)[%!?][^\n]*|^[^\n]*\?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Marker:
    """Where a cell says that it is a step, before its words are understood."""

    text: str
    """What follows ``%%step`` or ``# step:``."""
    line: int
    """Index of the marker's line in the cell; the first line is 0."""
    magic: bool
    """Whether it is the ``%%step`` form, which Python cannot parse."""


@dataclass(frozen=True, slots=True)
class StepCell:
    """A cell that is a step: its name, its options and its code."""

    name: str
    options: Options
    source: str
    """The cell as the user wrote it."""
    body: str
    """The cell with the marker line made a comment: same number of lines."""
    marker_line: int = field(default=0)
    auto: bool = False
    """Nobody marked it: it is a step because every cell is."""


def find_marker(source: str) -> Marker | None:
    """The step marker of a cell, or None; only comments and blank lines may stand above it."""
    found = find_marker_line(source, _MAGIC, _COMMENT)
    if found is None:
        return None
    match, line = found
    return Marker(match["text"].strip(), line, magic=match.re is _MAGIC)


def find_marker_line(
    source: str, magic: re.Pattern[str], comment: re.Pattern[str]
) -> tuple[re.Match[str], int] | None:
    """The line by which a cell says what it is, as a cell magic or as a comment.

    Args:
        source: The cell; only comments and blank lines may stand above the line.
        magic: Matches the whole line as a magic.
        comment: Matches it as a comment.

    Returns:
        The match, and the index of the line from 0; None where there is none.
    """
    for index, line in enumerate(source.splitlines()):
        stripped = line.strip()
        if match := magic.fullmatch(stripped) or comment.fullmatch(stripped):
            return match, index
        if stripped and not stripped.startswith("#"):
            return None
    return None


def comment_out(source: str, marker: Marker) -> str:
    """The cell with a ``%%step`` line written in its comment form, so that Python can parse it."""
    if not marker.magic:
        return source
    lines = source.splitlines(keepends=True)
    ending = lines[marker.line][len(lines[marker.line].rstrip("\r\n")) :]
    lines[marker.line] = f"# step: {marker.text}{ending}"
    return "".join(lines)


def read_cell(source: str, tree: ast.Module | None = None) -> StepCell | None:
    """The step that a cell's source declares, or None for a plain cell.

    Args:
        source: The cell as the user wrote it.
        tree: Its body as parsed by IPython, if there is one; needed only for a step without a name.

    Raises:
        OptionError: An unknown or malformed option.
        StepNameError: A name that is no identifier, or no name where the cell binds none.
    """
    marker = find_marker(source)
    if marker is None:
        return None
    try:
        name, words = split_marker(marker.text)
        options = parse_options(words)
    except OptionError as error:
        raise OptionError(f"{_where(marker)}: {error}") from None
    body = comment_out(source, marker)
    name = name or _name_from(tree or parse_loosely(body), marker)
    if not name.isidentifier():
        raise StepNameError(
            f"{_where(marker)}: found the step name {name!r}, expected a Python identifier such as "
            f"{_as_identifier(name)!r}"
        )
    return StepCell(name, options, source, body, marker.line)


def parse_loosely(body: str) -> ast.Module:
    """Parse a cell outside IPython; lines with magics and shell commands count as ``pass``.

    A cell that still cannot be parsed gives an empty module: it will fail when it is run, not before.
    """
    for text in (body, _OTHER_CODE.sub(r"\1pass", body)):  # first as it is: "# why?" is no call for help
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):
            continue
    return ast.Module(body=[], type_ignores=[])


def _name_from(tree: ast.Module, marker: Marker) -> str:
    name = first_bound_name(tree)
    if name is None:
        raise StepNameError(
            f"{_where(marker)}: found no step name, and the cell binds no variable to take it from; "
            "write %%step NAME"
        )
    return name


def _where(marker: Marker) -> str:
    text = f"%%step {marker.text}" if marker.magic else f"# step: {marker.text}"
    return f"in {text.strip()!r}"


def _as_identifier(name: str) -> str:
    cleaned = re.sub(r"\W+", "_", name).strip("_") or "step"
    return cleaned if cleaned.isidentifier() else f"step_{cleaned}"

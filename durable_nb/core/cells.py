"""Find the step marker of a cell: ``%%step NAME [options]`` or ``# step: NAME [options]``."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from durable_nb.core.analysis import first_bound_name
from durable_nb.core.errors import OptionError, Place, StepNameError
from durable_nb.core.options import Options, Word, names_given, read_options, split_marker

_MAGIC = re.compile(r"%%step(?=\s|$)(?P<text>[^\n]*)")
_COMMENT = re.compile(r"#\s*step:(?P<text>[^\n]*)")
_OTHER_CODE = re.compile(r"^(\s*)[%!?][^\n]*|^[^\n]*\?\s*$", re.MULTILINE)
_ASSIGNED = re.compile(r"^(\s*[^\W\d][\w., ]*=\s*)[%!][^\n]*", re.MULTILINE)
"""``files = !ls`` and ``took = %time f()``."""
_BURIED = re.compile(
    r"\s*(?P<magic>%%(?:capture|prun|time|timeit))\b[^\n]*\n(?:\s|#[^\n]*\n)*(?P<ours>%%(?:step|params))(?:\s|$)"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """Where a cell says that it is a step, before its words are understood."""

    text: str
    """What follows ``%%step`` or ``# step:``."""
    line: int
    """Index of the marker's line in the cell; the first line is 0."""
    magic: bool
    """Whether it is the ``%%step`` form, which Python cannot parse."""
    own_place: Place
    """Of ``%%step`` or ``# step:`` in the cell."""
    text_start: int
    """Index in the cell at which the text begins."""


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
    lines = source.splitlines(keepends=True)
    above = sum(map(len, lines[:line]))
    start = above + len(lines[line]) - len(lines[line].lstrip())
    end = start + match.start("text")
    blanks = len(match["text"]) - len(match["text"].lstrip())
    return Marker(match["text"].strip(), line, match.re is _MAGIC, Place(start, end), end + blanks)


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
    cell, problems = read_leniently(source, tree)
    if problems:
        error = problems[0]
        where = _where(_marker_of(source))
        raise type(error)(f"{where}: {error.text}", advice=error.advice, place=error.place)
    return cell


def read_leniently(
    source: str, tree: ast.Module | None = None
) -> tuple[StepCell | None, list[OptionError | StepNameError]]:
    """The step that a cell declares, as far as it can be understood, and all that is wrong with its marker.

    Args:
        source: The cell as the user wrote it.
        tree: Its body as parsed by IPython, if there is one.

    Returns:
        The step with the options that can be understood, None for a plain cell and for a step that has no
        usable name; and the errors, each with its place in the cell, the one that `read_cell` raises first.
    """
    marker = find_marker(source)
    if marker is None:
        return None, []
    try:
        name, words = split_marker(marker.text)
    except OptionError as error:
        return None, [_placed(error, marker)]
    options, found = read_options(words)
    problems: list[OptionError | StepNameError] = [_placed(error, marker) for error in found]
    body = comment_out(source, marker)
    if not name:
        name = first_bound_name(tree or parse_loosely(body)) or ""
    if not name.isidentifier():
        place = name.place.moved(marker.text_start) if isinstance(name, Word) else marker.own_place
        problems.append(_wrong_name(name, place))
        return None, problems
    return StepCell(str(name), options, source, body, marker.line), problems


def name_place(source: str) -> Place:
    """Where the name of a step stands in its cell; of one without a name, the place of ``%%step`` itself.

    Raises:
        OptionError: The words of its marker cannot be told apart.
    """
    marker = _marker_of(source)
    name, _ = split_marker(marker.text)
    return name.place.moved(marker.text_start) if isinstance(name, Word) else marker.own_place


def named_steps(source: str) -> list[tuple[str, Place]]:
    """The steps that ``--after`` names in a step's cell, each with its place there.

    Raises:
        OptionError: The words of its marker cannot be told apart.
    """
    marker = _marker_of(source)
    _, words = split_marker(marker.text)
    return [(name, place.moved(marker.text_start)) for name, place in names_given(words, "after")]


def _marker_of(source: str) -> Marker:
    marker = find_marker(source)
    assert marker is not None, "only the cells of steps are asked"
    return marker


def buried_marker(source: str) -> StepNameError | None:
    """What is wrong with a cell whose marker stands below a magic such as ``%%time``, as a comment would.

    The cell would run, and not be durable.
    """
    match = _BURIED.match(source)
    if match is None:
        return None
    return StepNameError(
        f"{match['ours']} must stand above {match['magic']}: write it on the first line of the cell",
        place=Place(*match.span("ours")),
    )


def parse_loosely(body: str) -> ast.Module:
    """Parse a cell outside IPython; lines with magics and shell commands count as ``pass``.

    A cell that still cannot be parsed gives an empty module: it will fail when it is run, not before.
    """
    return parse_body(body) or ast.Module(body=[], type_ignores=[])


def parse_body(body: str) -> ast.Module | None:
    """The same; None for a cell that cannot be parsed."""
    plain = _ASSIGNED.sub(r"\1None", _OTHER_CODE.sub(r"\1pass", body))
    for text in (body, plain):  # first as it is: "# why?" is no call for help
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
    return None


def _placed(error: OptionError, marker: Marker) -> OptionError:
    place = error.place.moved(marker.text_start) if error.place is not None else marker.own_place
    return OptionError(error.text, advice=error.advice, place=place)


def _wrong_name(name: str, place: Place) -> StepNameError:
    if not name:
        text = "found no step name, and the cell binds no variable to take it from"
        return StepNameError(text, advice="write %%step NAME", place=place)
    text = f"found the step name {name!r}, expected a Python identifier such as {_as_identifier(name)!r}"
    return StepNameError(text, place=place)


def _where(marker: Marker) -> str:
    text = f"%%step {marker.text}" if marker.magic else f"# step: {marker.text}"
    return f"in {text.strip()!r}"


def _as_identifier(name: str) -> str:
    cleaned = re.sub(r"\W+", "_", name).strip("_") or "step"
    return cleaned if cleaned.isidentifier() else f"step_{cleaned}"

"""Cells that declare parameters: ``%%params`` or ``# params:`` on their first line, or papermill's tag."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DECLARING_TAG, INJECTED_TAG = "parameters", "injected-parameters"
"""papermill's tags: of the cell with the defaults, and of the one with the values that a run was given."""

_MAGIC = re.compile(r"%%params(?:\s[^\n]*)?")
_COMMENT = re.compile(r"#\s*params:[^\n]*")


@dataclass(frozen=True, slots=True)
class ParametersMarker:
    """Where a cell says that it declares parameters."""

    line: int
    """Index of the marker's line in the cell; the first line is 0."""
    magic: bool
    """Whether it is the ``%%params`` form, which Python cannot parse."""


def find_parameters(source: str) -> ParametersMarker | None:
    """The marker of a cell that declares parameters; only comments and blank lines may stand above it."""
    for index, line in enumerate(source.splitlines()):
        stripped = line.strip()
        if _MAGIC.fullmatch(stripped):
            return ParametersMarker(index, magic=True)
        if _COMMENT.fullmatch(stripped):
            return ParametersMarker(index, magic=False)
        if stripped and not stripped.startswith("#"):
            return None
    return None


def comment_out_parameters(source: str) -> str:
    """The cell with its ``%%params`` line made a comment, so that Python can parse it."""
    marker = find_parameters(source)
    if marker is None or not marker.magic:
        return source
    lines = source.splitlines(keepends=True)
    lines[marker.line] = lines[marker.line].replace("%%params", "# params:", 1)
    return "".join(lines)


def declares_parameters(source: str, tags: Iterable[str]) -> bool:
    """Whether a cell declares parameters, by its first line or by papermill's tag."""
    return DECLARING_TAG in tags or find_parameters(source) is not None


def declaring_cells(cells: Sequence[tuple[str, Iterable[str]]]) -> list[int]:
    """Which of the cells, each a source and its tags, declare parameters: papermill knows one of its own."""
    tagged = [index for index, (_, tags) in enumerate(cells) if DECLARING_TAG in tags][:1]
    marked = [index for index, (source, _) in enumerate(cells) if find_parameters(source) is not None]
    return sorted({*tagged, *marked})

"""What is wrong with the markers of a notebook, and where: known before anything runs.

What is said is what running the cell would say, and so comes from the same errors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from durable_nb.core.cells import (
    StepCell,
    buried_marker,
    comment_out,
    find_marker,
    name_place,
    named_steps,
    parse_body,
    read_leniently,
)
from durable_nb.core.conflicts import first_line, not_above, same_name
from durable_nb.core.endings import find_ending
from durable_nb.core.errors import Place, StepNameError, UsageError
from durable_nb.core.model import Json
from durable_nb.core.notebook_cells import NotebookCell, is_skipped
from durable_nb.core.parameter_cells import declaring_cells
from durable_nb.core.parameter_reading import parameter_problems

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of a cell that running it would refuse."""

    cell_id: str
    line: int
    """Index of the line in the cell; the first one is 0."""
    start: int
    """Column of its first character, in UTF-16 code units, as front ends count."""
    end: int
    """Column behind its last one, in the same line."""
    text: str
    """What was found there, and what was expected."""
    next: str
    """What to write instead; empty where the text says it."""

    def as_json(self) -> dict[str, Json]:
        """For front ends."""
        return {
            "cell": self.cell_id,
            "line": self.line,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "next": self.next,
        }


def marks_of(cells: Iterable[NotebookCell]) -> list[Mark]:
    """What is wrong in a notebook, in the order of its cells and of the places in them.

    Args:
        cells: All cells of the notebook: what is said of one counts the others.
    """
    code = [_Seen.of(number, cell) for number, cell in enumerate(cells, 1) if cell.kind == "code"]
    for index in declaring_cells([(seen.cell.source, seen.cell.tags) for seen in code]):
        code[index].problems.extend(parameter_problems(code[index].cell.source))
    _find_conflicts([seen for seen in code if seen.step is not None and not is_skipped(seen.cell)])
    return [mark for seen in code for mark in seen.marks()]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One cell, and what was found to be wrong with it."""

    number: int
    cell: NotebookCell
    step: StepCell | None
    problems: list[UsageError]

    @classmethod
    def of(cls, number: int, cell: NotebookCell) -> _Seen:
        source = cell.source
        if find_ending(source) is not None:  # it runs as such, whatever stands on other lines
            return cls(number, cell, None, [])
        step, found = read_leniently(source)
        problems: list[UsageError] = [error for error in found if not _is_for_python(error, source)]
        buried = buried_marker(source)
        return cls(number, cell, step, problems if buried is None else [*problems, buried])

    @property
    def words(self) -> str:
        """Words for the cell."""
        return f"cell {self.number}, which begins with {first_line(self.cell.source)!r}"

    def marks(self) -> Iterator[Mark]:
        marks = [_mark(self.cell, error) for error in self.problems]
        return iter(sorted(marks, key=lambda mark: (mark.line, mark.start)))


def _is_for_python(error: UsageError, source: str) -> bool:
    """Whether running the cell would not come as far as to this error: its code is being written."""
    marker = find_marker(source)
    if marker is None or not isinstance(error, StepNameError) or error.place != marker.own_place:
        return False
    return parse_body(comment_out(source, marker)) is None


def _find_conflicts(steps: Sequence[_Seen]) -> None:
    cells: dict[str, list[_Seen]] = defaultdict(list)
    for seen in steps:
        assert seen.step is not None, "only steps were asked for"
        name, source = seen.step.name, seen.cell.source
        seen.problems.extend(
            not_above(name, after, cells, place)
            for after, place in named_steps(source)
            if after in seen.step.options.after and after not in cells
        )
        cells[name].append(seen)
    for name, claiming in cells.items():
        for seen in claiming if len(claiming) > 1 else []:
            other = next(one for one in claiming if one is not seen)
            seen.problems.append(same_name(name, other.words, name_place(seen.cell.source)))


def _mark(cell: NotebookCell, error: UsageError) -> Mark:
    source, place = cell.source, error.place or Place(0, 0)
    above = [end.end() for end in _LINE_END.finditer(source, 0, place.start)]
    line_start = above[-1] if above else 0
    line_end = found.start() if (found := _LINE_END.search(source, place.start)) else len(source)
    start = _units(source[line_start : place.start])
    end = start + _units(source[place.start : min(place.end, line_end)])
    return Mark(cell.cell_id, len(above), start, end, error.text, error.advice)


def _units(text: str) -> int:
    """How many UTF-16 code units a text has."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

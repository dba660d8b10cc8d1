"""What a fixed notebook changes of the one that a run has executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nbformat import NotebookNode

from durable_nb.batch.steps import declared_steps, is_executable
from durable_nb.core.cells import StepCell, parse_loosely
from durable_nb.core.code import cell_fingerprint, step_fingerprint
from durable_nb.core.model import Json


@dataclass(frozen=True, slots=True)
class Fix:
    """The differences between two notebooks; comments and formatting are none."""

    changed: tuple[str, ...] = ()
    """Steps with other code or other options."""
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    plain: int = 0
    """How many cells that are no steps are changed or new."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.new or self.gone or self.plain)

    def lines(self) -> list[str]:
        """The differences for people, one line each."""
        if not self:
            return ["the code is the same"]
        cells = "1 other cell" if self.plain == 1 else f"{self.plain} other cells"
        parts = [
            (self.changed, f"changed: {', '.join(self.changed)}"),
            (self.new, f"new: {', '.join(self.new)}"),
            (self.gone, f"gone: {', '.join(self.gone)}"),
            (self.plain, f"changed: {cells}"),
            (self.new and self.gone, "a step that was renamed executes again"),
        ]
        return [line for is_so, line in parts if is_so]

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {
            "changed": list(self.changed),
            "new": list(self.new),
            "gone": list(self.gone),
            "other_cells": self.plain,
        }


def compare_notebooks(before: NotebookNode, after: NotebookNode) -> Fix:
    """What differs, step by step.

    Raises:
        UsageError: Steps in one of them that cannot be understood.
    """
    was, now = _steps(before), _steps(after)
    return Fix(
        tuple(name for name in now if name in was and now[name] != was[name]),
        tuple(name for name in now if name not in was),
        tuple(name for name in was if name not in now),
        len(_plain(after) - _plain(before)),
    )


def _steps(nb: NotebookNode) -> Mapping[str, tuple[str, ...]]:
    return {step.cell.name: _identity(step.cell) for step in declared_steps(nb).values()}


def _identity(cell: StepCell) -> tuple[str, ...]:
    return step_fingerprint(cell, parse_loosely(cell.body)), *_commands(cell.body)


def _plain(nb: NotebookNode) -> set[tuple[str, ...]]:
    steps = declared_steps(nb)
    sources = (c.source for i, c in enumerate(nb.cells) if i not in steps and is_executable(c))
    return {(cell_fingerprint(parse_loosely(text), quiet=False), *_commands(text)) for text in sources}


def _commands(source: str) -> list[str]:
    """Lines that are no Python: of these the text counts."""
    return [line.strip() for line in source.splitlines() if line.lstrip().startswith(("%", "!"))]

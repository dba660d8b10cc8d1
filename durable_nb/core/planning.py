"""The words of a plan: what would become of each step of a notebook if it were run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from durable_nb.core.cells import StepCell, buried_marker, read_cell, read_leniently
from durable_nb.core.conflicts import first_line, same_name
from durable_nb.core.endings import find_ending
from durable_nb.core.errors import UsageError
from durable_nb.core.model import Dependency, DependencyKind, Json, Trace
from durable_nb.core.notebook_cells import NotebookCell, is_skipped
from durable_nb.core.overrides import Standing
from durable_nb.core.parameter_cells import INJECTED_TAG, declaring_cells
from durable_nb.core.staleness import StaleReason

IMMUTABLE = frozenset(
    f"builtins.{name}" for name in ("NoneType", "bool", "int", "float", "complex", "str", "bytes")
)
"""Types whose values no cell can change in place."""


class Decision(StrEnum):
    """What would become of a step."""

    REUSE = "reuse"
    EXECUTE = "execute"
    DEPENDS = "depends"
    """Known only when something before it has run."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What would become of one step."""

    step: str
    cell: int
    """The number of its cell in the notebook, from 1."""
    decision: Decision
    reasons: tuple[StaleReason, ...] = ()
    depends_on: tuple[str, ...] = ()
    """Steps and cells that must run before it can be known."""
    seconds: float | None = None
    """How long executing it took last time; None if it never completed."""
    trace_id: str = ""
    """What it would be brought back from."""

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        return {
            "step": self.step,
            "cell": self.cell,
            "decision": self.decision.value,
            "depends_on": list(self.depends_on),
            "seconds": self.seconds,
            "reasons": [reason.as_json() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What running a notebook would do."""

    notebook: str
    """Its path; empty where nothing tells it."""
    steps: tuple[PlannedStep, ...]
    """In the order of their cells."""

    def of(self, step: str) -> PlannedStep | None:
        """One of the steps; None where the notebook has none of this name."""
        return next((planned for planned in self.steps if planned.step == step), None)

    def seconds(self, decision: Decision) -> float:
        """The time that the steps with this decision took when they were last executed."""
        return sum(step.seconds or 0.0 for step in self.steps if step.decision is decision)

    def count(self, decision: Decision) -> int:
        """How many steps have this decision."""
        return sum(step.decision is decision for step in self.steps)

    @property
    def untimed(self) -> int:
        """How many steps may execute of which nobody knows how long they take."""
        return sum(step.seconds is None for step in self.steps if step.decision is not Decision.REUSE)

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        return {
            "notebook": self.notebook,
            "execute_seconds": round(self.seconds(Decision.EXECUTE), 6),
            "depends_seconds": round(self.seconds(Decision.DEPENDS), 6),
            "saved_seconds": round(self.seconds(Decision.REUSE), 6),
            "untimed": self.untimed,
            "steps": [step.as_json() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class PlanCell:
    """A code cell that running the notebook would run."""

    number: int
    """Its place among all cells of the notebook, from 1; 0 for one that is put in."""
    source: str
    step: StepCell | None = None
    tags: frozenset[str] = frozenset()
    values: Mapping[str, Json] = field(default_factory=dict)
    """Parameters that are set here, by whoever starts the run."""
    cell_id: str = ""
    """The notebook's id of the cell; empty where nothing tells it."""
    problem: str = ""
    """Why running it would be refused; its step, if it has one, is as far as its marker is understood."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a name will hold."""

    dependency: Dependency
    immutable: bool = False
    """No cell can change it in place."""
    reads: frozenset[str] = frozenset()
    """Names that its code reads in turn."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A name whose value is known only when something has run."""

    on: str
    """A step, or ``cell 2``."""


@dataclass(frozen=True, slots=True)
class Unprovable:
    """A name whose value cannot be fingerprinted."""

    why: str


Binding: TypeAlias = Known | Pending | Unprovable


class World(Protocol):
    """What a plan asks of its surroundings."""

    def parse(self, source: str) -> ast.Module:
        """The code of a cell as IPython would run it; an empty module where it has none."""

    def evaluate(self, statement: ast.stmt) -> Mapping[str, Known] | None:
        """What a statement binds; without the names of which it cannot be told, None where it is of none."""

    def literal(self, name: str, value: object) -> Known:
        """What a name holds that a run puts a value into."""

    def live(self, name: str) -> Binding | None:
        """What a name holds in the running kernel; None where there is none, or it is not bound."""

    def has_run(self, cell: PlanCell) -> bool:
        """Whether the running kernel has run a cell."""

    def find(self, kind: DependencyKind, name: str) -> Dependency | None:
        """The present state of a file, a module, an environment variable or a random generator."""

    def counts_as(self, was: Dependency, now: Dependency) -> bool:
        """Whether a dependency will be what it was, though its fingerprint is another before anything ran."""

    def describe(self, dependency: Dependency) -> str:
        """The detail of a present dependency."""

    def standing(self, step: str) -> Standing:
        """What people decided about a step."""

    def traces(self, step: str) -> Iterable[Trace]:
        """The traces of a step that may count, newest first."""


def plan_cells(cells: Iterable[NotebookCell]) -> Iterator[PlanCell]:
    """The cells of a notebook that would be run.

    Raises:
        UsageError: The marker of a step cannot be understood.
    """
    for number, cell in _run_cells(cells):
        step = read_cell(cell.source)
        yield PlanCell(number, cell.source, step, frozenset(cell.tags), cell_id=cell.cell_id)


def readable_cells(cells: Iterable[NotebookCell]) -> Iterator[PlanCell]:
    """The same of a notebook that is being written: a cell that would be refused has a problem in place."""
    steps: dict[str, str] = {}
    for number, cell in _run_cells(cells):
        step, problems = read_leniently(cell.source)
        refused: UsageError | None = problems[0] if problems else buried_marker(cell.source)
        if step is not None and step.name in steps:
            refused = same_name(step.name, f"the cell that begins with {steps[step.name]!r}")
            step = None
        elif step is not None:
            steps[step.name] = first_line(cell.source)
        problem = str(refused) if refused is not None else ""
        tags = frozenset(cell.tags)
        yield PlanCell(number, cell.source, step, tags, cell_id=cell.cell_id, problem=problem)


def _run_cells(cells: Iterable[NotebookCell]) -> Iterator[tuple[int, NotebookCell]]:
    for number, cell in enumerate(cells, 1):
        is_run = cell.kind == "code" and cell.source.strip() and not is_skipped(cell)
        if is_run and find_ending(cell.source) is None:
            yield number, cell


def with_parameters(cells: Sequence[PlanCell], values: Mapping[str, Json]) -> list[PlanCell]:
    """The cells with parameters where a run puts them: in place of earlier ones, or below the defaults."""
    if not values:
        return list(cells)
    given = PlanCell(0, "", values=values)
    earlier = next((index for index, cell in enumerate(cells) if INJECTED_TAG in cell.tags), None)
    left = [cell for index, cell in enumerate(cells) if index != earlier]
    declaring = declaring_cells([(cell.source, cell.tags) for cell in left])
    below = declaring[-1] + 1 if declaring else earlier or 0
    return [*left[:below], given, *left[below:]]

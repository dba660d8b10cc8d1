"""Operations on the world outside: what is known of one that a step began, so that it is not done twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from durable_nb.core.model import Dependency, DependencyKind, Json


class IntentState(StrEnum):
    """What became of an operation, as far as is known."""

    BEGUN = "begun"
    """Its code began to run. If no process runs it any more: nobody knows."""
    FAILED = "failed"
    """Its code raised an error, which says nothing of what it had done before."""
    COMPLETED = "completed"
    """Its code ran to the end."""
    WAITING = "waiting"
    """A step was not run because of what is known: a person has to decide."""
    HAPPENED = "happened"
    """A person said that it happened."""
    AGAIN = "again"
    """It may be run again: a person said so, or the author of the step, of such an error."""
    DAMAGED = "damaged"
    """What was written about it cannot be read."""


OPEN = frozenset({IntentState.BEGUN, IntentState.FAILED, IntentState.DAMAGED, IntentState.WAITING})
"""States in which nobody knows whether it happened, or whether it may happen again."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """A step as it stood when its operation began or was refused: what a person says is about that."""

    code: str = ""
    """Fingerprint of its code."""
    key: str = ""
    source: str = ""
    options: Mapping[str, Json] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    definitions: tuple[str, ...] = ()
    """Names that its import, def and class statements make."""
    binds: tuple[str, ...] = ()
    """Other names that it binds whenever it completes."""
    notebook: str = ""
    cell_id: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """One operation of one step."""

    step: str
    operation: str
    """Which operation of the step: ``operation_of`` its inputs."""
    key: str
    """The idempotency key, the same in every attempt."""
    state: IntentState
    at: float
    """When it got into this state, in seconds since the epoch."""
    run_id: str = ""
    attempt: int = 0
    host: str = ""
    pid: int = 0
    user: str = ""
    """Who decided, where a person did."""
    at_most_once: bool = True
    """Whether the step is marked so; the key of any other step is kept in the same way."""
    trace_id: str = ""
    """What it left, if it has completed or a person said what it left."""
    why: str = ""
    """Of a failed or refused one: for people."""
    missing: tuple[str, ...] = ()
    """Names whose values nobody knows, though it happened."""
    facts: StepFacts = field(default_factory=StepFacts)


def operation_of(step: str, read: Mapping[tuple[DependencyKind, str], Dependency]) -> str:
    """What tells one operation of a step from another: the values that it works on, not its code.

    A cell that was mended after it died in the middle is about the same operation.

    Args:
        step: Name of the step.
        read: What it reads.
    """
    from durable_nb.core.fingerprint import digest  # with all kinds of values

    values = sorted((name, d.fingerprint) for (kind, name), d in read.items() if kind is DependencyKind.VALUE)
    return digest("operation", step, *(part for pair in values for part in pair))

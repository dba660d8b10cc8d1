"""The words of the project as value objects: immutable, without behaviour that needs a disk or a clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

SCHEME = 1
"""Number of the fingerprint scheme. A trace of another scheme is never reused."""


class State(StrEnum):
    """What a step, an attempt or a run is doing or came to."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    REUSED = "reused"
    FAILED = "failed"
    BLOCKED = "blocked"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    """A person has to say first what became of it."""


class DependencyKind(StrEnum):
    """What sort of thing a step used."""

    VALUE = "value"
    FUNCTION = "function"
    CLASS = "class"
    MODULE = "module"
    FILE = "file"
    ENV = "env"
    RANDOM = "random"
    SHARING = "sharing"
    """Which variables hold the same objects."""


class OutputKind(StrEnum):
    """How an output of a step comes back."""

    VALUE = "value"
    """Read from an artifact."""
    PART = "part"
    """Read from an artifact that holds several outputs, which share objects."""
    DEFINITION = "definition"
    """Made again by the cell's own import, def or class statement."""
    MODULE = "module"
    """An imported module, found again by its name."""
    ALIAS = "alias"
    """The same object as another output."""
    DELETED = "deleted"
    """The step unbound the name."""
    STATE = "state"
    """State of the process outside the namespace, read from an artifact and set again."""
    FILE = "file"
    """A file that the step writes, put back from an artifact where it is missing or another."""


class EventKind(StrEnum):
    """The durable boundaries of a run, in the order in which a step passes them."""

    RUN_STARTED = "run_started"
    KERNEL_STARTED = "kernel_started"
    """A kernel was started for a batch run: which versions of Python and of packages it has."""
    STEP_DECLARED = "step_declared"
    ATTEMPT_STARTED = "attempt_started"
    EXECUTING = "executing"
    STORING = "storing"
    COMMITTING = "committing"
    ATTEMPT_FINISHED = "attempt_finished"
    STEP_REUSED = "step_reused"
    STEP_CANCELLED = "step_cancelled"
    """Interrupted while it waited for its next attempt."""
    STEP_BLOCKED = "step_blocked"
    """Not run: it needs what a cell that failed would have made."""
    STEP_WAITING = "step_waiting"
    """Not run: a person has to say first what became of its last attempt."""
    RUN_FINISHED = "run_finished"
    METRIC = "metric"
    """A number that the code of a cell gave to ``durable_nb.metric``, once that cell has completed."""
    HOOK_CALLED = "hook_called"
    """Somebody outside was told how the run ended, or could not be told."""
    OVERRIDDEN = "overridden"
    """A person decided about a step's results; outside the order above."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something a step used, as it was when the step used it."""

    kind: DependencyKind
    name: str
    """The variable, dotted module, path, … that was used."""
    fingerprint: str
    summary: str = ""
    """For people, short: ``0.4``, ``DataFrame 336,776 × 19``."""
    detail: str = ""
    """What an explanation of a later difference needs: source text of code, columns of a table as JSON."""


@dataclass(frozen=True, slots=True)
class Output:
    """One name a step bound, rebound, changed in place or deleted."""

    name: str
    kind: OutputKind
    fingerprint: str = ""
    """Of the value; for a value also the name of its artifact."""
    codec: str = ""
    """Name of the codec that wrote the artifact; empty where there is none."""
    type: str = ""
    """Qualified name of the value's type."""
    summary: str = ""
    bytes: int = 0
    """Size of the artifact on disk, in bytes."""
    of: str = ""
    """An alias: the output it is the same object as. A module: its dotted name. A part: the artifact."""
    detail: str = ""
    """What an explanation of a later difference needs, as in a dependency."""
    is_data: bool = False
    """Nothing but data: no code that reads the notebook, so that it need not be read before it is named."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a completed step leaves: its code, every dependency, every output."""

    step: str
    code: str
    """Fingerprint of the normalised code and of the options that change the result."""
    key: str
    """Fingerprint of the code and of the dependencies known before execution: finds candidates quickly."""
    source: str
    """The cell as the user wrote it."""
    options: Mapping[str, Json]
    dependencies: tuple[Dependency, ...]
    outputs: tuple[Output, ...]
    display: tuple[Mapping[str, Any], ...]
    """nbformat outputs of the cell, in their order."""
    created_at: float
    """Seconds since the epoch, UTC."""
    seconds: float
    """How long the cell's code ran."""
    run_id: str
    attempt: int
    """Starts at 1."""
    notebook: str = ""
    cell_id: str = ""
    not_durable: Mapping[str, str] = field(default_factory=dict)
    """Name → why it could not be stored or proven. A trace with any is never reused."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What the code gave to ``durable_nb.metric``: a reuse records it again."""
    scheme: int = SCHEME
    trace_id: str = ""
    """Digest of everything above; given by the store."""

    @property
    def durable(self) -> bool:
        """Whether this trace may ever be reused."""
        return not self.not_durable


@dataclass(frozen=True, slots=True)
class StepEvent:
    """Something durable that happened; what the ledger, the status line and every other observer see."""

    kind: EventKind
    run_id: str
    at: float
    """Seconds since the epoch, UTC."""
    step: str = ""
    """Empty for events of the run as a whole."""
    attempt: int = 0
    """Starts at 1; 0 where there is none."""
    data: Mapping[str, Json] = field(default_factory=dict)
    trace: Trace | None = None
    """The trace of a completed attempt."""

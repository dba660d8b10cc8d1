"""What became of one row of a sweep, in a form that travels between processes and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from durable_nb.core.model import Json, State


@dataclass(frozen=True, slots=True)
class RowResult:
    """How the run of one row ended."""

    number: int
    """Of the row in its table, from 1."""
    state: State
    run_id: str = ""
    error: str = ""
    """Type and message of what ended it, in one line."""
    seconds: float = 0.0
    executed: int = 0
    """Steps that were executed."""
    reused: int = 0
    saved_seconds: float = 0.0
    """Time that reusing steps has saved."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What the notebook gave to ``durable_nb.metric`` in this pass; the last value of a name counts."""

    earlier: bool = False
    """Whether it had completed before, and is proven up to date, so that nothing was run now."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do for this row."""
        return self.state is State.COMPLETED

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {**asdict(self), "state": self.state.value, "metrics": dict(self.metrics)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> RowResult:
        """The result that was made JSON."""
        return cls(**{**told, "state": State(told["state"])})

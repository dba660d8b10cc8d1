"""An event as JSON: from the kernel to the engine that started it, and from a process to the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durable_nb.core.model import EventKind, Json, StepEvent

_NOT_SENT = {"source", "output"}
"""In the ledger already, and long."""


def as_message(event: StepEvent) -> dict[str, Json]:
    """What is sent to the engine; a trace is not."""
    return as_json(event) | {
        "data": {name: value for name, value in event.data.items() if name not in _NOT_SENT}
    }


def as_json(event: StepEvent) -> dict[str, Json]:
    """The whole event, but for its trace."""
    return {
        "kind": event.kind.value,
        "run_id": event.run_id,
        "at": event.at,
        "step": event.step,
        "attempt": event.attempt,
        "data": dict(event.data),
    }


def from_message(message: Mapping[str, Any]) -> StepEvent:
    """The event that was made JSON, without its trace.

    Raises:
        ValueError: It is none that this durable_nb knows.
    """
    try:
        return StepEvent(
            EventKind(message["kind"]),
            str(message["run_id"]),
            float(message["at"]),
            str(message["step"]),
            int(message["attempt"]),
            dict(message["data"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no event: {message!r}") from error

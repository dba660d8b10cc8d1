"""Events as records of Python's own ``logging``: for people, and as JSON lines for programs."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from durable_nb.core.model import EventKind, Json, State, StepEvent
from durable_nb.core.wording import duration

STEPS = "durable_nb.step"
"""Parent of the loggers of steps: ``durable_nb.step.NAME``."""
RUNS = "durable_nb.run"
"""Logger of what concerns a run as a whole."""

_BAD = {State.FAILED, State.BLOCKED, State.INTERRUPTED, State.WAITING}
_ENDS = {
    EventKind.ATTEMPT_FINISHED,
    EventKind.STEP_REUSED,
    EventKind.STEP_CANCELLED,
    EventKind.STEP_BLOCKED,
    EventKind.STEP_WAITING,
    EventKind.RUN_FINISHED,
    EventKind.OVERRIDDEN,
}
_LEFT_OUT = {"source", "output", "notebook"}
"""Too long for a log, or the same in each line of a run."""
_OURS = ("event", "run_id", "step", "attempt", "state", "data")
"""Attributes that a record of an event has besides those of every record."""

# Who has set up no logging sees no warning of ours on stderr: the line under the cell says the same.
for _name in (STEPS, RUNS):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def log_event(event: StepEvent) -> None:
    """Log an event: its end or failure at INFO or WARNING, what lies between at DEBUG.

    The record has the attributes ``event``, ``run_id``, ``step``, ``attempt``, ``state`` and ``data``.
    """
    state = _state(event)
    level = logging.DEBUG
    if event.kind in _ENDS:
        level = logging.WARNING if state in _BAD else logging.INFO
    logger = logging.getLogger(f"{STEPS}.{event.step}" if event.step else RUNS)
    if not logger.isEnabledFor(level):
        return
    data: dict[str, Json] = {k: v for k, v in event.data.items() if k not in _LEFT_OUT and v is not None}
    about = {
        "event": event.kind.value,
        "run_id": event.run_id,
        "step": event.step,
        "attempt": event.attempt,
        "state": state.value if state else "",
        "data": data,
    }
    logger.log(level, "%s", in_words(event), extra=about)


def in_words(event: StepEvent) -> str:
    """One line for people: ``step clean · completed · first time · 41 s``."""
    parts = [f"step {event.step}" if event.step else f"run {event.run_id}"]
    if event.attempt > 1 and event.kind is not EventKind.STEP_REUSED:
        parts.append(f"attempt {event.attempt}")
    state = _state(event)
    kind = event.kind.value.removeprefix("run_").removeprefix("step_").replace("_", " ")
    parts.append(state.value if state else kind)
    error = event.data.get("error")
    if isinstance(error, Mapping):
        message = str(error.get("message") or "").partition("\n")[0]
        parts.append(f"{error.get('type')}: {message}" if message else str(error.get("type")))
    elif event.data.get("reason"):
        parts.append(str(event.data["reason"]))
    if (seconds := _time(event)) is not None:
        parts.append(seconds)
    return " · ".join(parts)


def _state(event: StepEvent) -> State | None:
    """What the step, attempt or run came to by this event."""
    if event.kind is EventKind.STEP_REUSED:
        return State.REUSED
    if event.kind is EventKind.STEP_CANCELLED:
        return State.CANCELLED
    try:
        return State(str(event.data.get("state")))
    except ValueError:
        return None


def _time(event: StepEvent) -> str | None:
    saved, seconds = event.data.get("saved_seconds"), event.data.get("seconds")
    if isinstance(saved, int | float) and saved >= 0.001:
        return f"saved {duration(saved)}"
    return duration(seconds) if isinstance(seconds, int | float) else None


class JsonLines(logging.Formatter):
    """One JSON object a line, of every record; those of events have more to say."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: vars(record)[name] for name in _OURS if name in vars(record)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)

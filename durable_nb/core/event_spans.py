"""Events as OpenTelemetry spans: run → step → attempt.

Nobody can have set up where spans go without having loaded OpenTelemetry: until then there is nothing to do,
and it is never imported for our own sake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from durable_nb.core.model import EventKind, Json, StepEvent

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_NAME = "durable_nb"
_BAD = {"failed", "interrupted", "blocked", "waiting"}
_Attempt = tuple[str, int]


class Spans:
    """An observer that makes spans of the events of one run at a time."""

    def __init__(self) -> None:
        self._run: Span | None = None
        self._steps: dict[str, Span] = {}
        self._attempts: dict[_Attempt, Span] = {}
        self._effects: Mapping[EventKind, Callable[[StepEvent], None]] = {
            EventKind.RUN_STARTED: self._run_started,
            EventKind.ATTEMPT_STARTED: self._attempt_started,
            EventKind.EXECUTING: self._passed,
            EventKind.STORING: self._passed,
            EventKind.COMMITTING: self._passed,
            EventKind.ATTEMPT_FINISHED: self._attempt_finished,
            EventKind.STEP_REUSED: self._reused,
            EventKind.STEP_CANCELLED: self._step_ended,
            EventKind.RUN_FINISHED: self._run_finished,
        }

    def __call__(self, event: StepEvent) -> None:
        """Begin, mark or end what the event is about."""
        if is_loaded() and event.kind in self._effects:
            self._effects[event.kind](event)

    def _run_started(self, event: StepEvent) -> None:
        self._run = _start("run", event, None, notebook=event.data.get("notebook"))

    def _attempt_started(self, event: StepEvent) -> None:
        if event.step not in self._steps:
            self._steps[event.step] = _start(f"step {event.step}", event, self._run)
        reason = event.data.get("reason")
        span = _start(f"attempt {event.attempt}", event, self._steps[event.step], reason=reason)
        self._attempts[event.step, event.attempt] = span

    def _passed(self, event: StepEvent) -> None:
        if span := self._attempts.get((event.step, event.attempt)):
            span.add_event(event.kind.value, timestamp=_nanoseconds(event.at))

    def _attempt_finished(self, event: StepEvent) -> None:
        if (span := self._attempts.pop((event.step, event.attempt), None)) is not None:
            _end(span, event)
        # Where the process died, the step may go on in another one.
        if event.data.get("retry_at") is None and event.data.get("state") != "interrupted":
            self._step_ended(event)

    def _step_ended(self, event: StepEvent) -> None:
        if (span := self._steps.pop(event.step, None)) is not None:
            _end(span, event)

    def _reused(self, event: StepEvent) -> None:
        seconds = event.data.get("seconds")
        since = event.at - (seconds if isinstance(seconds, int | float) else 0.0)
        saved = event.data.get("saved_seconds")
        span = _start(f"step {event.step}", event, self._run, since=since, saved_seconds=saved)
        span.set_attribute(f"{_NAME}.state", "reused")
        span.end(_nanoseconds(event.at))

    def _run_finished(self, event: StepEvent) -> None:
        open_spans = [*self._attempts.values(), *self._steps.values()]
        self._attempts.clear()
        self._steps.clear()
        for span in (*open_spans, self._run):
            if span is not None:
                _end(span, event)
        self._run = None


def is_loaded() -> bool:
    """Whether this process has OpenTelemetry."""
    return "opentelemetry.trace" in sys.modules


def _start(
    name: str, event: StepEvent, parent: Span | None, since: float | None = None, **more: Json
) -> Span:
    from opentelemetry import trace
    from opentelemetry.context import Context

    about: dict[str, Json] = {"run_id": event.run_id, "step": event.step, "attempt": event.attempt, **more}
    attributes = {f"{_NAME}.{k}": v for k, v in about.items() if v and isinstance(v, str | int | float)}
    context = Context() if parent is None else trace.set_span_in_context(parent, Context())
    start = _nanoseconds(event.at if since is None else since)
    return trace.get_tracer(_NAME).start_span(name, context, attributes=attributes, start_time=start)


def _end(span: Span, event: StepEvent) -> None:
    from opentelemetry.trace import Status, StatusCode

    state = str(event.data.get("state") or "")
    if event.kind is EventKind.STEP_CANCELLED:
        state = "cancelled"
    span.set_attribute(f"{_NAME}.state", state)
    error = event.data.get("error")
    if isinstance(error, Mapping):
        names = {
            "type": "exception.type",
            "message": "exception.message",
            "traceback": "exception.stacktrace",
        }
        known = {names[key]: str(value) for key, value in error.items() if key in names and value}
        span.add_event("exception", known, timestamp=_nanoseconds(event.at))
    if state in _BAD:
        text = f"{error.get('type')}: {error.get('message')}" if isinstance(error, Mapping) else state
        span.set_status(Status(StatusCode.ERROR, text))
    span.end(_nanoseconds(event.at))


def _nanoseconds(at: float) -> int:
    return round(at * 1e9)

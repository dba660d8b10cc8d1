"""Events in the log, as JSON lines, as messages to the engine and as spans."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from durable_nb.core.event_log import JsonLines, log_event
from durable_nb.core.event_message import as_message, from_message
from durable_nb.core.event_spans import Spans
from durable_nb.core.model import EventKind, StepEvent

FAILURE = {"type": "ConnectionError", "message": "gone\nfor good", "traceback": "Traceback …"}


def event(
    kind: EventKind, attempt: int = 1, at: float = 100.0, step: str = "clean", **data: Any
) -> StepEvent:
    return StepEvent(kind, "r1", at, step, attempt, data)


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        (event(EventKind.EXECUTING), "DEBUG", "step clean · executing"),
        (event(EventKind.STEP_DECLARED), "DEBUG", "step clean · declared"),
        (event(EventKind.RUN_STARTED, 0, step=""), "DEBUG", "run r1 · started"),
        (event(EventKind.ATTEMPT_STARTED, 2), "DEBUG", "step clean · attempt 2 · attempt started"),
        (
            event(EventKind.ATTEMPT_FINISHED, state="completed", seconds=4.1),
            "INFO",
            "step clean · completed · 4.1 s",
        ),
        (
            event(EventKind.ATTEMPT_FINISHED, 2, state="failed", seconds=1.0, error=FAILURE),
            "WARNING",
            "step clean · attempt 2 · failed · ConnectionError: gone · 1.0 s",
        ),
        (event(EventKind.STEP_REUSED, saved_seconds=60.0), "INFO", "step clean · reused · saved 1 min"),
        (event(EventKind.STEP_CANCELLED), "INFO", "step clean · cancelled"),
        (event(EventKind.RUN_FINISHED, 0, step="", state="failed"), "WARNING", "run r1 · failed"),
    ],
)
def test_a_record_an_event(told: StepEvent, level: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each event is one record of its step's logger; the level says how much it matters."""
    caplog.set_level(logging.DEBUG, "durable_nb")

    log_event(told)

    (record,) = caplog.records
    name = "durable_nb.step.clean" if told.step else "durable_nb.run"
    assert (name, level, words) == (record.name, record.levelname, record.getMessage())
    assert (told.attempt, told.run_id) == (vars(record)["attempt"], vars(record)["run_id"])


def test_json_lines(caplog: pytest.LogCaptureFixture) -> None:
    """A record of an event is one line of JSON with its step, attempt and data, without long texts."""
    caplog.set_level(logging.DEBUG, "durable_nb")
    log_event(event(EventKind.ATTEMPT_FINISHED, 2, state="failed", error=FAILURE, output="x" * 9999))

    line = JsonLines().format(caplog.records[0])

    found = json.loads(line)
    assert "\n" not in line
    expected = {"event": "attempt_finished", "step": "clean", "attempt": 2, "run_id": "r1", "state": "failed"}
    assert expected == {name: found[name] for name in expected}
    assert {"state": "failed", "error": FAILURE} == found["data"]


def test_json_lines_of_other_records() -> None:
    """What is no event is logged as JSON, too, with its traceback."""
    error = ValueError("no")
    info = (ValueError, error, None)
    record = logging.LogRecord("other", logging.ERROR, "x.py", 1, "it %s", ("broke",), info)

    found = json.loads(JsonLines().format(record))

    assert ("error", "other", "it broke") == (found["level"], found["logger"], found["message"])
    assert "ValueError: no" in found["exception"]


def test_nothing_reaches_stderr_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    """Who has set up no logging sees no failure twice: the cell has shown it."""
    logger = logging.getLogger("durable_nb.step.clean")
    found, current = 0, logger
    while current is not logging.root:
        found += len(current.handlers)
        assert current.parent is not None
        current = current.parent

    assert found > 0  # so that Python's handler of last resort stays silent


def test_a_message_comes_back_as_the_event() -> None:
    """The engine logs the very event that the kernel sent, but for the text that the ledger has."""
    told = event(EventKind.ATTEMPT_FINISHED, state="failed", error=FAILURE, output="long")

    found = from_message(json.loads(json.dumps(as_message(told))))

    assert StepEvent(told.kind, "r1", 100.0, "clean", 1, {"state": "failed", "error": FAILURE}) == found


@pytest.mark.parametrize("message", [{}, {"kind": "later invention"}, {"kind": "executing", "run_id": 1}])
def test_a_foreign_message(message: dict[str, Any]) -> None:
    """A message that is no event of this version is a ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"event|later"):
        from_message(message)


# Spans.


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    pytest.importorskip("opentelemetry.sdk", reason="NOT TESTED: opentelemetry-sdk is not installed")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    made, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield made
    provider.shutdown()


def tell(*events: StepEvent) -> None:
    spans = Spans()
    for one in events:
        spans(one)


def test_spans_of_a_run(exporter: Any) -> None:
    """Run → step → attempt, with the times of the events; a failed attempt has the error."""
    tell(
        event(EventKind.RUN_STARTED, 0, 100.0, ""),
        event(EventKind.ATTEMPT_STARTED, 1, 101.0),
        event(EventKind.EXECUTING, 1, 101.5),
        event(EventKind.ATTEMPT_FINISHED, 1, 102.0, state="failed", error=FAILURE, retry_at=103.0),
        event(EventKind.ATTEMPT_STARTED, 2, 103.0),
        event(EventKind.ATTEMPT_FINISHED, 2, 104.0, state="completed"),
        event(EventKind.STEP_REUSED, 1, 106.0, "load", seconds=1.0),
        event(EventKind.RUN_FINISHED, 0, 107.0, "", state="completed"),
    )

    spans = {span.name: span for span in exporter.get_finished_spans()}
    times = {name: (span.start_time / 1e9, span.end_time / 1e9) for name, span in spans.items()}
    assert times == {
        "attempt 1": (101.0, 102.0),
        "attempt 2": (103.0, 104.0),
        "step clean": (101.0, 104.0),
        "step load": (105.0, 106.0),
        "run": (100.0, 107.0),
    }
    parents = {name: span.parent and span.parent.span_id for name, span in spans.items()}
    run, step = spans["run"].context.span_id, spans["step clean"].context.span_id
    assert {"attempt 1": step, "attempt 2": step, "step clean": run, "step load": run, "run": None} == parents
    failed = spans["attempt 1"]
    assert "ERROR" == failed.status.status_code.name
    assert ["executing", "exception"] == [marked.name for marked in failed.events]
    assert "ConnectionError" == failed.events[1].attributes["exception.type"]
    assert "UNSET" == spans["step clean"].status.status_code.name


def test_spans_of_a_dead_kernel(exporter: Any) -> None:
    """A step whose kernel died goes on as the same span; what is open when the run ends, ends with it."""
    tell(
        event(EventKind.RUN_STARTED, 0, 100.0, ""),
        event(EventKind.ATTEMPT_STARTED, 1, 101.0),
        event(EventKind.ATTEMPT_FINISHED, 1, 102.0, state="interrupted"),
        event(EventKind.ATTEMPT_STARTED, 2, 103.0),
        event(EventKind.RUN_FINISHED, 0, 107.0, "", state="interrupted"),
    )

    names = sorted(span.name for span in exporter.get_finished_spans())
    assert ["attempt 1", "attempt 2", "run", "step clean"] == names

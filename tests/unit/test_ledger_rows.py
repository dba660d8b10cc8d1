"""What events mean for the tables of the ledger."""

from __future__ import annotations

import dataclasses
import json

from durable_nb.core.model import (
    Dependency,
    DependencyKind,
    EventKind,
    Output,
    OutputKind,
    StepEvent,
    Trace,
)
from durable_nb.store.ledger_rows import ATTEMPTS, FRESH, RUNS, STEPS, Batch, fold
from durable_nb.store.trace_record import from_row, identified, to_row

NOTEBOOK = {"notebook": "/n.ipynb", "cell_id": "c1"}
TRACE = Trace(
    step="clean",
    code="c" * 32,
    key="k" * 32,
    source="df = 1",
    options={"retries": 3},
    dependencies=(Dependency(DependencyKind.VALUE, "day", "d" * 32, "'2026'"),),
    outputs=(Output("df", OutputKind.VALUE, "f" * 32, "json", "int", "1", 10),),
    display=({"output_type": "stream", "name": "stdout", "text": "hi\n"},),
    created_at=1_700_000_000.123456,
    seconds=1.5,
    run_id="r1",
    attempt=2,
    notebook="/n.ipynb",
    cell_id="c1",
)


def only(batch: Batch, label: str) -> dict[str, object]:
    (row,) = batch.rows[label].values()
    return {name: value for name, value in row.items() if value is not None and name != FRESH}


def event(kind: EventKind, at: float, attempt: int = 1, **data: object) -> StepEvent:
    return StepEvent(kind, "r1", at, "clean", attempt, {**NOTEBOOK, **data})


def test_an_attempt_in_one_batch() -> None:
    """Start and end of an attempt make one row with both times, and the step has its last state."""
    batch = Batch()
    batch.add_event(event(EventKind.ATTEMPT_STARTED, 10.0, reason="no trace", code="c"))
    batch.add_event(event(EventKind.EXECUTING, 10.1))
    batch.add_event(
        event(
            EventKind.ATTEMPT_FINISHED, 12.0, state="failed", seconds=2.0, error={"type": "E", "message": "m"}
        )
    )

    attempt, step = only(batch, "attempts"), only(batch, "steps")
    assert (attempt["started_at"], attempt["finished_at"]) == (10_000_000, 12_000_000)
    assert (attempt["state"], attempt["reason"], attempt["error_type"]) == ("failed", "no trace", "E")
    assert (step["state"], step["error_message"], step["updated_at"]) == ("failed", "m", 12_000_000)
    assert len(batch.rows["events"]) == 3


def test_a_new_attempt_forgets_the_last_error() -> None:
    """A step that failed and starts again has no error any more, but keeps what is known of its cell."""
    failed = {
        "notebook": "n",
        "step": "s",
        "state": "failed",
        "error_type": "E",
        "position": 3,
        "updated_at": 1,
    }
    started = {"notebook": "n", "step": "s", "state": "running", "updated_at": 2, FRESH: True}

    now = fold(STEPS, failed, started)

    assert (now["state"], now.get("error_type"), now["position"]) == ("running", None, 3)


def test_a_late_event_does_not_rewrite_the_present() -> None:
    """A step changed by another process meanwhile keeps the newer state."""
    newer = {"notebook": "n", "step": "s", "state": "completed", "updated_at": 5}

    assert fold(STEPS, newer, {"notebook": "n", "step": "s", "state": "failed", "updated_at": 4}) is newer


def test_an_earlier_try_of_the_same_number_changes_nothing() -> None:
    """What a further kernel tried ahead of its turn, and is heard of late, does not hide how it ended."""
    batch = Batch()
    batch.add_event(event(EventKind.ATTEMPT_STARTED, 20.0))
    batch.add_event(event(EventKind.ATTEMPT_FINISHED, 22.0, state="completed", seconds=1.9))
    known = only(batch, "attempts")
    batch.add_event(event(EventKind.ATTEMPT_STARTED, 10.0))
    batch.add_event(
        event(
            EventKind.ATTEMPT_FINISHED, 12.0, state="failed", seconds=1.9, error={"type": "E", "message": "m"}
        )
    )

    assert known == only(batch, "attempts")


def test_an_end_that_is_heard_of_before_its_beginning() -> None:
    """Events out of order: an attempt that has ended does not run again."""
    batch = Batch()
    batch.add_event(event(EventKind.ATTEMPT_FINISHED, 22.0, state="completed", seconds=1.9))
    batch.add_event(event(EventKind.ATTEMPT_STARTED, 20.0))

    assert only(batch, "attempts")["state"] == "completed"


def test_a_resumed_run() -> None:
    """A resume puts a run back to running, keeps when it was first started, and says when it was resumed."""
    first = fold(
        RUNS, None, {"run_id": "r", "state": "running", "started_at": 1, "resumed_at": 1, FRESH: True}
    )
    ended = fold(RUNS, first, {"run_id": "r", "state": "failed", "finished_at": 2, "error_type": "E"})

    again = fold(
        RUNS, ended, {"run_id": "r", "state": "running", "started_at": 3, "resumed_at": 3, FRESH: True}
    )

    assert "resumed_at" not in first
    assert (again["state"], again["started_at"], again["resumed_at"]) == ("running", 1, 3)
    assert again.get("finished_at") is None
    assert again.get("error_type") is None


def test_a_run_that_is_learnt_at_once() -> None:
    """Begun and resumed in one batch it was resumed; the same beginning twice is no resume."""
    begun = StepEvent(EventKind.RUN_STARTED, "r1", 1.0, data={"engine": "durable"})
    resumed, twice = Batch(), Batch()
    for batch, more in ((resumed, dataclasses.replace(begun, at=5.0)), (twice, begun)):
        batch.add_event(begun)
        batch.add_event(more)

    rows = [fold(RUNS, None, next(iter(batch.rows["runs"].values()))) for batch in (resumed, twice)]

    assert [(1_000_000, 5_000_000), (1_000_000, None)] == [
        (row["started_at"], row.get("resumed_at")) for row in rows
    ]
    again = next(iter(twice.rows["runs"].values()))
    assert None is fold(RUNS, rows[1], again).get("resumed_at")


def test_an_attempt_whose_start_was_lost() -> None:
    """The end of an attempt alone says when it began, and a known beginning is not changed by it."""
    ended = event(EventKind.ATTEMPT_FINISHED, 12.0, state="completed", seconds=2.0)
    batch = Batch()
    batch.add_event(ended)
    row = only(batch, "attempts")

    assert row["started_at"] == 10_000_000
    assert fold(ATTEMPTS, {"started_at": 9, "state": "running"}, row)["started_at"] == 9


def test_each_reuse_is_a_row() -> None:
    """A step that is reused twice in one run has two rows, whatever their attempt numbers."""
    batch = Batch()
    for at in (1.0, 2.0):
        batch.add_event(event(EventKind.STEP_REUSED, at, 1, trace_id="t", seconds=0.1, saved_seconds=9.0))

    assert [row["saved_seconds"] for row in batch.rows["attempts"].values()] == [9.0, 9.0]
    assert only(batch, "steps")["state"] == "reused"


def test_an_event_twice_is_one_event() -> None:
    """The same event, tried again after a failed write, has the same id."""
    batch = Batch()
    batch.add_event(event(EventKind.EXECUTING, 1.0))
    batch.add_event(event(EventKind.EXECUTING, 1.0))

    assert len(batch.rows["events"]) == 1


def test_a_completed_attempt_brings_its_trace() -> None:
    """The trace of a completed attempt is indexed with all it names."""
    trace = dataclasses.replace(TRACE, trace_id="t" * 32)
    batch = Batch()
    finished = event(EventKind.ATTEMPT_FINISHED, 12.0, 2, state="completed", seconds=1.5)
    batch.add_event(dataclasses.replace(finished, trace=trace))

    assert only(batch, "attempts")["trace_id"] == trace.trace_id
    assert only(batch, "traces")["key"] == TRACE.key
    assert (only(batch, "dependencies")["name"], only(batch, "outputs")["name"]) == ("day", "df")


def test_an_adopted_trace_proves_its_attempt() -> None:
    """From a trace alone the ledger knows that the attempt completed, when, and that there was a run."""
    batch = Batch()
    batch.adopt(dataclasses.replace(TRACE, trace_id="t" * 32))

    attempt, run = only(batch, "attempts"), only(batch, "runs_from_traces")
    assert (attempt["state"], attempt["attempt"], attempt["trace_id"]) == ("completed", 2, "t" * 32)
    assert attempt["started_at"] == 1_699_999_998_623_456
    assert (run["run_id"], run["state"]) == ("r1", "interrupted")
    assert not batch.rows["events"]


def test_a_trace_corrects_an_attempt_given_up_for_dead() -> None:
    """An attempt taken for interrupted is completed, without an error, once its trace is found."""
    given_up = {"state": "interrupted", "error_message": "died", "reason": "no trace", "started_at": 1}
    batch = Batch()
    batch.adopt(dataclasses.replace(TRACE, trace_id="t" * 32))
    (proof,) = batch.rows["attempts"].values()

    now = fold(ATTEMPTS, given_up, proof)

    assert (now["state"], now.get("error_message"), now["reason"]) == ("completed", None, "no trace")


def test_parameters_that_json_lacks() -> None:
    """NaN among the parameters becomes text: the ledger's JSON can be read by everybody."""
    batch = Batch()
    parameters = {"a": float("nan"), "b": [float("inf")]}
    batch.add_event(StepEvent(EventKind.RUN_STARTED, "r1", 1.0, data={"parameters": parameters}))

    assert json.loads(str(only(batch, "runs")["parameters"])) == {"a": "NaN", "b": ["Infinity"]}


def test_a_trace_comes_back_from_its_row() -> None:
    """A trace equals itself after storing, even with text that is no UTF-8."""
    for trace in (TRACE, dataclasses.replace(TRACE, source="x = '\ud800'", notebook="/\udcff.ipynb")):
        row = to_row(trace)

        assert from_row(row) == identified(trace, row)

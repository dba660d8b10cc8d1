"""What the attempts of a step have printed, logged and shown, also those that failed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from durable_nb.core.errors import DamagedError, UnknownStepError
from durable_nb.core.model import Json, State
from durable_nb.core.protocol import STATUS_MIME
from durable_nb.core.shown import shown_text
from durable_nb.store.store import Store

if TYPE_CHECKING:
    from nbformat import NotebookNode

Row = dict[str, object]

_EXECUTED = """
    SELECT a.run_id, a.step, a.attempt, a.state, a.started_at, a.seconds, a.trace_id, a.error_type,
           a.error_message,
           (SELECT arg_max(e.data->>'output', e.happened_at) FROM events e
            WHERE e.run_id = a.run_id AND e.step = a.step AND e.attempt = a.attempt
              AND e.kind = 'attempt_finished') AS output
    FROM attempts a WHERE list_contains(?::VARCHAR[], a.step) AND a.reuse = 0
      AND (? = '' OR a.notebook = ?) AND starts_with(a.run_id, ?)
    ORDER BY a.started_at, a.attempt
"""


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """What one attempt has shown."""

    run_id: str
    step: str
    attempt: int
    state: State
    started_at: datetime
    seconds: float | None
    text: str | None
    """None where nothing was kept: its process died, or what was kept is damaged or removed."""
    error: str
    """Class and message of the error that it ended with."""

    def matching(self, pattern: re.Pattern[str]) -> list[str]:
        """The lines in which a pattern is found."""
        return [line for line in (self.text or "").splitlines() if pattern.search(line)]

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {
            "run_id": self.run_id,
            "step": self.step,
            "attempt": self.attempt,
            "state": self.state.value,
            "started_at": self.started_at.isoformat(),
            "seconds": self.seconds,
            "text": self.text,
            "error": self.error or None,
        }


def step_logs(
    store: Store, step: str, notebook: Path | None = None, *, run: str | None = None
) -> list[AttemptLog]:
    """What a step has shown in the attempts of one run, the oldest first.

    Args:
        store: Where to look.
        step: Name of the step.
        notebook: Only where it is a step of this notebook.
        run: Id of the run, or the beginning of one; by default the last in which the step was executed.

    Raises:
        UnknownStepError: No attempt of such a step is known.
    """
    place = str(notebook) if notebook else ""
    names = list(store.overrides.names(step).all)
    rows = store.ledger.rows(_EXECUTED, [names, place, place, run or ""])
    if not rows:
        raise UnknownStepError(_no_such_step(store, step, run))
    return [_log_of(store, row) for row in rows if row["run_id"] == rows[-1]["run_id"]]


def shown_by_last_attempt(cell: NotebookNode) -> str:
    """What the last attempt of a step's cell has shown; above it are earlier ones, each with its line."""
    outputs: list[NotebookNode] = []
    for output in cell.outputs:
        if STATUS_MIME in output.get("data", {}):
            outputs.clear()
        elif output["output_type"] != "error":
            outputs.append(output)
    return shown_text(outputs)


def _log_of(store: Store, row: Row) -> AttemptLog:
    started = row["started_at"]
    assert isinstance(started, datetime)
    kind, message = str(row["error_type"] or ""), str(row["error_message"] or "")
    seconds = row["seconds"]
    return AttemptLog(
        str(row["run_id"]),
        str(row["step"]),
        int(str(row["attempt"])),
        State(str(row["state"])),
        started.replace(tzinfo=started.tzinfo or UTC),
        seconds if isinstance(seconds, float) else None,
        _text(store, row),
        f"{kind}: {message}" if kind and message else kind,
    )


def _text(store: Store, row: Row) -> str | None:
    if row["output"] is not None:
        return str(row["output"])
    if not row["trace_id"]:
        return None
    try:
        return shown_text(store.traces.get(str(row["trace_id"])).display)
    except DamagedError:
        return None


def _no_such_step(store: Store, step: str, run: str | None) -> str:
    rows = store.ledger.rows("SELECT DISTINCT step FROM attempts WHERE reuse = 0 ORDER BY step")
    known = ", ".join(str(row["step"]) for row in rows) or "none"
    where = f"run {run!r}" if run else str(store.path)
    return f"No attempt of a step {step!r} in {where}. Steps that were executed are: {known}."

"""What a step tells while it runs: events to whoever observes, lines to whoever looks at the cell."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import Any

from durable_nb.core.model import EventKind, State, Trace
from durable_nb.core.protocol import STATUS_MIME
from durable_nb.core.shown import shown_text as text_of
from durable_nb.core.wording import duration
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.results.recording import Record, show_line
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.status import StepReport
from durable_nb.kernel.step_code import StepCode

_WORTH_A_LINE = 0.1
"""Seconds saved from which a cell in auto mode says that it was reused."""
_MOST_OUTPUT = 200_000
"""Characters of what a failed attempt has shown that its event carries: the last ones."""
_LONGEST_MESSAGE = 160


class Telling:
    """Tells of one step.

    Args:
        session: The kernel's session.
        step: The step.
    """

    def __init__(self, session: Session, step: StepCode) -> None:
        self._session = session
        self._step = step
        self._cell = step.cell

    def emit(self, kind: EventKind, attempt: int, *, trace: Trace | None = None, **data: Any) -> None:
        """Tell every observer of a boundary."""
        with unwatched():
            self._session.emit(
                kind, self._cell.name, attempt, trace=trace, notebook=self._session.run.notebook, **data
            )

    def metrics(self, attempt: int, trace: Trace) -> None:
        """Record the metrics of a step that was reused; those of one that completes come with its trace."""
        for name, value in trace.metrics.items():
            self.emit(EventKind.METRIC, attempt, name=name, value=value)

    def report(self, state: State, attempt: int, **facts: Any) -> StepReport:
        """Say under the cell how the step ended."""
        made = self.made(state, attempt, **facts)
        self._session.report(made)
        return made

    def running(self, attempt: int, deadline: float | None) -> None:
        """Tell an engine that an attempt runs, and until when; nothing is shown."""
        bundle = {STATUS_MIME: self.made(State.RUNNING, attempt, deadline=deadline).as_json()}
        with unwatched():
            show_line(self._session.shell, bundle, self.line_id(attempt, "running"), again=True)
            if deadline is not None:
                # Another thread sends it: it must be gone before the code can keep all others from running.
                sys.stdout.flush()

    def made(self, state: State, attempt: int, **facts: Any) -> StepReport:
        """A report of the step; how it ended is shown by ``report``."""
        # Nobody asked for this cell to be a step: only time that was saved is worth a line.
        saved = state is State.REUSED and facts["saved_seconds"] >= _WORTH_A_LINE
        return StepReport(
            self._cell.name,
            state,
            quiet=self._cell.auto and not saved,
            run_id=self._session.run.run_id,
            attempt=attempt,
            cell_id=self._step.cell_id,
            **facts,
        )

    def line_id(self, attempt: int, what: str) -> str:
        """The display id of a line that is changed later."""
        return f"durable_nb-{self._session.run.run_id}-{self._cell.name}-{attempt}-{what}"


class Countdown:
    """The line below a failed attempt that is followed by another.

    Args:
        telling: Of the step.
        session: The kernel's session.
        report: How the attempt ended.
    """

    def __init__(self, telling: Telling, session: Session, report: StepReport) -> None:
        self._shell = session.shell
        self._report = report
        self._line = telling.line_id(report.attempt, "failed")
        self._shown = False
        self._changes = True

    def tell(self, left: float) -> None:
        """Say how long it is until the next attempt."""
        if self._shown and not self._changes:
            return
        seconds = f"{math.ceil(left)} s" if left < 60 else duration(left)
        self._show(State.RUNNING, f"next attempt in {seconds}")

    def close(self, words: str = "") -> None:
        """The wait is over: the line stays, and says how the attempt ended."""
        if not self._shown or self._changes:
            self._show(State.FAILED, words)

    def _show(self, state: State, words: str) -> None:
        report = dataclasses.replace(self._report, state=state)
        with unwatched():
            self._changes = show_line(
                self._shell, report.attempt_bundle(words), self._line, again=self._shown
            )
        self._shown = True


def in_short(error: BaseException) -> str:
    """An error in one line: its class, and how its message begins."""
    message = str(error).strip().partition("\n")[0]
    message = message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
    name = type(error).__qualname__
    return f"{name}: {message}" if message else name


def shown_text(record: Record) -> str:
    """What an attempt has shown, as text."""
    return text_of(record.outputs)[-_MOST_OUTPUT:]

"""What follows a failed attempt: it is undone, judged and told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from durable_nb.core.model import EventKind, Json, State
from durable_nb.kernel.at_most_once import Operation
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.failing.attempting import Attempt
from durable_nb.kernel.failing.retrying import Retries, Verdict
from durable_nb.kernel.failing.rollback import Undone, lost_in, uninterrupted
from durable_nb.kernel.failing.tracebacks import traceback_text
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.status import StepReport
from durable_nb.kernel.showing.telling import Telling, in_short, shown_text
from durable_nb.kernel.step_code import StepCode


@dataclass(frozen=True, slots=True)
class _End:
    """How an attempt ended."""

    attempt: Attempt
    error: BaseException
    state: State
    seconds: float
    verdict: Verdict
    undone: Undone


class Aftermath:
    """Undoes the failed attempts of one step.

    Args:
        session: The kernel's session.
        step: The step.
        telling: How each attempt ended is told here.
        operation: What the step is about to do.
        retries: The attempts that it has left.
    """

    def __init__(
        self, session: Session, step: StepCode, telling: Telling, operation: Operation, retries: Retries
    ) -> None:
        self._session = session
        self._step = step
        self._telling = telling
        self._operation = operation
        self._retries = retries

    def undo(self, attempt: Attempt, error: BaseException) -> tuple[Verdict, StepReport]:
        """Undo what an attempt did, and tell how it ended and what follows.

        Args:
            attempt: It has ended with an error.
            error: What was raised.
        """
        with unwatched(), uninterrupted():
            seconds = time.perf_counter() - attempt.started
            undone = self._undone(attempt)
            cancelled = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError))
            counts = attempt.in_body and not cancelled
            verdict = self._judge(error, undone, counts=counts)
            values = self._session.namespace.values
            self._operation.failed(error, may_run_again=counts and self._retries.are_for(error, values))
            state = State.CANCELLED if cancelled else State.FAILED
            end = _End(attempt, error, state, seconds, verdict, undone)
            self._record(end)
            return verdict, self._tell(end)

    def _undone(self, attempt: Attempt) -> Undone:
        undone = attempt.rollback.undo() if attempt.rollback is not None else Undone()
        attempt.rollback = None  # it holds copies, and a traceback may hold this for long
        self._session.lost.update(undone.lost)
        self._session.changed.update(undone.changed)
        return undone

    def _judge(self, error: BaseException, undone: Undone, *, counts: bool) -> Verdict:
        if not counts:
            return Verdict(None)
        verdict = self._retries.after(error, self._session.namespace.values)
        if verdict.seconds is not None and undone.lost:
            return Verdict(None, lost_in(undone.lost))
        return verdict

    def _record(self, end: _End) -> None:
        """For the ledger: the attempt with all that is known of it."""
        error, retry_in = end.error, end.verdict.seconds
        about: dict[str, Json] = {
            "type": type(error).__qualname__,
            "message": str(error),
            "traceback": traceback_text(self._session.shell, error, self._step.cell_name),
        }
        facts: dict[str, Any] = {
            "state": end.state.value,
            "seconds": end.seconds,
            "error": about,
            "trace_id": None,
            "retry_at": None if retry_in is None else time.time() + retry_in,
            "not_undone": dict(end.undone.lost | end.undone.left) or None,
            "output": shown_text(end.attempt.run.record),
        }
        self._telling.emit(EventKind.ATTEMPT_FINISHED, end.attempt.number, **facts)

    def _tell(self, end: _End) -> StepReport:
        """For whoever looks at the cell."""
        state, number, verdict = end.state, end.attempt.number, end.verdict
        warning = "; ".join(part for part in (verdict.why_not, end.undone.text) if part)
        facts = {"seconds": end.seconds, "warning": warning}
        if verdict.seconds is None:
            return self._telling.report(state, number, reason=type(end.error).__qualname__, **facts)
        return self._telling.made(state, number, reason=in_short(end.error), **facts)

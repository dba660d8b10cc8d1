"""Execute a step: attempt after attempt, until one completes or no other is worth it."""

from __future__ import annotations

from typing import Any

from durable_nb.core.checking import compare
from durable_nb.core.model import EventKind, State, Trace
from durable_nb.core.staleness import in_short as reasons_in_short
from durable_nb.kernel.depending.dependencies import Surroundings
from durable_nb.kernel.failing.aftermath import Aftermath
from durable_nb.kernel.failing.attempting import Attempt, Attempting, Wanted
from durable_nb.kernel.failing.retrying import Retries, wait
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.status import StepReport
from durable_nb.kernel.showing.telling import Countdown, Telling
from durable_nb.kernel.step_code import StepCode


class Executor:
    """Executes one step cell.

    Args:
        session: The kernel's session.
        step: The step.
        surroundings: The files around the notebook.
        telling: How it goes is told here.
        awaits: Whether the cell runs in the kernel's event loop.
    """

    def __init__(
        self, session: Session, step: StepCode, surroundings: Surroundings, telling: Telling, *, awaits: bool
    ) -> None:
        self._session = session
        self._step = step
        self._telling = telling
        self._awaits = awaits
        # Before its turn a step is tried once: if that fails, its attempts are made in its turn.
        self._retries = Retries(step.cell.options, session.spent_attempts, once=session.run.is_ahead)
        operation = session.operation
        assert operation is not None, "the runner has made it"
        self._attempting = Attempting(session, step, surroundings, telling, operation, awaits=awaits)
        self._aftermath = Aftermath(session, step, telling, operation, self._retries)

    async def execute(self, wanted: Wanted) -> None:
        """Execute the step and keep what it made.

        Raises:
            BaseException: What the cell's code raised in the last attempt.
        """
        __tracebackhide__ = True
        while True:
            attempt = await self._attempting.make(wanted, retried=self._retries.any_left)
            error = attempt.error
            if attempt.trace is not None:
                self._finish(wanted, attempt.trace, attempt)
                if error is not None:  # an interrupt that came when all was done
                    raise error
                return
            assert error is not None, "an attempt without a trace has failed"
            verdict, report = self._aftermath.undo(attempt, error)
            if verdict.seconds is None:
                raise error
            attempt.forget()
            del error
            await self._wait(verdict.seconds, report)

    async def _wait(self, seconds: float, report: StepReport) -> None:
        """Wait for the next attempt; an interrupt cancels the step."""
        __tracebackhide__ = True
        countdown = Countdown(self._telling, self._session, report)
        try:
            await wait(seconds, countdown.tell, awaits=self._awaits)
        except BaseException:
            countdown.close()
            reason = "interrupted before the next attempt"
            self._telling.report(State.CANCELLED, report.attempt, reason=reason, seconds=report.seconds)
            self._telling.emit(
                EventKind.STEP_CANCELLED, report.attempt, cell_id=self._step.cell_id, reason=reason
            )
            raise
        countdown.close()

    def _finish(self, wanted: Wanted, trace: Trace, attempt: Attempt) -> None:
        """Tell that the attempt has completed."""
        run, warning = attempt.run, wanted.warning
        facts: dict[str, Any] = {
            "state": State.COMPLETED.value,
            "seconds": run.seconds,
            "trace_id": trace.trace_id or None,
        }
        if wanted.reusable is not None:
            check = compare(wanted.reusable, trace)
            facts["check"] = check.as_json()
            warning = check.warning
        committed = trace if trace.trace_id else None
        self._telling.emit(EventKind.ATTEMPT_FINISHED, attempt.number, trace=committed, error=None, **facts)
        self._telling.report(
            State.COMPLETED,
            attempt.number,
            reason=reasons_in_short(wanted.why),
            reasons=tuple(wanted.why),
            seconds=run.seconds,
            warning=warning or run.warning or _unkept(trace),
        )


def _unkept(trace: Trace) -> str:
    """What the user should know of a step that will execute again next time."""
    if trace.durable:
        return ""
    name, why = next(iter(trace.not_durable.items()))
    hint = f"; if it does not matter, write --ignore {name}" if name.isidentifier() else ""
    return f"not durable, executes next time: {name}: {why}{hint}"

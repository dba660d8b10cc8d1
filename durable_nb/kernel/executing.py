"""Execute a step: attempt after attempt, until one completes or no other is worth it."""

from __future__ import annotations

import asyncio
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from durable_nb.core.checking import compare
from durable_nb.core.errors import StepTimeoutError
from durable_nb.core.model import Dependency, EventKind, State, Trace
from durable_nb.core.staleness import StaleReason
from durable_nb.core.staleness import in_short as reasons_in_short
from durable_nb.kernel.ambient import read_all
from durable_nb.kernel.axes import axis_names
from durable_nb.kernel.defining import Defined
from durable_nb.kernel.dependencies import Surroundings, unique
from durable_nb.kernel.display import flush_figures
from durable_nb.kernel.execution import run_body, show_from_the_cell
from durable_nb.kernel.imports import without_draws
from durable_nb.kernel.inputs import Inputs
from durable_nb.kernel.keeping import Before, Execution, Keeper
from durable_nb.kernel.observing.observed import Observed
from durable_nb.kernel.observing.values import files_behind
from durable_nb.kernel.recording import Record, recording
from durable_nb.kernel.retrying import Retries, Verdict, wait
from durable_nb.kernel.rollback import Rollback, Undone, lost_in, uninterrupted
from durable_nb.kernel.session import Session
from durable_nb.kernel.status import StepReport
from durable_nb.kernel.step_code import StepCode
from durable_nb.kernel.telling import Countdown, Telling, about, in_short, shown_text
from durable_nb.kernel.timing_out import TimeLimit
from durable_nb.kernel.watch import unwatched
from durable_nb.kernel.written import DeclaredFiles


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be executed, and why."""

    inputs: Inputs
    key: str
    why: list[StaleReason]
    warning: str
    """What the user should know besides."""
    reusable: Trace | None
    """The trace to compare the outcome with, where the step is only checked."""


@dataclass(slots=True)
class _Attempt:
    """One attempt on its way."""

    number: int
    run: Execution
    rollback: Rollback | None = None
    """None before anything could be changed."""
    started: float = field(default_factory=time.perf_counter)
    error: BaseException | None = None
    in_body: bool = False
    """Whether the step's own code raised the error."""
    trace: Trace | None = None
    """What a completed attempt left."""

    def forget(self) -> None:
        """Let go of what the attempt made: an error holds its frames, and those hold their values."""
        if self.error is not None:
            traceback.clear_frames(self.error.__traceback__)
        self.error = None


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
        self._shell = session.shell
        self._step = step
        self._options = step.cell.options
        self._surroundings = surroundings
        self._telling = telling
        self._awaits = awaits
        self._retries = Retries(self._options, session.spent_attempts)
        assert session.operation is not None, "the runner has made it"
        self._operation = session.operation

    async def execute(self, wanted: Wanted) -> None:
        """Execute the step and keep what it made.

        Raises:
            BaseException: What the cell's code raised in the last attempt.
        """
        __tracebackhide__ = True
        while True:
            attempt = await self._attempt(wanted)
            if attempt.trace is not None:
                self._finish(wanted, attempt.trace, attempt)
                return
            with unwatched(), uninterrupted():
                verdict, report = self._undo(attempt)
            if verdict.seconds is None:
                assert attempt.error is not None, "an attempt without a trace has failed"
                raise attempt.error
            attempt.forget()
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

    # One attempt.

    async def _attempt(self, wanted: Wanted) -> _Attempt:
        __tracebackhide__ = True
        options = self._options
        defined = Defined(self._step.definitions, self._session.namespace)
        run = Execution(Record(), Observed(), defined)
        attempt = _Attempt(self._session.next_attempt(self._step.cell.name), run)
        self._telling.emit(
            EventKind.ATTEMPT_STARTED,
            attempt.number,
            reason=reasons_in_short(wanted.why),
            options=options.changed(),
            cell_id=self._step.cell_id,
            code=self._step.fingerprint,
        )
        if options.retries or options.timeout:
            self._telling.running(attempt.number, None)
        try:
            known, lazily_read, before = self._prepare(wanted.inputs, attempt)
            with unwatched():
                self._operation.begin(attempt.number, known)
            self._telling.emit(EventKind.EXECUTING, attempt.number)
            await self._run(attempt, lazily_read)
            with unwatched():
                attempt.trace = self._keep(wanted, known, before, attempt)
                self._operation.completed(attempt.trace)
        except BaseException as error:  # noqa: BLE001 - execute() raises it, when all is undone
            attempt.error = error
        return attempt

    def _prepare(self, inputs: Inputs, attempt: _Attempt) -> tuple[tuple[Dependency, ...], list[str], Before]:
        with unwatched():
            lazy = self._session.namespace.lazy
            lazy.load_for(self._step.tree)
            lazy.load(inputs.variables())
            inputs.describe(self._session.namespace)
            known = self._known(inputs)
            lazily_read = self._files_behind(inputs)
            declared = DeclaredFiles(self._options.writes, self._surroundings.folder)
            variables = self._session.namespace.own()
            before = Before(variables, read_all(), declared, axis_names(variables))
            attempt.rollback = Rollback(self._session, inputs, before, retried=self._retries.any_left)
        return known, lazily_read, before

    def _known(self, inputs: Inputs) -> tuple[Dependency, ...]:
        """Files and environment variables that the code or its options name, as they are before it runs."""
        texts = self._step.names.texts | inputs.texts
        return unique(
            [
                *self._surroundings.declared(self._options),
                *self._surroundings.variables(sorted(inputs.environment)),
                *self._surroundings.named_files(sorted(texts)),
                *self._surroundings.named_modules(sorted(texts)),
            ]
        )

    def _files_behind(self, inputs: Inputs) -> list[str]:
        """Files that inputs such as a scanned table read only when they are used."""
        values = self._session.namespace.values
        return [path for name in inputs.variables() for path in files_behind(values.get(name))]

    async def _run(self, attempt: _Attempt, lazily_read: list[str]) -> None:
        __tracebackhide__ = True
        session, run = self._session, attempt.run
        limit = TimeLimit(
            self._step.cell.name,
            self._options.timeout,
            lambda deadline: self._telling.running(attempt.number, deadline),
            in_batch=session.run.is_batch,
        )
        watched = session.watch.watching(session.store.path)
        attempt.started = time.perf_counter()
        with watched as run.observed, recording(self._shell) as run.record, without_draws():
            with unwatched():
                for path in lazily_read:
                    run.observed.reads(path)
            session.attempt, session.limit = attempt.number, limit
            try:
                async with limit.limiting(run_body.__code__, awaits=self._awaits):
                    body, cell_name = self._step.tree.body, self._step.cell_name
                    await run_body(self._shell, body, cell_name, attempt.run.defined.note)
            except BaseException as error:
                attempt.in_body = True
                if isinstance(error, StepTimeoutError):
                    show_from_the_cell(self._shell, error, self._step.cell_name)
                if self._retries.any_left:
                    flush_figures()  # or they would be shown as the next attempt's
                raise
            finally:
                session.attempt, session.limit = 0, None
            run.seconds = time.perf_counter() - attempt.started
            flush_figures()

    def _keep(
        self, wanted: Wanted, known: tuple[Dependency, ...], before: Before, attempt: _Attempt
    ) -> Trace:
        keeper = Keeper(
            self._session,
            self._step,
            self._surroundings,
            lambda kind: self._telling.emit(kind, attempt.number),
        )
        return keeper.keep(before, wanted.inputs, known, wanted.key, attempt.number, attempt.run)

    def _finish(self, wanted: Wanted, trace: Trace, attempt: _Attempt) -> None:
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

    # After a failed attempt.

    def _undo(self, attempt: _Attempt) -> tuple[Verdict, StepReport]:
        """Undo what a failed attempt did, and tell how it ended and what follows."""
        error = attempt.error
        assert error is not None
        seconds = time.perf_counter() - attempt.started
        undone = attempt.rollback.undo() if attempt.rollback is not None else Undone()
        attempt.rollback = None  # it holds copies, and a traceback may hold this for long
        self._session.lost.update(undone.lost)
        self._session.changed.update(undone.changed)
        cancelled = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError))
        verdict = Verdict(None)
        if attempt.in_body and not cancelled:
            verdict = self._retries.after(error, self._session.namespace.values)
        if verdict.seconds is not None and undone.lost:
            verdict = Verdict(None, lost_in(undone.lost))
        self._operation.failed(
            error,
            may_run_again=attempt.in_body
            and not cancelled
            and self._retries.are_for(error, self._session.namespace.values),
        )
        state = State.CANCELLED if cancelled else State.FAILED
        outcome: dict[str, Any] = {
            "retry_at": None if verdict.seconds is None else time.time() + verdict.seconds,
            "not_undone": dict(undone.lost | undone.left) or None,
            "output": shown_text(attempt.run.record),
        }
        self._telling.emit(
            EventKind.ATTEMPT_FINISHED,
            attempt.number,
            state=state.value,
            seconds=seconds,
            error=about(error),
            trace_id=None,
            **outcome,
        )
        warning = "; ".join(part for part in (verdict.why_not, undone.text) if part)
        facts = {"reason": type(error).__qualname__, "seconds": seconds, "warning": warning}
        if verdict.seconds is None:
            return verdict, self._telling.report(state, attempt.number, **facts)
        return verdict, self._telling.made(state, attempt.number, **facts | {"reason": in_short(error)})


def _unkept(trace: Trace) -> str:
    """What the user should know of a step that will execute again next time."""
    if trace.durable:
        return ""
    name, why = next(iter(trace.not_durable.items()))
    hint = f"; if it does not matter, write --ignore {name}" if name.isidentifier() else ""
    return f"not durable, executes next time: {name}: {why}{hint}"

"""One attempt of a step: prepare, run the cell's code, keep what it made."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass, field

from durable_nb.core.errors import StepTimeoutError
from durable_nb.core.model import Dependency, EventKind, Trace
from durable_nb.core.staleness import StaleReason
from durable_nb.core.staleness import in_short as reasons_in_short
from durable_nb.kernel.at_most_once import Operation
from durable_nb.kernel.depending.ambient import read_all
from durable_nb.kernel.depending.axes import axis_names
from durable_nb.kernel.depending.defining import Defined
from durable_nb.kernel.depending.dependencies import Surroundings, unique
from durable_nb.kernel.depending.imports import without_draws
from durable_nb.kernel.depending.inputs import Inputs
from durable_nb.kernel.depending.observing.observed import Observed
from durable_nb.kernel.depending.observing.values import files_behind
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.execution import run_body, show_from_the_cell
from durable_nb.kernel.failing.rollback import Rollback
from durable_nb.kernel.failing.timing_out import TimeLimit
from durable_nb.kernel.results.display import flush_figures
from durable_nb.kernel.results.keeping import Before, Execution, Keeper
from durable_nb.kernel.results.recording import Record, recording
from durable_nb.kernel.results.written import DeclaredFiles
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.telling import Telling
from durable_nb.kernel.step_code import StepCode


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
class Attempt:
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


class Attempting:
    """Makes the attempts of one step.

    Args:
        session: The kernel's session.
        step: The step.
        surroundings: The files around the notebook.
        telling: How it goes is told here.
        operation: What the step is about to do.
        awaits: Whether the cell runs in the kernel's event loop.
    """

    def __init__(
        self,
        session: Session,
        step: StepCode,
        surroundings: Surroundings,
        telling: Telling,
        operation: Operation,
        *,
        awaits: bool,
    ) -> None:
        self._session = session
        self._step = step
        self._options = step.cell.options
        self._surroundings = surroundings
        self._telling = telling
        self._operation = operation
        self._awaits = awaits

    async def make(self, wanted: Wanted, *, retried: bool) -> Attempt:
        """Make one attempt; whatever goes wrong is in it.

        Args:
            wanted: What is to be executed.
            retried: Whether a failure would be followed by another attempt.
        """
        __tracebackhide__ = True
        attempt = self._begun(wanted)
        try:
            known, lazily_read, before = self._prepare(wanted.inputs, attempt, retried=retried)
            with unwatched():
                self._operation.begin(attempt.number, known)
            self._telling.emit(EventKind.EXECUTING, attempt.number)
            await self._run(attempt, lazily_read, retried=retried)
            with unwatched():
                attempt.trace = self._keep(wanted, known, before, attempt)
                self._operation.completed(attempt.trace)
        except BaseException as error:  # noqa: BLE001 - whoever asked raises it, when all is undone
            attempt.error = error
        return attempt

    def _begun(self, wanted: Wanted) -> Attempt:
        defined = Defined(self._step.definitions, self._session.namespace)
        run = Execution(Record(), Observed(), defined)
        attempt = Attempt(self._session.next_attempt(self._step.cell.name), run)
        self._telling.emit(
            EventKind.ATTEMPT_STARTED,
            attempt.number,
            reason=reasons_in_short(wanted.why),
            options=self._options.changed(),
            cell_id=self._step.cell_id,
            code=self._step.fingerprint,
        )
        if self._options.retries or self._options.timeout:
            self._telling.running(attempt.number, None)
        return attempt

    def _prepare(
        self, inputs: Inputs, attempt: Attempt, *, retried: bool
    ) -> tuple[tuple[Dependency, ...], list[str], Before]:
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
            attempt.rollback = Rollback(self._session, inputs, before, self._options.ignore, retried=retried)
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

    async def _run(self, attempt: Attempt, lazily_read: list[str], *, retried: bool) -> None:
        __tracebackhide__ = True
        session, run = self._session, attempt.run
        watched = session.watch.watching(session.store.path)
        attempt.started = time.perf_counter()
        with watched as run.observed, recording(session.shell) as run.record, without_draws():
            with unwatched():
                for path in lazily_read:
                    run.observed.reads(path)
            try:
                await self._run_body(attempt)
            except BaseException as error:
                attempt.in_body = True
                if isinstance(error, StepTimeoutError):
                    show_from_the_cell(session.shell, error, self._step.cell_name)
                if retried:
                    flush_figures()  # or they would be shown as the next attempt's
                raise
            run.seconds = time.perf_counter() - attempt.started
            flush_figures()

    async def _run_body(self, attempt: Attempt) -> None:
        __tracebackhide__ = True
        session, step = self._session, self._step
        limit = TimeLimit(
            step.cell.name,
            self._options.timeout,
            lambda deadline: self._telling.running(attempt.number, deadline),
            in_batch=session.run.is_batch,
        )
        session.attempt, session.limit = attempt.number, limit
        session.metrics.clear()
        try:
            async with limit.limiting(run_body.__code__, awaits=self._awaits):
                await run_body(session.shell, step.tree.body, step.cell_name, attempt.run.defined.note)
        finally:
            session.attempt, session.limit = 0, None

    def _keep(self, wanted: Wanted, known: tuple[Dependency, ...], before: Before, attempt: Attempt) -> Trace:
        keeper = Keeper(
            self._session,
            self._step,
            self._surroundings,
            lambda kind: self._telling.emit(kind, attempt.number),
        )
        return keeper.keep(before, wanted.inputs, known, wanted.key, attempt.number, attempt.run)

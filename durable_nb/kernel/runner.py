"""One step, from the decision to its trace: reuse it where that is proven right, else execute and keep it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from durable_nb.core.checking import is_chosen
from durable_nb.core.errors import DamagedError, NotRestoredError
from durable_nb.core.fingerprint import digest
from durable_nb.core.model import EventKind, State, Trace
from durable_nb.core.staleness import StaleReason
from durable_nb.kernel.at_most_once import Operation
from durable_nb.kernel.depending.deciding import decide, present_state
from durable_nb.kernel.depending.dependencies import Surroundings
from durable_nb.kernel.depending.inputs import Inputs, find_inputs
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.executing import Executor
from durable_nb.kernel.failing.attempting import Wanted
from durable_nb.kernel.isolating.unmade import made_by
from durable_nb.kernel.results.given import GivenValues, as_trace, bind_given, check_given, find_given
from durable_nb.kernel.results.lazy import Waiting
from durable_nb.kernel.results.recording import show_again
from durable_nb.kernel.results.restore import Restorer
from durable_nb.kernel.results.written import put_files_back
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.telling import Telling
from durable_nb.kernel.step_code import StepCode
from durable_nb.kernel.step_locks import StepLock
from durable_nb.kernel.told import DoneAhead


class StepRunner:
    """Runs one step cell once.

    Args:
        session: The kernel's session.
        step: The step.
        awaits: Whether the cell runs in the kernel's event loop.
    """

    def __init__(self, session: Session, step: StepCode, *, awaits: bool) -> None:
        self._awaits = awaits
        self._telling = Telling(session, step)
        self._session = session
        self._shell = session.shell
        self._step = step
        self._cell = step.cell
        self._surroundings = Surroundings(Path.cwd())
        self._given = GivenValues()

    async def run(self) -> None:
        """Reuse or execute the step.

        Raises:
            BaseException: What the cell's code raises.
        """
        __tracebackhide__ = True
        started = time.perf_counter()
        with unwatched():
            self._session.watch.look()
            self._given = find_given(self._session, self._step)
            if self._given:
                check_given(self._session, self._step, self._given)
        if self._given.is_all and not self._is_forced():
            self._take_given(started)
            return
        await self._reuse_or_execute(started)
        if self._given:
            with unwatched():
                bind_given(self._session, self._given)

    def _is_forced(self) -> bool:
        return self._session.forced_since(self._cell.name) is not None

    def _take_given(self, started: float) -> None:
        """The step has what a person gave, and is not executed."""
        session = self._session
        trace = as_trace(session, self._step, self._given)
        with unwatched():
            Restorer(session).restore(trace, self._step)
        session.made[trace.step] = made_by(trace)
        self._tell_reused(trace, started, self._given.words)

    async def _reuse_or_execute(self, started: float) -> None:
        __tracebackhide__ = True
        with unwatched():
            self._session.namespace.lazy.load_history(self._step.names)
            inputs = find_inputs(self._step.names, self._cell.options, self._session.namespace)
            key = digest(self._step.fingerprint, inputs.key)
            operation = self._session.operation = Operation(self._session, self._step, inputs, key)
        wanted = self._reuse_if_proven(inputs, key, started)
        if wanted is None:
            return
        if self._session.restoring:
            raise NotRestoredError(f"step {self._cell.name} cannot be brought back in this kernel")
        lock = StepLock(self._session, self._step, self._telling, self._identities(operation, key))
        waited = await lock.acquire(awaits=self._awaits)
        try:
            if waited:
                self._surroundings = Surroundings(Path.cwd())
            if waited or not (wanted.warning or wanted.reusable):  # another process may have just done it
                wanted = self._reuse_if_proven(inputs, key, started)
            if wanted is not None and not self._is_resolved(operation, inputs, started):
                executor = Executor(
                    self._session, self._step, self._surroundings, self._telling, awaits=self._awaits
                )
                await executor.execute(wanted)
        finally:
            lock.release()

    def _identities(self, operation: Operation, key: str) -> dict[str, str]:
        with unwatched():
            named = operation.identities()
        return named if operation.at_most_once else dict.fromkeys(named, key)

    def _reuse_if_proven(self, inputs: Inputs, key: str, started: float) -> Wanted | None:
        """Bring the step back; what is to be executed, and why, where that is not possible."""
        with unwatched():
            trace, why = self._decide(inputs, key)
        if trace is None:
            given = [self._given.reason()] if self._given else []
            return Wanted(inputs, key, [*given, *why], "", None)
        if self._is_to_be_checked() and not (self._session.restoring or self._is_done_ahead(trace)):
            return Wanted(inputs, key, [StaleReason.checked()], "", trace)
        notes = ["edit accepted" if trace.key != key else "", self._given.words]
        warning = self._reuse(trace, started, ", ".join(filter(None, notes)))
        if not warning:
            return None
        return Wanted(inputs, key, [StaleReason.damaged("stored result not usable")], warning, None)

    def _is_resolved(self, operation: Operation, inputs: Inputs, started: float) -> bool:
        """Whether a person has said what became of the step, so that it is not executed.

        Raises:
            WaitingError: A person has to say it first.
            DamagedError: What was said cannot be read any more.
        """
        with unwatched():
            standing = self._session.store.overrides.standing(self._cell.name)
            present = present_state(self._session, self._step, inputs, self._surroundings, standing)
            given = operation.admit(present, self._telling)
        if given is None:
            return False
        warning = self._reuse(given, started, "as a person said")
        if warning:
            raise DamagedError(f"{warning.partition(':')[2].strip()}; resolve the step again")
        return True

    # The decision.

    def _decide(self, inputs: Inputs, key: str) -> tuple[Trace | None, list[StaleReason]]:
        """A trace that is proven up to date, or the reasons why there is none."""
        store, name = self._session.store, self._cell.name
        standing = store.overrides.standing(name)
        present = present_state(self._session, self._step, inputs, self._surroundings, standing)
        operation = self._session.operation
        if present.always and operation is not None and operation.is_done_in_this_run():
            present = replace(present, always=False)
        return decide(store, name, key, present, standing)

    def _is_to_be_checked(self) -> bool:
        """Whether to execute the step though it could be reused, and to compare."""
        run = self._session.run
        if self._cell.options.at_most_once:
            return False
        return self._cell.options.check or is_chosen(run.run_id, self._cell.name, run.verify_reused)

    # Reusing.

    def _reuse(self, trace: Trace, started: float, reason: str) -> str:
        """Bring the step back; returns a warning where its stored values cannot be used."""
        session = self._session
        try:
            with unwatched():
                put_files_back(trace.outputs, session.store.artifacts, self._surroundings.folder)
                last = Restorer(session).restore(trace, self._step)
        except DamagedError as error:
            return f"stored result not usable, executed instead: {error}"
        show_again(self._shell, trace.display)
        if last is not None:
            self._shell.displayhook.update_user_ns(last)  # type: ignore[no-untyped-call]
        if isinstance(last, Waiting):
            session.namespace.lazy.defer_result(last)
        elif last is not None:
            self._shell.displayhook.fill_exec_result(last)  # type: ignore[no-untyped-call]
        session.made[trace.step] = made_by(trace)
        if session.operation is not None:
            session.operation.settle(trace)
            session.missing.update(session.operation.missing(trace))
        self._tell_reused(trace, started, reason)
        return ""

    def _is_done_ahead(self, trace: Trace) -> bool:
        """Whether another kernel of this run has just executed the step, and left this trace."""
        done = self._session.done_ahead
        same = done is not None and done.completed and trace.attempt == done.attempt
        return same and trace.run_id == self._session.run.run_id

    def _tell_executed_ahead(self, trace: Trace, done: DoneAhead) -> None:
        """The other kernel has recorded it; here it looks as if it had been executed here."""
        self._telling.report(State.COMPLETED, done.attempt, reason=done.reason, seconds=trace.seconds)

    def _tell_reused(self, trace: Trace, started: float, reason: str) -> None:
        done = self._session.done_ahead
        if done is not None and self._is_done_ahead(trace):
            self._tell_executed_ahead(trace, done)
            return
        attempt = self._session.next_attempt(self._cell.name)
        seconds = time.perf_counter() - started
        saved = max(0.0, trace.seconds - seconds)
        facts: dict[str, Any] = {
            "cell_id": self._step.cell_id,
            "trace_id": trace.trace_id or None,
            "seconds": seconds,
            "saved_seconds": saved,
            "reason": reason or None,
        }
        if not self._session.run.is_ahead:  # else the kernel in whose turn it is will tell
            self._telling.emit(EventKind.STEP_REUSED, attempt, **facts)
            self._telling.metrics(attempt, trace)
        self._telling.report(State.REUSED, attempt, reason=reason, seconds=seconds, saved_seconds=saved)

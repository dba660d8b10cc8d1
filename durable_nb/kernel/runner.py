"""One step, from the decision to its trace: reuse it where that is proven right, else execute and keep it."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any

from durable_nb.core.errors import DamagedError
from durable_nb.core.fingerprint import digest
from durable_nb.core.model import Dependency, EventKind, State, Trace
from durable_nb.core.staleness import Present, StaleReason, never_run, reasons
from durable_nb.kernel.ambient import read_all
from durable_nb.kernel.dependencies import Surroundings, unique
from durable_nb.kernel.display import flush_figures
from durable_nb.kernel.execution import run_body
from durable_nb.kernel.imports import without_draws
from durable_nb.kernel.inputs import Inputs, find_inputs
from durable_nb.kernel.keeping import Before, Execution, Keeper
from durable_nb.kernel.recording import Record, recording, show_again
from durable_nb.kernel.restore import Restorer
from durable_nb.kernel.session import Session
from durable_nb.kernel.status import StepReport
from durable_nb.kernel.step_code import StepCode
from durable_nb.kernel.watch import OpenedFiles, unwatched, watching


class StepRunner:
    """Runs one step cell once."""

    def __init__(self, session: Session, step: StepCode) -> None:
        self._session = session
        self._shell = session.shell
        self._step = step
        self._cell = step.cell
        self._surroundings = Surroundings(Path.cwd())

    async def run(self) -> None:
        """Reuse or execute the step.

        Raises:
            BaseException: What the cell's code raises.
        """
        __tracebackhide__ = True
        started = time.perf_counter()
        with unwatched():
            inputs = find_inputs(self._step.names, self._cell.options, self._session.namespace)
            key = digest(self._step.fingerprint, inputs.key)
            trace, why = self._decide(inputs, key)
        warning = ""
        if trace is not None:
            warning = self._reuse(trace, started)
            if not warning:
                return
            why = [StaleReason.damaged("stored result not usable")]
        await self._execute(inputs, key, why, warning)

    # The decision.

    def _decide(self, inputs: Inputs, key: str) -> tuple[Trace | None, list[StaleReason]]:
        """A trace that is proven up to date, or the reasons why there is none."""
        present = Present(
            code=self._step.fingerprint,
            always=self._cell.options.always,
            ttl=self._cell.options.ttl,
            now=time.time(),
            read=inputs.read,
            unprovable=inputs.unprovable,
            find=self._surroundings.find,
        )
        closest: list[StaleReason] | None = None
        for trace in self._session.store.traces.candidates(self._cell.name, key):
            found = list(reasons(present, trace))
            if not found:
                return trace, []
            closest = closest or found
        if closest is None:
            latest = next(iter(self._session.store.traces.latest(self._cell.name, limit=1)), None)
            closest = list(reasons(present, latest)) if latest is not None else None
        return None, closest or never_run(present)

    # Reusing.

    def _reuse(self, trace: Trace, started: float) -> str:
        """Bring the step back; returns a warning where its stored values cannot be used."""
        session = self._session
        restorer = Restorer(self._shell, session.namespace, session.store.artifacts, session.codec_context())
        try:
            with unwatched():
                last = restorer.restore(trace, self._step.definitions, self._step.cell_name)
        except DamagedError as error:
            return f"stored result not usable, executed instead: {error}"
        show_again(self._shell, trace.display)
        if last is not None:
            self._shell.displayhook.update_user_ns(last)  # type: ignore[no-untyped-call]
            self._shell.displayhook.fill_exec_result(last)  # type: ignore[no-untyped-call]
        attempt = session.next_attempt(self._cell.name)
        seconds = time.perf_counter() - started
        saved = max(0.0, trace.seconds - seconds)
        facts: dict[str, Any] = {
            "cell_id": self._step.cell_id,
            "trace_id": trace.trace_id,
            "seconds": seconds,
            "saved_seconds": saved,
        }
        self._emit(EventKind.STEP_REUSED, attempt, **facts)
        self._report(State.REUSED, attempt, seconds=seconds, saved_seconds=saved)
        return ""

    # Executing.

    def _known(self, inputs: Inputs) -> tuple[Dependency, ...]:
        """Files and environment variables that the code or its options name, as they are before it runs."""
        texts = self._step.names.texts | inputs.texts
        return unique(
            [
                *self._surroundings.declared(self._cell.options),
                *self._surroundings.variables(sorted(inputs.environment)),
                *self._surroundings.named_files(sorted(texts)),
            ]
        )

    async def _execute(self, inputs: Inputs, key: str, why: list[StaleReason], warning: str) -> None:
        __tracebackhide__ = True
        reason = ", ".join(dict.fromkeys(r.text for r in why[:3]))
        attempt = self._session.next_attempt(self._cell.name)
        about: dict[str, Any] = {"cell_id": self._step.cell_id, "code": self._step.fingerprint}
        options = self._cell.options.changed()
        self._emit(EventKind.ATTEMPT_STARTED, attempt, reason=reason, options=options, **about)
        with unwatched():
            known = self._known(inputs)
        before = Before(self._session.namespace.own(), read_all())
        self._emit(EventKind.EXECUTING, attempt)
        run = Execution(Record(), OpenedFiles())
        started = time.perf_counter()
        try:
            watched = watching(self._session.store.path)
            with watched as run.opened, recording(self._shell) as run.record, without_draws():
                await run_body(self._shell, self._step.tree.body, self._step.cell_name)
                run.seconds = time.perf_counter() - started
                flush_figures()
            with unwatched():
                keeper = Keeper(
                    self._session, self._step, self._surroundings, lambda kind: self._emit(kind, attempt)
                )
                trace = keeper.keep(before, inputs, known, key, attempt, run)
        except BaseException as error:
            self._failed(attempt, error, time.perf_counter() - started)
            raise
        facts: dict[str, Any] = {
            "state": State.COMPLETED.value,
            "seconds": run.seconds,
            "trace_id": trace.trace_id or None,
        }
        committed = trace if trace.trace_id else None
        self._emit(EventKind.ATTEMPT_FINISHED, attempt, trace=committed, error=None, **facts)
        self._report(
            State.COMPLETED, attempt, reason=reason, seconds=run.seconds, warning=warning or _unkept(trace)
        )

    def _failed(self, attempt: int, error: BaseException, seconds: float) -> None:
        state = State.CANCELLED if isinstance(error, KeyboardInterrupt) else State.FAILED
        about = {
            "type": type(error).__qualname__,
            "message": str(error),
            "traceback": "".join(traceback.format_exception(error)),
        }
        self._emit(
            EventKind.ATTEMPT_FINISHED,
            attempt,
            state=state.value,
            seconds=seconds,
            error=about,
            trace_id=None,
        )
        self._report(state, attempt, reason=about["type"], seconds=seconds)

    # Telling.

    def _emit(self, kind: EventKind, attempt: int, *, trace: Trace | None = None, **data: Any) -> None:
        with unwatched():
            self._session.emit(
                kind, self._cell.name, attempt, trace=trace, notebook=self._session.run.notebook, **data
            )

    def _report(self, state: State, attempt: int, **facts: Any) -> None:
        run_id = self._session.run.run_id
        self._session.report(
            StepReport(
                self._cell.name, state, run_id=run_id, attempt=attempt, cell_id=self._step.cell_id, **facts
            )
        )


def _unkept(trace: Trace) -> str:
    """What the user should know of a step that will execute again next time."""
    if trace.durable:
        return ""
    name, why = next(iter(trace.not_durable.items()))
    hint = f"; if it does not matter, write --ignore {name}" if name.isidentifier() else ""
    return f"not durable, executes next time: {name}: {why}{hint}"

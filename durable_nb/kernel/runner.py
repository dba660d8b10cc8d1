"""One step, from the decision to its trace: reuse it where that is proven right, else execute and keep it."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any

from durable_nb.core.checking import compare, is_chosen
from durable_nb.core.errors import DamagedError
from durable_nb.core.fingerprint import digest
from durable_nb.core.model import Dependency, EventKind, State, Trace
from durable_nb.core.staleness import StaleReason, in_short
from durable_nb.kernel.ambient import read_all
from durable_nb.kernel.axes import axis_names
from durable_nb.kernel.deciding import decide, present_state
from durable_nb.kernel.defining import Defined
from durable_nb.kernel.dependencies import Surroundings, unique
from durable_nb.kernel.display import flush_figures
from durable_nb.kernel.execution import run_body
from durable_nb.kernel.imports import without_draws
from durable_nb.kernel.inputs import Inputs, find_inputs
from durable_nb.kernel.keeping import Before, Execution, Keeper
from durable_nb.kernel.lazy import Waiting
from durable_nb.kernel.observing.observed import Observed
from durable_nb.kernel.observing.values import files_behind
from durable_nb.kernel.recording import Record, recording, show_again
from durable_nb.kernel.restore import Restorer
from durable_nb.kernel.session import Session
from durable_nb.kernel.status import StepReport
from durable_nb.kernel.step_code import StepCode
from durable_nb.kernel.watch import unwatched
from durable_nb.kernel.written import DeclaredFiles, put_files_back

_WORTH_A_LINE = 0.1
"""Seconds saved from which a cell in auto mode says that it was reused."""


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
            self._session.watch.look()
            self._session.namespace.lazy.load_history(self._step.names)
            inputs = find_inputs(self._step.names, self._cell.options, self._session.namespace)
            key = digest(self._step.fingerprint, inputs.key)
            trace, why = self._decide(inputs, key)
        warning, checked = "", None
        if trace is not None and self._is_to_be_checked():
            checked, why = trace, [StaleReason.checked()]
        elif trace is not None:
            warning = self._reuse(trace, started, "edit accepted" if trace.key != key else "")
            if not warning:
                return
            why = [StaleReason.damaged("stored result not usable")]
        await self._execute(inputs, key, why, warning, checked)

    # The decision.

    def _decide(self, inputs: Inputs, key: str) -> tuple[Trace | None, list[StaleReason]]:
        """A trace that is proven up to date, or the reasons why there is none."""
        store, name = self._session.store, self._cell.name
        standing = store.overrides.standing(name)
        present = present_state(self._session, self._step, inputs, self._surroundings, standing)
        return decide(store, name, key, present, standing)

    def _is_to_be_checked(self) -> bool:
        """Whether to execute the step though it could be reused, and to compare."""
        run = self._session.run
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
        attempt = session.next_attempt(self._cell.name)
        seconds = time.perf_counter() - started
        saved = max(0.0, trace.seconds - seconds)
        facts: dict[str, Any] = {
            "cell_id": self._step.cell_id,
            "trace_id": trace.trace_id,
            "seconds": seconds,
            "saved_seconds": saved,
            "reason": reason or None,
        }
        self._emit(EventKind.STEP_REUSED, attempt, **facts)
        self._report(State.REUSED, attempt, reason=reason, seconds=seconds, saved_seconds=saved)
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
                *self._surroundings.named_modules(sorted(texts)),
            ]
        )

    def _files_behind(self, inputs: Inputs) -> list[str]:
        """Files that inputs such as a scanned table read only when they are used."""
        values = self._session.namespace.values
        return [path for name in inputs.variables() for path in files_behind(values.get(name))]

    async def _execute(
        self, inputs: Inputs, key: str, why: list[StaleReason], warning: str, reusable: Trace | None
    ) -> None:
        __tracebackhide__ = True
        reason = in_short(why)
        attempt = self._session.next_attempt(self._cell.name)
        about: dict[str, Any] = {"cell_id": self._step.cell_id, "code": self._step.fingerprint}
        options = self._cell.options.changed()
        self._emit(EventKind.ATTEMPT_STARTED, attempt, reason=reason, options=options, **about)
        with unwatched():
            self._session.namespace.lazy.load_for(self._step.tree)
            self._session.namespace.lazy.load(inputs.variables())
            inputs.describe(self._session.namespace)
            known = self._known(inputs)
            lazily_read = self._files_behind(inputs)
            declared = DeclaredFiles(self._cell.options.writes, self._surroundings.folder)
        variables = self._session.namespace.own()
        before = Before(variables, read_all(), declared, axis_names(variables))
        self._emit(EventKind.EXECUTING, attempt)
        defined = Defined(self._step.definitions, self._session.namespace)
        run = Execution(Record(), Observed(), defined)
        started = time.perf_counter()
        try:
            watched = self._session.watch.watching(self._session.store.path)
            with watched as run.observed, recording(self._shell) as run.record, without_draws():
                with unwatched():
                    for path in lazily_read:
                        run.observed.reads(path)
                body, cell_name = self._step.tree.body, self._step.cell_name
                await run_body(self._shell, body, cell_name, run.defined.note)
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
        if reusable is not None:
            check = compare(reusable, trace)
            facts["check"] = check.as_json()
            warning = check.warning
        committed = trace if trace.trace_id else None
        self._emit(EventKind.ATTEMPT_FINISHED, attempt, trace=committed, error=None, **facts)
        self._report(
            State.COMPLETED,
            attempt,
            reason=reason,
            reasons=tuple(why),
            seconds=run.seconds,
            warning=warning or run.warning or _unkept(trace),
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
        # Nobody asked for this cell to be a step: only time that was saved is worth a line.
        saved = state is State.REUSED and facts["saved_seconds"] >= _WORTH_A_LINE
        facts["quiet"] = self._cell.auto and not saved
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

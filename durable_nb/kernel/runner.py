"""One step, from the decision to its trace: reuse it where that is proven right, else execute and keep it."""

from __future__ import annotations

import ast
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from durable_nb.core.analysis import Names, analyse, find_definitions
from durable_nb.core.cells import StepCell
from durable_nb.core.code import CodeReader, cell_fingerprint
from durable_nb.core.errors import DamagedError, NotStorableError, StoreError
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import Dependency, EventKind, Output, State, Trace
from durable_nb.core.staleness import Present, StaleReason, never_run, reasons
from durable_nb.kernel import modules
from durable_nb.kernel.ambient import find_state_changes, read_all
from durable_nb.kernel.dependencies import Surroundings, unique
from durable_nb.kernel.display import flush_figures
from durable_nb.kernel.execution import last_value, run_body
from durable_nb.kernel.imports import without_draws
from durable_nb.kernel.inputs import Inputs, find_inputs
from durable_nb.kernel.outputs import LAST_VALUE, Changes, add_state, find_changes, with_last_value
from durable_nb.kernel.recording import Record, recording, show_again
from durable_nb.kernel.restore import Restorer
from durable_nb.kernel.session import Session
from durable_nb.kernel.status import StepReport
from durable_nb.kernel.watch import OpenedFiles, unwatched, watching
from durable_nb.store.codecs import CodecContext

_THE_STORE = "the store"
"""Stands for a name where it is no value that keeps a step from being durable."""


@dataclass(frozen=True, slots=True)
class Before:
    """What the cell's code will change, as it is before."""

    variables: dict[str, Any]
    state: dict[str, Any]


@dataclass(slots=True)
class Execution:
    """What happened while the cell's own code ran."""

    record: Record
    opened: OpenedFiles
    seconds: float = 0.0


class StepRunner:
    """Runs one step cell once."""

    def __init__(
        self, session: Session, cell: StepCell, tree: ast.Module, cell_name: str, cell_id: str
    ) -> None:
        self._session = session
        self._shell = session.shell
        self._cell = cell
        self._tree = tree
        self._cell_name = cell_name
        self._cell_id = cell_id
        self._names: Names = analyse(tree)
        self._definitions = find_definitions(tree)
        self._surroundings = Surroundings(Path.cwd())
        quiet = cell.body.rstrip().endswith(";")
        self._code = digest(
            "step", cell_fingerprint(tree, quiet=quiet), fingerprint(dict(cell.options.affecting_result()))
        )

    async def run(self) -> None:
        """Reuse or execute the step.

        Raises:
            BaseException: What the cell's code raises.
        """
        __tracebackhide__ = True
        started = time.perf_counter()
        with unwatched():
            inputs = find_inputs(self._names, self._cell.options, self._session.namespace)
            known = unique(
                [
                    *self._surroundings.declared(self._cell.options),
                    *self._surroundings.variables(sorted(inputs.environment)),
                    *self._surroundings.named_files(sorted(self._names.texts | inputs.texts)),
                ]
            )
            key = digest(self._code, inputs.key)
            trace, why = self._decide(inputs, key)
        warning = ""
        if trace is not None:
            warning = self._reuse(trace, started)
            if not warning:
                return
            why = [StaleReason.damaged("stored result not usable")]
        await self._execute(inputs, known, key, why, warning)

    # The decision.

    def _decide(self, inputs: Inputs, key: str) -> tuple[Trace | None, list[StaleReason]]:
        """A trace that is proven up to date, or the reasons why there is none."""
        present = Present(
            code=self._code,
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

    def _context(self) -> CodecContext:
        namespace = self._session.namespace.values
        reader = CodeReader(namespace, modules.module_fingerprint)
        return self._session.store.context(namespace, reader.of_code)

    # Reusing.

    def _reuse(self, trace: Trace, started: float) -> str:
        """Bring the step back; returns a warning where its stored values cannot be used."""
        session = self._session
        restorer = Restorer(self._shell, session.namespace, session.store.artifacts, self._context())
        try:
            with unwatched():
                last = restorer.restore(trace, self._definitions, self._cell_name)
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
            "cell_id": self._cell_id,
            "trace_id": trace.trace_id,
            "seconds": seconds,
            "saved_seconds": saved,
        }
        self._emit(EventKind.STEP_REUSED, attempt, **facts)
        self._report(State.REUSED, attempt, seconds=seconds, saved_seconds=saved)
        return ""

    # Executing.

    async def _execute(
        self, inputs: Inputs, known: tuple[Dependency, ...], key: str, why: list[StaleReason], warning: str
    ) -> None:
        __tracebackhide__ = True
        reason = ", ".join(dict.fromkeys(r.text for r in why[:3]))
        attempt = self._session.next_attempt(self._cell.name)
        self._emit(
            EventKind.ATTEMPT_STARTED, attempt, cell_id=self._cell_id, reason=reason, code=self._code,
            options=self._cell.options.changed(),
        )  # fmt: skip
        before = Before(self._session.namespace.own(), read_all())
        self._emit(EventKind.EXECUTING, attempt)
        run = Execution(Record(), OpenedFiles())
        started = time.perf_counter()
        try:
            watched = watching(self._session.store.path)
            with watched as run.opened, recording(self._shell) as run.record, without_draws():
                await run_body(self._shell, self._tree.body, self._cell_name)
                run.seconds = time.perf_counter() - started
                flush_figures()
            with unwatched():
                trace = self._keep(before, inputs, known, key, attempt, run)
        except BaseException as error:
            self._failed(attempt, error, time.perf_counter() - started)
            raise
        facts: dict[str, Any] = {
            "state": State.COMPLETED.value,
            "seconds": run.seconds,
            "trace_id": trace.trace_id,
        }
        self._emit(EventKind.ATTEMPT_FINISHED, attempt, trace=trace, error=None, **facts)
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

    def _keep(
        self,
        before: Before,
        inputs: Inputs,
        known: tuple[Dependency, ...],
        key: str,
        attempt: int,
        run: Execution,
    ) -> Trace:
        """Store what the step made, and commit it as a trace."""
        options = self._cell.options
        self._emit(EventKind.STORING, attempt)
        state = find_state_changes(before.state, self._tree)
        changes = find_changes(
            before.variables,
            inputs,
            self._names,
            self._definitions,
            self._session.namespace,
            frozenset(options.ignore),
        )
        add_state(changes, state.values)
        problems = {
            **inputs.unprovable, **self._session.unprovable, **changes.not_durable, **state.problems
        }  # fmt: skip
        kept = self._surroundings.still(known, run.opened, self._names.written_texts, problems)
        files = [*kept, *self._surroundings.opened(run.opened, problems)]
        with_last_value(changes, last_value(self._shell), self._session.namespace)
        outputs = self._store(changes, problems) if not problems else dict(changes.outputs)
        trace = Trace(
            step=self._cell.name,
            code=self._code,
            key=key,
            source=self._cell.source,
            options=options.changed(),
            dependencies=unique([*inputs.read.values(), *files, *state.dependencies]),
            outputs=tuple(outputs.values()),
            display=tuple(run.record.outputs),
            created_at=time.time(),
            seconds=run.seconds,
            run_id=self._session.run.run_id,
            attempt=attempt,
            notebook=self._session.run.notebook,
            cell_id=self._cell_id,
            not_durable=problems,
        )
        self._emit(EventKind.COMMITTING, attempt)
        return self._commit(trace)

    def _store(self, changes: Changes, problems: dict[str, str]) -> dict[str, Output]:
        """Write the artifacts; ``problems`` gets the values that no codec keeps."""
        outputs = dict(changes.outputs)
        context = self._context()
        for name, value in changes.values.items():
            output = outputs[name]
            try:
                stored = self._session.store.artifacts.put(value, output.fingerprint, context)
            except NotStorableError as error:
                if name == LAST_VALUE:
                    del outputs[name]  # the step is about its variables; what it showed is kept as display
                    continue
                problems[name] = str(error)
                continue
            except StoreError as error:
                problems[_THE_STORE] = str(error)
                break
            outputs[name] = replace(output, codec=stored.codec, bytes=stored.bytes)
        return outputs

    def _commit(self, trace: Trace) -> Trace:
        try:
            return self._session.store.traces.add(trace)
        except StoreError as error:
            return replace(trace, not_durable={**trace.not_durable, _THE_STORE: str(error)})

    # Telling.

    def _emit(self, kind: EventKind, attempt: int, *, trace: Trace | None = None, **data: Any) -> None:
        with unwatched():
            self._session.emit(
                kind, self._cell.name, attempt, trace=trace, notebook=self._session.run.notebook, **data
            )

    def _report(self, state: State, attempt: int, **facts: Any) -> None:
        run_id = self._session.run.run_id
        self._session.report(
            StepReport(self._cell.name, state, run_id=run_id, attempt=attempt, cell_id=self._cell_id, **facts)
        )


def _unkept(trace: Trace) -> str:
    """What the user should know of a step that will execute again next time."""
    if trace.durable:
        return ""
    name, why = next(iter(trace.not_durable.items()))
    hint = f"; if it does not matter, write --ignore {name}" if name.isidentifier() else ""
    return f"not durable, executes next time: {name}: {why}{hint}"

"""Keep what an executed step made: find it, store it, commit it as a trace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from durable_nb.core.errors import NotStorableError, StoreError, ValueNotDurableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import Dependency, EventKind, Output, OutputKind, Trace
from durable_nb.kernel.ambient import find_state_changes
from durable_nb.kernel.dependencies import Surroundings, unique
from durable_nb.kernel.execution import last_value
from durable_nb.kernel.inputs import Inputs
from durable_nb.kernel.outputs import LAST_VALUE, Changes, add_state, find_changes, with_last_value
from durable_nb.kernel.recording import Record
from durable_nb.kernel.session import Session
from durable_nb.kernel.sharing import groups
from durable_nb.kernel.step_code import StepCode
from durable_nb.kernel.watch import OpenedFiles
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


class Keeper:
    """Keeps one execution of a step.

    Args:
        session: The kernel's session.
        step: The step.
        surroundings: The files around the notebook.
        tell: Called at each boundary, before what it names begins.
    """

    def __init__(
        self,
        session: Session,
        step: StepCode,
        surroundings: Surroundings,
        tell: Callable[[EventKind], None],
    ) -> None:
        self._session = session
        self._shell = session.shell
        self._step = step
        self._surroundings = surroundings
        self._tell = tell

    def keep(
        self,
        before: Before,
        inputs: Inputs,
        known: tuple[Dependency, ...],
        key: str,
        attempt: int,
        run: Execution,
    ) -> Trace:
        """Store what the step made, and commit it; the trace says what kept it from being durable."""
        options = self._step.cell.options
        self._tell(EventKind.STORING)
        state = find_state_changes(before.state, self._step.tree)
        changes = find_changes(
            before.variables,
            inputs,
            self._step.names,
            self._step.definitions,
            self._session.namespace,
            frozenset(options.ignore),
        )
        add_state(changes, state.values)
        problems = {
            **inputs.unprovable, **self._session.unprovable, **changes.not_durable, **state.problems
        }  # fmt: skip
        kept = self._surroundings.still(known, run.opened, self._step.names.written_texts, problems)
        files = [*kept, *self._surroundings.opened(run.opened, problems)]
        with_last_value(changes, last_value(self._shell), self._session.namespace)
        outputs = self._store(changes, problems) if not problems else dict(changes.outputs)
        trace = Trace(
            step=self._step.cell.name,
            code=self._step.fingerprint,
            key=key,
            source=self._step.cell.source,
            options=options.changed(),
            dependencies=unique([*inputs.read.values(), *files, *state.dependencies]),
            outputs=tuple(outputs.values()),
            display=tuple(run.record.outputs),
            created_at=time.time(),
            seconds=run.seconds,
            run_id=self._session.run.run_id,
            attempt=attempt,
            notebook=self._session.run.notebook,
            cell_id=self._step.cell_id,
            not_durable=problems,
        )
        self._tell(EventKind.COMMITTING)
        return self._commit(trace)

    def _store(self, changes: Changes, problems: dict[str, str]) -> dict[str, Output]:
        """Write the artifacts; ``problems`` gets the values that no codec keeps."""
        outputs = dict(changes.outputs)
        context = self._session.codec_context()
        whole = dict(changes.values)
        variables = {
            n: v for n, v in whole.items() if outputs[n].kind is OutputKind.VALUE and n != LAST_VALUE
        }
        for names in groups(variables):
            try:
                outputs |= self._store_together({n: whole.pop(n) for n in names}, outputs, context)
            except StoreError as error:
                problems[_THE_STORE] = str(error)
                return outputs
            except ValueNotDurableError as error:
                shared = ", ".join(names[1:])
                problems[names[0]] = f"it shares memory or objects with {shared}; copy() it, or: {error}"
        for name, value in whole.items():
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

    def _store_together(
        self, values: dict[str, Any], outputs: dict[str, Output], context: CodecContext
    ) -> dict[str, Output]:
        """Write values that share objects as one artifact: apart, they would come back torn."""
        together = fingerprint(values, of_code=context.of_code)
        self._session.store.artifacts.put(values, together, context)
        return {name: replace(outputs[name], kind=OutputKind.PART, of=together) for name in values}

    def _commit(self, trace: Trace) -> Trace:
        try:
            return self._session.store.traces.add(trace)
        except StoreError as error:
            return replace(trace, not_durable={**trace.not_durable, _THE_STORE: str(error)})

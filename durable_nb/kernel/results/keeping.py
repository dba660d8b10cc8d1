"""Keep what an executed step made: find it, store it, commit it as a trace."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from durable_nb.core.errors import StoreError
from durable_nb.core.model import Dependency, EventKind, Trace
from durable_nb.kernel import auto
from durable_nb.kernel.depending import ambient, module_state, settings
from durable_nb.kernel.depending.ambient import find_state_changes
from durable_nb.kernel.depending.axes import Axes, renamed_elsewhere
from durable_nb.kernel.depending.defining import Defined
from durable_nb.kernel.depending.dependencies import Surroundings, unique
from durable_nb.kernel.depending.describing import described
from durable_nb.kernel.depending.generators import touched
from durable_nb.kernel.depending.inputs import Inputs
from durable_nb.kernel.depending.observing.observed import Observed
from durable_nb.kernel.execution import last_value
from durable_nb.kernel.isolating.unmade import made_by
from durable_nb.kernel.results.depositing import THE_STORE, Depositor
from durable_nb.kernel.results.outputs import (
    Changes,
    add_state,
    find_changes,
    refuse_secrets,
    with_last_value,
)
from durable_nb.kernel.results.recording import Record
from durable_nb.kernel.results.written import DeclaredFiles, keep_files
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode


@dataclass(frozen=True, slots=True)
class Before:
    """What the cell's code will change, as it is before."""

    variables: dict[str, Any]
    state: dict[str, Any]
    files: DeclaredFiles
    axes: Axes

    @property
    def modules(self) -> module_state.State:
        """The variables of the user's modules."""
        return ambient.modules_in(self.state)


@dataclass(slots=True)
class Execution:
    """What happened while the cell's own code ran."""

    record: Record
    observed: Observed
    defined: Defined
    seconds: float = 0.0
    warning: str = ""
    """What the author of the step should know."""


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
        state = find_state_changes(before.state, self._step.tree, self._touched(inputs))
        changes = find_changes(
            before.variables,
            inputs,
            self._step.names,
            self._step.definitions,
            self._session.namespace,
            frozenset(options.ignore),
        )
        add_state(changes, state.values)
        changes.not_durable |= run.defined.problems(changes.outputs)
        changes.not_durable |= self._renamed(before, changes)
        problems = {
            **inputs.unprovable, **self._session.unprovable, **changes.not_durable, **state.problems
        }  # fmt: skip
        made, idle = before.files.made()
        run.observed.declared |= {before.files.path(name) for name in made}
        run.warning = f"--writes {', '.join(idle)}: the step made no such file" if idle else ""
        kept = self._surroundings.still(known, run.observed, self._step.names.written_texts, problems)
        with module_state.as_of(before.modules):
            files = [*kept, *self._surroundings.used(run.observed, options, problems)]
        if run.record.unshown:
            problems["what it shows"] = f"it raised {run.record.unshown}"
        if self._step.cell.auto:
            problems |= auto.problems_of(run.record.outputs)
            files += self._surroundings.left(run.observed)
        with_last_value(changes, last_value(self._shell), self._session.namespace)
        refuse_secrets(changes)
        problems |= changes.not_durable
        used = settings.used(before.state, run.record.outputs)
        outputs = dict(changes.outputs)
        if not problems:
            left_alone = {
                n: v for n, v in before.variables.items() if n in inputs.names() and n not in outputs
            }
            outputs = Depositor(self._session, left_alone, before.variables).store(changes, problems)
            outputs |= keep_files(made, before.files, self._session.store.artifacts, problems)
        trace = Trace(
            step=self._step.cell.name,
            code=self._step.fingerprint,
            key=key,
            source=self._step.cell.source,
            options=options.changed(),
            dependencies=described(
                unique([*inputs.read.values(), *changes.sharing, *files, *state.dependencies, *used])
            ),
            outputs=tuple(outputs.values()),
            display=tuple(run.record.outputs),
            created_at=time.time(),
            seconds=run.seconds,
            run_id=self._session.run.run_id,
            attempt=attempt,
            notebook=self._session.run.notebook,
            cell_id=self._step.cell_id,
            not_durable=problems,
            metrics=dict(self._session.metrics),
        )
        self._session.made[trace.step] = made_by(trace)
        self._tell(EventKind.COMMITTING)
        return self._commit(trace)

    def _touched(self, inputs: Inputs) -> set[str]:
        found = touched(self._step.tree, self._session.namespace.values, inputs.names())
        return found | {"sys.path"} if any(map(_is_sys_path, ast.walk(self._step.tree))) else found

    def _renamed(self, before: Before, changes: Changes) -> dict[str, str]:
        found = renamed_elsewhere(before.axes, self._session.namespace.own(), changes.outputs)
        return {
            name: f"the names of its index were changed, and {o} has the same index"
            for name, o in found.items()
        }

    def _commit(self, trace: Trace) -> Trace:
        try:
            return self._session.store.traces.add(trace)
        except StoreError as error:
            return replace(trace, not_durable={**trace.not_durable, THE_STORE: str(error)})


def _is_sys_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"

"""Make a stored result again whose file turned out to be damaged after its step had been reused.

The step is executed once more, unseen, on the inputs that its trace names, and the result must come out as it
was. Where the inputs are not to be had any more, the error says which step to run.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from IPython.utils.capture import capture_output

from durable_nb.core.errors import DamagedError, DurableWarning, ValueNotDurableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import Dependency, DependencyKind, OutputKind, Trace
from durable_nb.kernel.ambient import read_all, set_back
from durable_nb.kernel.dependencies import Surroundings
from durable_nb.kernel.execution import run_body
from durable_nb.kernel.inputs import value_dependency
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode
from durable_nb.kernel.watch import unwatched

_OF_THE_CODE = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})


def read_or_remake(session: Session, trace: Trace, step: StepCode, artifact: str) -> Any:
    """A stored value of a reused step; made again where its file is damaged.

    Raises:
        DamagedError: The file is damaged, and the value cannot be made again here.
    """
    try:
        return session.read(artifact)
    except DamagedError as damage:
        session.store.artifacts.set_aside(artifact)
        try:
            with unwatched():
                value = _Remaker(session, trace, step).make(artifact)
        except Exception as error:  # noqa: BLE001 - the step's own code may raise anything
            raise DamagedError(
                f"a stored result of step {trace.step} is damaged and cannot be made again here "
                f"({type(error).__name__}: {error}); run the cell of {trace.step} again, and it executes"
            ) from damage
    warnings.warn(
        f"a stored result of step {trace.step} was damaged; the step was executed again for it",
        DurableWarning,
        stacklevel=2,
    )
    return value


class _Remaker:
    def __init__(self, session: Session, trace: Trace, step: StepCode) -> None:
        self._session = session
        self._trace = trace
        self._step = step

    def make(self, artifact: str) -> Any:
        inputs = {d.name: self._input(d) for d in self._trace.dependencies if d.kind is DependencyKind.VALUE}
        self._see_that_the_rest_is_as_it_was()
        with self._scratch(inputs) as values, capture_output():
            try:
                run_body(self._session.shell, self._step.tree.body, self._step.cell_name).send(None)
            except StopIteration:
                made = self._result(artifact, values)
            else:
                raise DamagedError("it awaits something")
        context = self._session.codec_context()
        if fingerprint(made, of_code=context.of_code) != artifact:
            raise DamagedError("it comes out otherwise this time")
        self._session.store.artifacts.put(made, artifact, context)
        return made

    def _input(self, was: Dependency) -> Any:
        """A value of its own for the step to work on: it may change it in place."""
        namespace = self._session.namespace
        try:
            value = namespace.values[was.name]
            if value_dependency(was.name, value, namespace).fingerprint == was.fingerprint:
                return copy.deepcopy(value) if self._is_changed(was.name) else value
        except (KeyError, ValueNotDurableError):
            pass  # it waits or is gone: what an earlier step stored may still be there
        return self._session.read(was.fingerprint)

    def _is_changed(self, name: str) -> bool:
        return any(o.name == name and o.kind is not OutputKind.DEFINITION for o in self._trace.outputs)

    def _see_that_the_rest_is_as_it_was(self) -> None:
        namespace, surroundings = self._session.namespace, Surroundings(Path.cwd())
        for was in self._trace.dependencies:
            if was.kind is DependencyKind.VALUE:
                continue
            if was.kind in _OF_THE_CODE:
                now: Dependency | None = value_dependency(was.name, namespace.values[was.name], namespace)
            else:
                now = surroundings.find(was.kind, was.name)
            if now is None or now.fingerprint != was.fingerprint:
                raise DamagedError(f"{was.name} is not as it was")

    @contextmanager
    def _scratch(self, inputs: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The namespace with the step's inputs; afterwards as before."""
        values, lazy = self._session.namespace.values, self._session.namespace.lazy
        before, waiting, state = dict(values), lazy.snapshot(), read_all()
        try:
            values.update(inputs)
            yield values
        finally:
            values.clear()
            values.update(before)
            lazy.replace(waiting)
            set_back(state)

    def _result(self, artifact: str, values: dict[str, Any]) -> Any:
        parts = [o.name for o in self._trace.outputs if o.kind is OutputKind.PART and o.of == artifact]
        if parts:
            return {name: values[name] for name in parts}
        name = next(o.name for o in self._trace.outputs if o.fingerprint == artifact)
        return values[name]

"""Make a stored result again whose file turned out to be damaged after its step had been reused.

The step is executed once more, unseen, on the inputs that its trace names, and the result must come out as it
was. Where the inputs are not to be had any more, the error says which step to run.
"""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from IPython.utils.capture import capture_output

from durable_nb.core.errors import DamagedError, DurableWarning, ValueNotDurableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import Dependency, DependencyKind, OutputKind, Trace
from durable_nb.kernel.depending.ambient import random_dependency, read_all, set_again, set_back
from durable_nb.kernel.depending.dependencies import Surroundings
from durable_nb.kernel.depending.inputs import value_dependency
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.execution import run_body
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode

_MADE_HERE = frozenset({DependencyKind.VALUE, DependencyKind.RANDOM, DependencyKind.SHARING})
"""Found as it was; what shares objects is of no account: inputs are copies, and the result is compared."""
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
        inputs = self._inputs()
        generators = self._generators()
        self._see_that_the_rest_is_as_it_was()
        with self._scratch(inputs) as values, capture_output():
            for name, state in generators.items():
                set_again(name, state)
            # The value of the last expression is an output, too; capture_output() sets this hook back.
            sys.displayhook = lambda value: values.update(_=value)
            try:
                run_body(self._session.shell, self._step.tree.body, self._step.cell_name).send(None)
            except StopIteration:
                made = list(self._results(artifact, values))
            else:
                raise DamagedError("it awaits something")
        context = self._session.codec_context()
        for result in made:
            if fingerprint(result, of_code=context.of_code) == artifact:
                self._session.store.artifacts.put(result, artifact, context)
                return result
        raise DamagedError("it comes out otherwise this time")

    def _inputs(self) -> dict[str, Any]:
        """The step's inputs; those that were one object are one again."""
        together = [{*was.name.split(", ")} for was in self._of_kind(DependencyKind.SHARING)]
        made: dict[str, Any] = {}
        for was in self._of_kind(DependencyKind.VALUE):
            friends = set[str]().union(*(names for names in together if was.name in names))
            same = (d for d in self._of_kind(DependencyKind.VALUE) if d.fingerprint == was.fingerprint)
            first = next(d for d in same if d.name == was.name or d.name in friends)
            made[was.name] = made[first.name] if first.name in made else self._input(was)
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

    def _of_kind(self, kind: DependencyKind) -> list[Dependency]:
        return [dependency for dependency in self._trace.dependencies if dependency.kind is kind]

    def _generators(self) -> dict[str, Any]:
        """The states of random generators that are another now: reused steps have moved them on."""
        return {
            was.name: self._session.read(was.fingerprint)
            for was in self._of_kind(DependencyKind.RANDOM)
            if random_dependency(was.name).fingerprint != was.fingerprint
        }

    def _is_changed(self, name: str) -> bool:
        return any(o.name == name and o.kind is not OutputKind.DEFINITION for o in self._trace.outputs)

    def _see_that_the_rest_is_as_it_was(self) -> None:
        namespace, surroundings = self._session.namespace, Surroundings(Path.cwd())
        for was in self._trace.dependencies:
            if was.kind in _MADE_HERE:
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

    def _results(self, artifact: str, values: dict[str, Any]) -> Iterator[Any]:
        """What may be the result: of names of one object, the step perhaps knows one only."""
        outputs = self._trace.outputs
        parts = [o.name for o in outputs if o.kind is OutputKind.PART and o.of == artifact]
        if parts:
            yield {name: values[name] for name in parts}
            return
        named = {o.name for o in outputs if o.fingerprint == artifact}
        for output in outputs:
            if output.name in values and (output.name in named or output.of in named):
                yield values[output.name]

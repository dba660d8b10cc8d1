"""Bring back what a step made, as if it had been executed: all of it, or nothing."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from durable_nb.core.analysis import Definitions
from durable_nb.core.errors import DamagedError, DurableError
from durable_nb.core.model import Output, OutputKind, Trace
from durable_nb.kernel.depending.ambient import set_again
from durable_nb.kernel.depending.imports import without_draws
from durable_nb.kernel.depending.inputs import value_dependency
from durable_nb.kernel.depending.topology import changed_in_place
from durable_nb.kernel.execution import compiled
from durable_nb.kernel.results.lazy import Bundle, Waiting
from durable_nb.kernel.results.outputs import LAST_VALUE
from durable_nb.kernel.results.remake import read_or_remake
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode

_VALUES = frozenset({OutputKind.VALUE, OutputKind.PART, OutputKind.ALIAS, OutputKind.MODULE})


class Restorer:
    """Binds the outputs of one trace in the user's namespace; what is only data waits until it is named."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._namespace = session.namespace
        self._lazy = session.namespace.lazy
        self._bundles: dict[str, Bundle] = {}

    def restore(self, trace: Trace, step: StepCode) -> Any:
        """Bind, delete and define what the step bound, deleted and defined.

        Returns:
            The step's last value; a ``Waiting`` where that is not read yet; None where there was none.

        Raises:
            DamagedError: Something cannot be brought back; the namespace is as it was before the call.
        """
        with self._all_or_nothing(), without_draws():
            return self._restore(trace, step)

    def _restore(self, trace: Trace, step: StepCode) -> Any:
        namespace, cell_name = self._namespace.values, step.cell_name
        read = partial(read_or_remake, self._session, trace, step)
        defined = {o.name: o for o in trace.outputs if o.kind is OutputKind.DEFINITION}
        pending = [(s, names) for s, names in step.definitions if set(names) & defined.keys()]
        before = {
            n: namespace[n] for s, names in pending for n in names if n in namespace and n not in defined
        }
        changed = {name: self._bound(name) for name in self._changed_in_place(trace)}
        late = [entry for entry in pending if not self._define(entry[0], cell_name)]
        made: dict[str, Any] = {}
        for output in trace.outputs:
            if output.kind in _VALUES:
                made[output.name] = self._value(output, made, read)
        states = {
            o.of: self._session.read(o.fingerprint) for o in trace.outputs if o.kind is OutputKind.STATE
        }
        last = made.pop(LAST_VALUE, None)
        self._bind(made, defined)
        for statement, _ in late:
            self._define(statement, cell_name, again=True)
        self._verify(defined, pending, cell_name)
        for name in {name for _, names in pending for name in names} - defined.keys() - made.keys():
            # An import of several names binds also those that the cell did not keep.
            namespace.pop(name, None)
            namespace.update({name: before[name]} if name in before else {})
        deleted = [output.name for output in trace.outputs if output.kind is OutputKind.DELETED]
        self._lazy.forget(deleted)
        for name in deleted:
            namespace.pop(name, None)
        for name, state in states.items():
            set_again(name, state)
        for name, old in changed.items():
            self._lazy.replace_results(old, self._bound(name))
        return last

    def _changed_in_place(self, trace: Trace) -> list[str]:
        """The variables whose objects the step changes; a trace that a person chose may name others."""
        made = {output.name for output in trace.outputs if output.kind in _VALUES}
        changed = changed_in_place(trace.dependencies)
        return [name for name in changed if name in made and self._namespace.has(name)]

    def _bound(self, name: str) -> Any:
        """What a name stands for: its object, or the Waiting for it."""
        return self._lazy.get(name) or self._namespace.values[name]

    def _bind(self, made: dict[str, Any], defined: dict[str, Output]) -> None:
        waiting = {name: value for name, value in made.items() if isinstance(value, Waiting)}
        ready = {name: value for name, value in made.items() if name not in waiting}
        self._lazy.forget([*ready, *defined])
        self._namespace.values.update(ready)
        self._lazy.defer(waiting)

    def _value(self, output: Output, made: dict[str, Any], read: Callable[[str], Any]) -> Any:
        """The value of an output, or the promise of it."""
        if output.kind is OutputKind.MODULE:
            return importlib.import_module(output.of)
        if output.kind is OutputKind.ALIAS:
            return self._same_as(output.of, made)
        if output.is_data:
            return self._stored(output, read)
        return self._stored(output, self._session.read).value()

    def _same_as(self, name: str, made: dict[str, Any]) -> Any:
        return made[name] if name in made else self._bound(name)

    def _stored(self, output: Output, read: Callable[[str], Any]) -> Waiting:
        """An output that is an artifact, or a part of one that holds values which share objects."""
        artifact, member = output.fingerprint, ""
        if output.kind is OutputKind.PART:
            artifact, member = output.of, output.name
        self._session.store.artifacts.check(artifact)
        if not member:  # equal values that are not the same object have artifacts of one name
            return Waiting(output, Bundle(artifact, read))
        bundle = self._bundles.setdefault(artifact, Bundle(artifact, read))
        return Waiting(output, bundle, member)

    def _define(self, statement: ast.stmt, cell_name: str, *, again: bool = False) -> bool:
        """Run a definition; False where it needs a value that is not there yet."""
        alone = ast.Module([statement], [])
        self._lazy.load_for(alone)
        try:
            exec(compiled(self._session.shell, alone, cell_name), self._namespace.values)
        except NameError:
            if again:
                raise
            return False
        return True

    def _verify(self, defined: dict[str, Output], pending: Definitions, cell_name: str) -> None:
        """A definition may depend on values of the cell (defaults, decorators): only an equal one counts."""
        for statement, names in pending:
            if not self._equal(names, defined):
                self._define(statement, cell_name, again=True)
                # Of a definition in an edit that was accepted no execution has shown what comes out.
                seen = {name: output for name, output in defined.items() if output.fingerprint}
                if not self._equal(names, seen):
                    wanted = ", ".join(name for name in names if name in defined)
                    raise DamagedError(f"the definition of {wanted} does not come out as it was")

    def _equal(self, names: tuple[str, ...], defined: dict[str, Output]) -> bool:
        values = self._namespace.values
        return all(
            value_dependency(name, values[name], self._namespace).fingerprint == defined[name].fingerprint
            for name in names
            if name in defined
        )

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        namespace = self._namespace.values
        before, waiting = dict(namespace), self._lazy.snapshot()
        try:
            yield
        except Exception as error:
            namespace.clear()
            namespace.update(before)
            self._lazy.replace(waiting)
            if isinstance(error, DamagedError):
                raise
            kind = "" if isinstance(error, DurableError) else f"{type(error).__name__}: "
            raise DamagedError(f"{kind}{error}") from error

"""Bring back what a step made, as if it had been executed: all of it, or nothing."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from durable_nb.core.analysis import Definitions
from durable_nb.core.errors import DamagedError, DurableError
from durable_nb.core.model import Output, OutputKind, Trace
from durable_nb.kernel.ambient import set_again
from durable_nb.kernel.execution import compiled
from durable_nb.kernel.imports import without_draws
from durable_nb.kernel.inputs import value_dependency
from durable_nb.kernel.namespace import Namespace
from durable_nb.kernel.outputs import LAST_VALUE
from durable_nb.store.artifacts import Artifacts
from durable_nb.store.codecs import CodecContext

_VALUES = frozenset({OutputKind.VALUE, OutputKind.PART, OutputKind.ALIAS, OutputKind.MODULE})


class Restorer:
    """Binds the outputs of one trace in the user's namespace."""

    def __init__(
        self, shell: InteractiveShell, namespace: Namespace, artifacts: Artifacts, context: CodecContext
    ) -> None:
        self._shell = shell
        self._namespace = namespace
        self._artifacts = artifacts
        self._context = context
        self._read: dict[str, dict[str, Any]] = {}

    def restore(self, trace: Trace, definitions: Definitions, cell_name: str) -> Any:
        """Bind, delete and define what the step bound, deleted and defined; returns its last value, or None.

        Raises:
            DamagedError: Something cannot be brought back; the namespace is as it was before the call.
        """
        with self._all_or_nothing(), without_draws():
            return self._restore(trace, definitions, cell_name)

    def _restore(self, trace: Trace, definitions: Definitions, cell_name: str) -> Any:
        namespace = self._namespace.values
        defined = {o.name: o for o in trace.outputs if o.kind is OutputKind.DEFINITION}
        pending = [(s, names) for s, names in definitions if set(names) & defined.keys()]
        before = {
            n: namespace[n] for s, names in pending for n in names if n in namespace and n not in defined
        }
        late = [entry for entry in pending if not self._define(entry[0], cell_name)]
        made: dict[str, Any] = {}
        for output in trace.outputs:
            if output.kind in _VALUES:
                made[output.name] = self._value(output, made)
        states = {
            o.of: self._artifacts.get(o.fingerprint, self._context)
            for o in trace.outputs
            if o.kind is OutputKind.STATE
        }
        last = made.pop(LAST_VALUE, None)
        namespace.update(made)
        for statement, _ in late:
            self._define(statement, cell_name, again=True)
        self._verify(defined, pending, cell_name)
        for name in {name for _, names in pending for name in names} - defined.keys() - made.keys():
            # An import of several names binds also those that the cell did not keep.
            namespace.pop(name, None)
            namespace.update({name: before[name]} if name in before else {})
        for output in trace.outputs:
            if output.kind is OutputKind.DELETED:
                namespace.pop(output.name, None)
        for name, state in states.items():
            set_again(name, state)
        return last

    def _value(self, output: Output, made: dict[str, Any]) -> Any:
        if output.kind is OutputKind.MODULE:
            return importlib.import_module(output.of)
        if output.kind is OutputKind.PART:
            return self._together(output.of)[output.name]
        if output.kind is OutputKind.ALIAS:
            return made[output.of] if output.of in made else self._namespace.values[output.of]
        return self._artifacts.get(output.fingerprint, self._context)

    def _together(self, fingerprint: str) -> dict[str, Any]:
        """Values that share objects: read once, so that they share them again."""
        if fingerprint not in self._read:
            self._read[fingerprint] = self._artifacts.get(fingerprint, self._context)
        return self._read[fingerprint]

    def _define(self, statement: ast.stmt, cell_name: str, *, again: bool = False) -> bool:
        """Run a definition; False where it needs a value that is not there yet."""
        code = compiled(self._shell, ast.Module([statement], []), cell_name)
        try:
            exec(code, self._namespace.values)
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
                if not self._equal(names, defined):
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
        before = dict(namespace)
        try:
            yield
        except Exception as error:
            namespace.clear()
            namespace.update(before)
            if isinstance(error, DamagedError):
                raise
            kind = "" if isinstance(error, DurableError) else f"{type(error).__name__}: "
            raise DamagedError(f"{kind}{error}") from error

"""What a cell has done to the namespace, found by comparing before and after."""

from __future__ import annotations

import ast
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from durable_nb.core.analysis import Definitions, Names
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind
from durable_nb.kernel.depending.describing import detail_of_variable
from durable_nb.kernel.depending.inputs import Inputs, new_reader, value_dependency
from durable_nb.kernel.depending.sharing import shared_parts
from durable_nb.kernel.depending.topology import elsewhere
from durable_nb.kernel.namespace import Namespace
from durable_nb.kernel.secret_values import HIDDEN, keyed, why_not_stored

LAST_VALUE = "_"
"""The output that stands for the displayed value of the cell's last expression."""

_CODE = frozenset({DependencyKind.FUNCTION, DependencyKind.CLASS})
_ATOMS = (type(None), bool, int, float, complex, str, bytes)


@dataclass(slots=True)
class Changes:
    """The outputs of an executed cell; values are not stored yet."""

    outputs: dict[str, Output] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """Output of kind VALUE → the object itself."""
    not_durable: dict[str, str] = field(default_factory=dict)
    sharing: list[Dependency] = field(default_factory=list)
    """Which other variables hold the objects that were changed in place."""
    owner: dict[int, str] = field(default_factory=dict)
    """id of an object → the name it is restored under."""


def find_changes(
    before: Mapping[str, Any],
    inputs: Inputs,
    names: Names,
    definitions: Definitions,
    namespace: Namespace,
    ignored: frozenset[str],
) -> Changes:
    """Compare the namespace with a shallow copy of it taken before the cell ran.

    Args:
        before: Name → object, before.
        inputs: What the cell read, as fingerprinted before.
        names: The names its code mentions.
        definitions: Its import, def and class statements.
        namespace: As it is now.
        ignored: Names that the author excluded by ``--ignore``.
    """
    return _Finder(before, inputs, names, definitions, namespace, ignored).find()


class _Finder:
    def __init__(
        self,
        before: Mapping[str, Any],
        inputs: Inputs,
        names: Names,
        definitions: Definitions,
        namespace: Namespace,
        ignored: frozenset[str],
    ) -> None:
        self._before = before
        self._inputs = inputs
        self._names = names
        self._defined = {name for _, bound in definitions for name in bound}
        self._imported = {name for s, bound in definitions if isinstance(s, ast.Import | ast.ImportFrom)
                          for name in bound}  # fmt: skip
        self._called = {name for s, bound in definitions if isinstance(s, ast.Assign) for name in bound}
        self._namespace = namespace
        self._ignored = ignored
        self._changes = Changes()
        self._left: dict[str, Any] = {}
        """Input → the object it had, which the cell changed in place before it bound or deleted the name."""

    def find(self) -> Changes:
        now = {name: value for name, value in self._namespace.own().items() if name not in self._ignored}
        bound = [name for name in now if self._is_bound(name, now[name])]
        mutated = self._mutated(now, set(bound))
        mutated += self._changed_then_left(now, mutated)
        bound = [name for name in bound if name not in mutated]
        self._refuse_changed_code(now, set(bound))
        # What the cell did not touch keeps its object: an output that is the same object is an alias of it.
        for name in self._inputs.names():
            if name in now and name not in bound and name not in mutated:
                self._changes.owner.setdefault(id(now[name]), name)
        for name in [*bound, *mutated]:
            self._add(name, now[name])
        self._refuse_shared(now, mutated)
        inputs = [name for name in mutated if name in self._inputs.names() and name in self._before]
        self._changes.sharing = [elsewhere(name, self._before) for name in inputs]
        self._changes.sharing += [elsewhere(name, self._before, left=True) for name in self._left]
        for name in self._before.keys() - self._ignored:
            if name not in self._namespace.values:
                self._changes.outputs[name] = Output(name, OutputKind.DELETED)
        return self._changes

    def _is_bound(self, name: str, value: object) -> bool:
        return name not in self._before or self._before[name] is not value or name in self._names.always_binds

    def _refuse_changed_code(self, now: Mapping[str, Any], bound: set[str]) -> None:
        """A function or class that the cell did not define but changed: its code says nothing of that."""
        for (kind, name), was in self._inputs.read.items():
            if kind not in _CODE or name in bound or name not in now:
                continue
            if not self._is_same(name, now[name], was):
                why = f"the {kind.value} was changed by the step, not defined in it"
                self._changes.not_durable[name] = why

    def _mutated(self, now: Mapping[str, Any], bound: set[str]) -> list[str]:
        """Inputs whose content changed in place, and every other name of the same object."""
        changed: list[str] = []
        for name in self._inputs.variables():
            if name not in now or (name in bound and self._before.get(name) is not now[name]):
                continue
            was = self._inputs.read[DependencyKind.VALUE, name]
            try:
                if self._fingerprint(name, now[name]) != was.fingerprint:
                    changed.append(name)
            except NotFingerprintableError as error:
                self._changes.not_durable[name] = str(error)
        objects = {id(now[name]) for name in changed}
        aliases = [n for n, v in now.items() if id(v) in objects and n not in changed and self._is_old(n, v)]
        return [*changed, *aliases]

    def _changed_then_left(self, now: Mapping[str, Any], mutated: list[str]) -> list[str]:
        """Other names of objects that the cell changed in place and then bound no longer to their input."""
        found: list[str] = []
        for name in self._inputs.variables():
            old = self._before.get(name)
            if name not in self._before or now.get(name) is old:
                continue
            was = self._inputs.read[DependencyKind.VALUE, name]
            if not self._is_same(name, old, was):
                found += [n for n, v in now.items() if v is old and n not in mutated and self._is_old(n, v)]
                self._left[name] = old
        return found

    def _is_same(self, name: str, value: Any, was: Dependency) -> bool:
        """Whether a value is proven to be as it was read."""
        try:
            return self._fingerprint(name, value) == was.fingerprint
        except NotFingerprintableError:
            return False

    def _is_old(self, name: str, value: object) -> bool:
        return name in self._before and self._before[name] is value

    def _refuse_shared(self, now: Mapping[str, Any], mutated: list[str]) -> None:
        changed = self._left | {name: now[name] for name in mutated}
        if not changed:
            return
        others = {n: v for n, v in now.items() if n not in self._changes.outputs}
        for name, other in shared_parts(changed, others).items():
            self._changes.not_durable[name] = f"it was changed in place, and {other} holds a part of it too"

    def _add(self, name: str, value: Any) -> None:
        try:
            self._changes.outputs[name] = self._output(name, value)
        except NotFingerprintableError as error:
            self._changes.not_durable[name] = str(error)

    def _output(self, name: str, value: Any) -> Output:
        kind_name = f"{type(value).__module__}.{type(value).__qualname__}"
        is_code = callable(value) or name in self._called
        if name in self._imported or (name in self._defined and is_code):
            return Output(name, OutputKind.DEFINITION, self._fingerprint(name, value), type=kind_name)
        if isinstance(value, types.ModuleType):
            return Output(
                name, OutputKind.MODULE, self._fingerprint(name, value), type=kind_name, of=value.__name__
            )
        owner = self._changes.owner.get(id(value))
        if owner is not None and not isinstance(value, _ATOMS):
            return Output(name, OutputKind.ALIAS, self._fingerprint(name, value), type=kind_name, of=owner)
        if isinstance(value, type) and value.__module__ == "__main__":
            raise NotFingerprintableError(
                f"the class {value.__qualname__} was made by a call, which a later kernel cannot repeat; "
                "define it with a class statement, or in a plain cell"
            )
        output = _stored(name, value, self._namespace)
        self._changes.owner.setdefault(id(value), name)
        self._changes.values[name] = value
        return output

    def _fingerprint(self, name: str, value: Any) -> str:
        return value_dependency(name, value, self._namespace).fingerprint


def _stored(name: str, value: Any, namespace: Namespace) -> Output:
    """An output that is kept as an artifact."""
    reader = new_reader(namespace)
    found = value_dependency(name, value, namespace, reader)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    # A text may be an expression or a path: what reads it depends on what stands in it.
    is_data = not reader.met_code and not isinstance(value, str | PurePath)
    return Output(
        name,
        OutputKind.VALUE,
        found.fingerprint,
        type=kind,
        summary=found.summary,
        detail="" if found.summary == HIDDEN else detail_of_variable(name, value),
        is_data=is_data,
    )


def with_last_value(changes: Changes, value: Any, namespace: Namespace) -> None:
    """Add the displayed last value as an output, so that ``_`` and ``Out`` come back; it is no variable.

    A value that cannot be kept is left out: the step is about its variables and what it showed.
    """
    if value is None:
        return
    try:
        output = _stored(LAST_VALUE, value, namespace)
    except NotFingerprintableError:
        return
    owner = changes.owner.get(id(value))
    if owner is not None:
        output = replace(output, kind=OutputKind.ALIAS, of=owner)
    else:
        changes.values[LAST_VALUE] = value
    changes.outputs[LAST_VALUE] = output


def refuse_secrets(changes: Changes) -> None:
    """Keep what holds a secret from being stored; a last value that does is left out."""
    found = {name: why for name, value in changes.values.items() if (why := why_not_stored(value))}
    for name, why in found.items():
        output = changes.outputs[name]
        if name == LAST_VALUE:
            del changes.outputs[name], changes.values[name]
            continue
        changes.not_durable[name] = why
        if output.kind is OutputKind.STATE:
            changes.outputs[name] = replace(output, fingerprint=keyed(output.fingerprint))


def add_state(changes: Changes, state: Mapping[str, Any]) -> None:
    """Add what the cell did to the process outside the namespace; names with a dot are no variables."""
    for part, value in state.items():
        name = f"state.{part}"
        changes.values[name] = value
        changes.outputs[name] = Output(name, OutputKind.STATE, fingerprint(value), of=part)

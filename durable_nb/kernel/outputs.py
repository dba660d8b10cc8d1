"""What a cell has done to the namespace, found by comparing before and after."""

from __future__ import annotations

import ast
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from durable_nb.core.analysis import Definitions, Names
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import DependencyKind, Output, OutputKind
from durable_nb.core.summary import summarise
from durable_nb.kernel.inputs import Inputs, value_dependency
from durable_nb.kernel.namespace import Namespace
from durable_nb.kernel.sharing import shared_parts

LAST_VALUE = "_"
"""The output that stands for the displayed value of the cell's last expression."""

_ATOMS = (type(None), bool, int, float, complex, str, bytes)


@dataclass(slots=True)
class Changes:
    """The outputs of an executed cell; values are not stored yet."""

    outputs: dict[str, Output] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """Output of kind VALUE → the object itself."""
    not_durable: dict[str, str] = field(default_factory=dict)
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
        self._namespace = namespace
        self._ignored = ignored
        self._changes = Changes()

    def find(self) -> Changes:
        now = {name: value for name, value in self._namespace.own().items() if name not in self._ignored}
        bound = [name for name in now if self._is_bound(name, now[name])]
        mutated = self._mutated(now, set(bound))
        # What the cell did not touch keeps its object: an output that is the same object is an alias of it.
        for name in self._inputs.variables():
            if name in now and name not in bound and name not in mutated:
                self._changes.owner.setdefault(id(now[name]), name)
        for name in [*bound, *mutated]:
            self._add(name, now[name])
        self._refuse_shared(now, mutated)
        for name in self._before.keys() - self._ignored:
            if name not in self._namespace.values:
                self._changes.outputs[name] = Output(name, OutputKind.DELETED)
        return self._changes

    def _is_bound(self, name: str, value: object) -> bool:
        return name not in self._before or self._before[name] is not value or name in self._names.always_binds

    def _mutated(self, now: Mapping[str, Any], bound: set[str]) -> list[str]:
        """Inputs whose content changed in place, and every other name of the same object."""
        changed: list[str] = []
        for name in self._inputs.variables():
            if name not in now or name in bound:
                continue
            was = self._inputs.read[DependencyKind.VALUE, name]
            try:
                if value_dependency(name, now[name], self._namespace).fingerprint != was.fingerprint:
                    changed.append(name)
            except NotFingerprintableError as error:
                self._changes.not_durable[name] = str(error)
        objects = {id(now[name]) for name in changed}
        aliases = [n for n, v in now.items() if id(v) in objects and n not in bound and n not in changed]
        return [*changed, *aliases]

    def _refuse_shared(self, now: Mapping[str, Any], mutated: list[str]) -> None:
        if not mutated:
            return
        changed = {name: now[name] for name in mutated}
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
        if name in self._imported or (name in self._defined and isinstance(value, types.FunctionType | type)):
            return Output(name, OutputKind.DEFINITION, self._fingerprint(name, value), type=kind_name)
        if isinstance(value, types.ModuleType):
            return Output(
                name, OutputKind.MODULE, self._fingerprint(name, value), type=kind_name, of=value.__name__
            )
        owner = self._changes.owner.get(id(value))
        fingerprint = self._fingerprint(name, value)
        if owner is not None and not isinstance(value, _ATOMS):
            return Output(name, OutputKind.ALIAS, fingerprint, type=kind_name, of=owner)
        self._changes.owner.setdefault(id(value), name)
        self._changes.values[name] = value
        return Output(name, OutputKind.VALUE, fingerprint, type=kind_name, summary=summarise(value))

    def _fingerprint(self, name: str, value: Any) -> str:
        return value_dependency(name, value, self._namespace).fingerprint


def with_last_value(changes: Changes, value: Any, namespace: Namespace) -> None:
    """Add the displayed last value as an output, so that ``_`` and ``Out`` come back; it is no variable.

    A value that cannot be kept is left out: the step is about its variables and what it showed.
    """
    if value is None:
        return
    owner = changes.owner.get(id(value))
    try:
        fingerprint = value_dependency(LAST_VALUE, value, namespace).fingerprint
    except NotFingerprintableError:
        return
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if owner is not None:
        changes.outputs[LAST_VALUE] = Output(LAST_VALUE, OutputKind.ALIAS, fingerprint, type=kind, of=owner)
        return
    changes.values[LAST_VALUE] = value
    changes.outputs[LAST_VALUE] = Output(
        LAST_VALUE, OutputKind.VALUE, fingerprint, type=kind, summary=summarise(value)
    )


def add_state(changes: Changes, state: Mapping[str, Any]) -> None:
    """Add what the cell did to the process outside the namespace; names with a dot are no variables."""
    for part, value in state.items():
        name = f"state.{part}"
        changes.values[name] = value
        changes.outputs[name] = Output(name, OutputKind.STATE, fingerprint(value), of=part)

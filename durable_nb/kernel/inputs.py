"""What a cell reads, resolved against the namespace before it runs."""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from durable_nb.core.analysis import Names
from durable_nb.core.code import CodeReader
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.options import Options
from durable_nb.core.summary import summarise
from durable_nb.kernel import modules
from durable_nb.kernel.namespace import Namespace

ReadSet = dict[tuple[DependencyKind, str], Dependency]


@dataclass(slots=True)
class Inputs:
    """The variables, functions, classes and modules that a cell reads."""

    read: ReadSet = field(default_factory=dict)
    unprovable: dict[str, str] = field(default_factory=dict)
    """Name → why its content cannot be fingerprinted."""
    texts: set[str] = field(default_factory=set)
    """Strings and paths among the values and in the functions' code: they may name files."""
    environment: set[str] = field(default_factory=set)
    """Names that the code may look up in the environment."""

    def variables(self) -> list[str]:
        """The names whose values are read as data."""
        return [name for kind, name in self.read if kind is DependencyKind.VALUE]

    @property
    def key(self) -> str:
        """One fingerprint of all that is read."""
        parts = sorted((kind.value, name, d.fingerprint) for (kind, name), d in self.read.items())
        return digest(*(text for part in parts for text in part))


def find_inputs(names: Names, options: Options, namespace: Namespace) -> Inputs:
    """Resolve the names that a cell may read, and what the functions among them read in turn."""
    return _Resolver(options, namespace).resolve(names)


def value_dependency(name: str, value: object, namespace: Namespace) -> Dependency:
    """The present state of one variable.

    Raises:
        NotFingerprintableError: Its content cannot be hashed.
    """
    return _dependency(name, value, CodeReader(namespace.values, modules.module_fingerprint))


def _dependency(name: str, value: object, reader: CodeReader) -> Dependency:
    if isinstance(value, types.ModuleType):
        return Dependency(
            DependencyKind.VALUE, name, digest("module", value.__name__), f"module {value.__name__}"
        )
    kind, summary = DependencyKind.VALUE, ""
    if isinstance(value, type):
        kind, summary = DependencyKind.CLASS, f"class {value.__qualname__}"
    elif isinstance(value, types.FunctionType):
        kind, summary = DependencyKind.FUNCTION, f"function {value.__qualname__}"
    return Dependency(kind, name, fingerprint(value, of_code=reader.of_code), summary or summarise(value))


def module_dependency(module: str) -> Dependency:
    """The present state of a module, imported or not.

    Raises:
        NotFingerprintableError: Its source cannot be read.
    """
    return Dependency(
        DependencyKind.MODULE, module, modules.module_fingerprint(module), modules.describe(module)
    )


class _Resolver:
    def __init__(self, options: Options, namespace: Namespace) -> None:
        self._options = options
        self._namespace = namespace
        self._found = Inputs()
        self._seen: set[str] = set(options.ignore)
        self._queue: list[str] = []

    def resolve(self, names: Names) -> Inputs:
        values = self._namespace.values
        # "for _ in …" binds IPython's own name for the last value; it does not read it.
        reads = [
            n for n in names.reads if n not in names.writes or n not in values or self._namespace.is_own(n)
        ]
        self._add(name for name in (*reads, *self._options.inputs) if self._is_readable(name))
        self._add_known(names.mentioned)
        if names.reads_namespace:
            self._add_known(values)
        self._found.environment |= names.texts if names.reads_environment else set()
        for module in names.imports:
            self._add_module(module)
        while self._queue:
            name = self._queue.pop()
            try:
                self._read(name, values[name])
            except NotFingerprintableError as error:
                self._found.unprovable[name] = str(error)
        return self._found

    def _is_readable(self, name: str) -> bool:
        # IPython's own tools (get_ipython, exit, …) are the same in every session; its history is not.
        values = self._namespace.values
        return name in values and (self._namespace.is_own(name) or not callable(values[name]))

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._seen:
                self._seen.add(name)
                self._queue.append(name)

    def _add_known(self, names: Iterable[str]) -> None:
        values = self._namespace.values
        self._add(name for name in list(names) if name in values and self._namespace.is_own(name))

    def _read(self, name: str, value: Any) -> None:
        reader = CodeReader(self._namespace.values, modules.module_fingerprint)
        found = _dependency(name, value, reader)
        self._found.read[found.kind, name] = found
        if isinstance(value, types.ModuleType):
            self._add_module(value.__name__)
        elif found.kind is DependencyKind.VALUE:
            self._add_home(type(value))
        if isinstance(value, str | PurePath):
            self._found.texts.add(str(value))
        self._found.texts |= reader.texts
        self._found.environment |= reader.environment
        self._add_known(reader.globals)
        self._add_known(reader.mentioned)
        if reader.reads_namespace:
            self._add_known(self._namespace.values)

    def _add_home(self, cls: type) -> None:
        """An object of a project module brings its methods' code with it."""
        if modules.source_of(cls.__module__) is not None:
            self._add_module(cls.__module__)

    def _add_module(self, name: str) -> None:
        module = modules.canonical(name)
        if module is None or (DependencyKind.MODULE, module) in self._found.read:
            return
        try:
            self._found.read[DependencyKind.MODULE, module] = module_dependency(module)
        except NotFingerprintableError as error:
            self._found.unprovable[module] = str(error)

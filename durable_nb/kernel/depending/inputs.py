"""What a cell reads, resolved against the namespace before it runs."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from durable_nb.core.analysis import Names, identifiers
from durable_nb.core.code import CodeReader
from durable_nb.core.details import in_words
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.options import Options
from durable_nb.kernel.depending import module_state, modules, settings, topology
from durable_nb.kernel.depending.describing import detail_of
from durable_nb.kernel.history import is_history
from durable_nb.kernel.namespace import Namespace
from durable_nb.kernel.secret_values import HIDDEN, holds_secret, keyed

_LONGEST_EXPRESSION = 20_000
"""Characters; a longer text among the values is data."""

_BOUND = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})

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

    def describe(self, namespace: Namespace) -> None:
        """Note what explanations of later differences need; before the cell changes anything."""
        for key, found in self.read.items():
            if found.summary != HIDDEN:
                self.read[key] = replace(found, detail=detail_of(found, namespace.values))

    def names(self) -> frozenset[str]:
        """The names of the notebook that are read: values, functions and classes."""
        return frozenset(name for kind, name in self.read if kind in _BOUND)

    @property
    def key(self) -> str:
        """One fingerprint of all that is read."""
        parts = sorted((kind.value, name, d.fingerprint) for (kind, name), d in self.read.items())
        return digest(*(text for part in parts for text in part))


def find_inputs(names: Names, options: Options, namespace: Namespace) -> Inputs:
    """Resolve the names that a cell may read, and what the functions among them read in turn."""
    return _Resolver(options, namespace).resolve(names)


def value_dependency(
    name: str, value: object, namespace: Namespace, reader: CodeReader | None = None
) -> Dependency:
    """The present state of one variable.

    Args:
        name: Its name.
        value: Its value.
        namespace: Where it is.
        reader: Afterwards knows which code was met in the value.

    Raises:
        NotFingerprintableError: Its content cannot be hashed.
    """
    return _dependency(name, value, reader or new_reader(namespace))


def plain_dependency(name: str, value: object) -> Dependency:
    """The same of plain data, which holds no code.

    Raises:
        NotFingerprintableError: It is something else.
    """
    return _with_secret_hidden(
        Dependency(DependencyKind.VALUE, name, fingerprint(value), in_words(name, value)), value
    )


def _with_secret_hidden(found: Dependency, value: object) -> Dependency:
    if not holds_secret(value):
        return found
    return replace(found, fingerprint=keyed(found.fingerprint), summary=HIDDEN)


def new_reader(namespace: Namespace) -> CodeReader:
    """A reader of code as the notebook and its modules stand now."""
    return CodeReader(namespace.values, modules.module_fingerprint)


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
    found = fingerprint(value, of_code=reader.of_code)
    return _with_secret_hidden(Dependency(kind, name, found, summary or in_words(name, value)), value)


def module_dependency(module: str) -> Dependency:
    """The present state of a module, imported or not.

    Raises:
        NotFingerprintableError: Its source cannot be read.
    """
    return settings.find(module) or Dependency(
        DependencyKind.MODULE, module, module_state.module_fingerprint(module), modules.describe(module)
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
            self._add_known(self._namespace.names())
            self._add(n for n in names.mentioned if is_history(n) and self._is_readable(n))
        self._found.environment |= names.texts if names.reads_environment else set()
        for module in names.imports:
            self._add_module(module)
        while self._queue:
            name = self._queue.pop()
            try:
                self._read(name)
            except NotFingerprintableError as error:
                self._found.unprovable[name] = str(error)
        self._add_sharing()
        return self._found

    def _add_sharing(self) -> None:
        """How the inputs share objects; those that wait share them only if they are stored together."""
        lazy, values = self._namespace.lazy, self._namespace.values
        names = self._found.variables()
        bundles = Counter(w.bundle for name in names if (w := lazy.get(name)) is not None)
        lazy.load(n for n in names if (w := lazy.get(n)) is not None and bundles[w.bundle] > 1)
        loaded = {name: values[name] for name in names if name in values}
        for found in topology.together(loaded, new_reader(self._namespace)):
            self._found.read[found.kind, found.name] = found

    def _is_readable(self, name: str) -> bool:
        # IPython's own tools (get_ipython, exit, …) are the same in every session; its history is not.
        values = self._namespace.values
        return self._namespace.has(name) or (name in values and not callable(values[name]))

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._seen:
                self._seen.add(name)
                self._queue.append(name)

    def _add_known(self, names: Iterable[str]) -> None:
        self._add(name for name in list(names) if self._namespace.has(name))

    def _read(self, name: str) -> None:
        stored = self._namespace.lazy.dependency(name)
        if stored is not None:
            self._found.read[stored.kind, name] = stored
            return
        value = self._namespace.values[name]
        reader = new_reader(self._namespace)
        found = _dependency(name, value, reader)
        self._found.read[found.kind, name] = found
        if isinstance(value, types.ModuleType):
            self._add_module(value.__name__)
        elif found.kind is DependencyKind.VALUE:
            self._add_home(type(value))
        if isinstance(value, str | PurePath):
            self._found.texts.add(str(value))
            if len(str(value)) <= _LONGEST_EXPRESSION:
                self._add_known(identifiers(str(value)))  # df.query(wanted), duckdb.sql(question)
        for module in reader.modules:
            if modules.source_of(module) is not None:
                self._add_module(module)
        self._found.texts |= reader.texts
        self._found.environment |= reader.environment
        self._add_known(reader.globals)
        self._add_known(reader.mentioned)
        if reader.reads_namespace:
            self._add_known(self._namespace.names())

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

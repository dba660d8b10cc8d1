"""The details of live values and of code, for explanations of later differences.

Read only where a step executes or an explanation is asked for: a reused step needs none of it.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import os
import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from durable_nb.core.cells import parse_loosely
from durable_nb.core.details import MOST_ENTRIES, Detail, encode, in_words, is_secret, without_repetition
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.kernel.depending import modules

_DEEPEST = 3
"""Wrappers, closures and containers are looked into so far."""
_TABLES = frozenset({"pandas", "polars", "pyarrow"})


def detail_of(dependency: Dependency, values: Mapping[str, Any]) -> str:
    """The detail of something as it is now.

    Args:
        dependency: What it is.
        values: The variables that are in memory.
    """
    if dependency.detail:
        return dependency.detail
    if dependency.kind is DependencyKind.MODULE:
        name = dependency.name
        return encode(Detail(values=_module_variables(name), sources=_module_sources(name)))
    if dependency.kind in (DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS):
        name = dependency.name
        return detail_of_variable(name, values[name]) if name in values else ""
    return ""


def detail_of_variable(name: str, value: object) -> str:
    """The detail of a variable's value; nothing of one that seems to be secret."""
    return "" if is_secret(name, value) else detail_of_value(value)


def described(dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """The dependencies as a trace keeps them: with the sources of modules that were imported on the way."""
    found = (replace(one, detail=detail_of(one, {})) for one in dependencies)
    return tuple(without_repetition(found))


def detail_of_value(value: object) -> str:
    """The detail of a value: columns of a table, items of a container, sources of code."""
    try:
        return encode(_described(value))
    except Exception:  # noqa: BLE001 - foreign attributes may raise anything; an explanation is worth no failure
        return ""


def _described(value: Any) -> Detail:
    kind = type(value)
    if kind.__module__.partition(".")[0] in _TABLES:
        return _table(value, kind.__name__)
    collected = _Collected()
    collected.look(value, getattr(value, "__name__", ""), 0)
    return Detail(values=collected.values, sources=collected.sources)


def _table(value: Any, name: str) -> Detail:
    if name == "DataFrame" and hasattr(value, "dtypes"):  # of pandas or polars
        return Detail(len(value), _columns(zip(value.columns, value.dtypes, strict=True)))
    if name == "Table" and hasattr(value, "schema"):
        return Detail(value.num_rows, _columns(zip(value.schema.names, value.schema.types, strict=True)))
    if name == "Series":
        return Detail(len(value), {"values": str(value.dtype)})
    return Detail()


def _columns(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, dtype in pairs:
        text, number = str(name), 2
        while text in found:
            text, number = f"{name} ({number})", number + 1
        found[text] = str(dtype)
        if len(found) == MOST_ENTRIES:
            break
    return found


class _Collected:
    """Sources and values that were met on the way through one value."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self._seen: set[int] = set()

    def look(self, value: Any, way: str, depth: int) -> None:
        """Take note of a function, class, wrapper, container or object."""
        if depth > _DEEPEST or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, types.FunctionType):
            self._function(value, depth)
        elif isinstance(value, type):
            self._class(value, depth)
        elif isinstance(value, functools.partial):
            self._entries({**dict(enumerate(value.args)), **value.keywords}, "argument ", depth)
            self.look(value.func, way, depth + 1)
        elif isinstance(value, dict):
            self._entries(value, f"{way}." if depth else "", depth)
        elif type(value) in (list, tuple):
            self._entries(dict(enumerate(value[:MOST_ENTRIES])), f"{way}." if depth else "item ", depth)
        elif type(value).__module__ == "__main__" or modules.source_of(type(value).__module__) is not None:
            self._entries(getattr(value, "__dict__", {}), f"{way}." if depth else ".", depth)
            self.look(type(value), way, depth + 1)

    def _function(self, function: types.FunctionType, depth: int) -> None:
        inner = getattr(function, "__wrapped__", None)
        if modules.source_of(function.__module__ or "") is not None:
            self.sources |= _module_sources(function.__module__)
        elif inner is None or function.__module__ == "__main__":
            self._source(function.__qualname__, _source_of(function))
        self._entries(_defaults(function), "default ", depth)
        self._entries(_closure(function), "captured ", depth)
        if inner is not None:
            self.look(inner, "", depth + 1)

    def _class(self, cls: type, depth: int) -> None:
        if modules.source_of(cls.__module__) is not None:
            self.sources |= _module_sources(cls.__module__)
        elif cls.__module__ == "__main__":
            self._source(cls.__qualname__, _class_source(cls))
            plain = {n: v for n, v in vars(cls).items() if not n.startswith("__") and not callable(v)}
            self._entries(plain, f"{cls.__qualname__}.", depth)
            for base in cls.__bases__:
                self.look(base, "", depth + 1)

    def _source(self, name: str, text: str) -> None:
        if text:
            self.sources[name] = text

    def _entries(self, entries: Mapping[Any, Any], way: str, depth: int) -> None:
        room = MOST_ENTRIES - len(self.values)
        named = {f"{way}{name}": (name, value) for name, value in islice(entries.items(), max(0, room))}
        for label, (name, value) in named.items():
            self.values[label] = in_words(str(name), value)
        for label, (
            _,
            value,
        ) in named.items():  # after all of this level: they matter more than what is below
            if not isinstance(value, str | bytes | int | float | None) and not is_secret(str(name), value):
                self.look(value, label, depth + 1)


def _defaults(function: types.FunctionType) -> dict[str, Any]:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    positional = function.__defaults__ or ()
    named = dict(zip(names[len(names) - len(positional) :], positional, strict=True))
    return {**named, **(function.__kwdefaults__ or {})}


def _closure(function: types.FunctionType) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # a name that the enclosing function has not bound yet
            continue
    return found


def _source_of(function: types.FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError, SyntaxError):  # made by exec, or its cell is no longer known
        return ""


def _class_source(cls: type) -> str:
    """The class statement in the cell that its methods come from: inspect finds none in a notebook."""
    files = {v.__code__.co_filename for v in vars(cls).values() if isinstance(v, types.FunctionType)}
    for file in sorted(files):
        text = "".join(linecache.getlines(file))
        for node in ast.walk(parse_loosely(text)):
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                return ast.get_source_segment(text, node) or ""
    return ""


def _module_sources(module: str) -> dict[str, str]:
    """The files of a project module and of the project modules that it imports → their text."""
    try:
        files = modules.project_files(module)
    except NotFingerprintableError:
        return {}
    return {_shown(path): text for path in files if (text := _text(path)) is not None}


def _module_variables(module: str) -> dict[str, str]:
    """The variables of a project module that is loaded; functions, classes and modules are its source."""
    if module not in sys.modules or modules.source_of(module) is None:
        return {}
    return {
        f"{module}.{name}": in_words(name, value)
        for name, value in vars(sys.modules[module]).items()
        if not (name.startswith("__") or isinstance(value, types.ModuleType) or callable(value))
    }


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _shown(path: Path) -> str:
    """A file's path from the nearest folder that modules are imported from."""
    folders = [entry for entry in map(os.path.abspath, sys.path) if path.is_relative_to(entry)]
    return str(path.relative_to(max(folders, key=len))) if folders else path.name

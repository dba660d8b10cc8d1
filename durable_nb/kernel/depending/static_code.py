"""What a statement of a notebook binds, where that can be told without running the notebook.

Literals, imports, and functions and classes that need nothing to be defined. Code that only defines is
executed in a namespace of its own; no module is imported and no function called.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from durable_nb.core.cells import parse_loosely
from durable_nb.core.code import CodeReader, imported_identity
from durable_nb.core.definitions import only_defines
from durable_nb.core.details import decode, encode
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.planning import IMMUTABLE, Known
from durable_nb.kernel.depending import modules
from durable_nb.kernel.depending.describing import detail_of_value
from durable_nb.kernel.depending.inputs import plain_dependency

_MOST_REEXPORTS = 5
"""Modules through which a name is followed to the one that defines it."""


class StaticCode:
    """Evaluates statements one by one, in their order."""

    def __init__(self) -> None:
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._sources: dict[ast.stmt, str] = {}

    def remember(self, tree: ast.Module, source: str) -> None:
        """Keep the text of the definitions in a cell, for explanations."""
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._sources[statement] = ast.get_source_segment(source, statement) or ""

    def evaluate(self, statement: ast.stmt) -> Mapping[str, Known] | None:
        """What a statement binds; of some names it may not be told, None where it is of none."""
        try:
            return self._evaluate(statement)
        except (NotFingerprintableError, RecursionError, ValueError):
            return None

    def _evaluate(self, statement: ast.stmt) -> Mapping[str, Known] | None:
        if isinstance(statement, ast.Import):
            return {name: found for a in statement.names for name, found in _imported_module(a).items()}
        if isinstance(statement, ast.ImportFrom):
            return _imported_names(statement)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return self._defined(statement) if only_defines(statement) else None
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            return _assigned(statement)
        harmless = isinstance(statement, ast.Pass) or (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant | ast.Name)
        )
        return {} if harmless else None

    def _defined(self, statement: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> dict[str, Known]:
        code = compile(ast.Module([statement], []), "<plan>", "exec", dont_inherit=True)
        exec(code, self._namespace)
        value = self._namespace[statement.name]
        reader = CodeReader(self._namespace, modules.module_fingerprint)
        found = fingerprint(value, of_code=reader.of_code)
        is_class = isinstance(value, type)
        kind = DependencyKind.CLASS if is_class else DependencyKind.FUNCTION
        summary = f"{'class' if is_class else 'function'} {statement.name}"
        detail = replace(decode(detail_of_value(value)), sources={statement.name: self._sources[statement]})
        reads = frozenset(reader.globals | reader.mentioned)
        dependency = Dependency(kind, statement.name, found, summary, encode(detail))
        return {statement.name: Known(dependency, True, reads)}


def literal(name: str, value: object) -> Known:
    """What a name holds that plain data is assigned to.

    Raises:
        NotFingerprintableError: The value is something else.
    """
    immutable = f"{type(value).__module__}.{type(value).__qualname__}" in IMMUTABLE
    return Known(plain_dependency(name, value), immutable)


def _imported_module(alias: ast.alias) -> dict[str, Known]:
    module = alias.name if alias.asname else alias.name.partition(".")[0]
    name = alias.asname or module
    return {name: _module(name, module)}


def _module(name: str, module: str) -> Known:
    loaded = sys.modules.get(module)
    own_name = module if loaded is None else loaded.__name__  # os.path calls itself posixpath
    found = Dependency(DependencyKind.VALUE, name, digest("module", own_name), f"module {own_name}")
    return Known(found, immutable=True)


def _imported_names(statement: ast.ImportFrom) -> dict[str, Known] | None:
    if statement.level or statement.module is None:
        return None
    if statement.module == "__future__":
        return {}
    found: dict[str, Known] = {}
    for alias in statement.names:
        name = alias.asname or alias.name
        known = _imported_name(name, statement.module, alias.name)
        if known is not None:
            found[name] = known
    return found or None


def _imported_name(name: str, module: str, attribute: str) -> Known | None:
    """What a name is bound to that is imported from a module."""
    if modules.exists(f"{module}.{attribute}"):
        return _module(name, f"{module}.{attribute}")
    definition = _find_definition(module, attribute)
    if definition is None:
        return None
    home, is_class = definition
    identity = imported_identity(home, attribute, modules.module_fingerprint)
    kind = DependencyKind.CLASS if is_class else DependencyKind.FUNCTION
    stand_in = types.FunctionType((lambda: None).__code__, {}, attribute)
    found = fingerprint(stand_in, of_code=lambda _: identity)
    summary = f"{'class' if is_class else 'function'} {attribute}"
    return Known(Dependency(kind, name, found, summary), immutable=True)


def _find_definition(module: str, attribute: str) -> tuple[str, bool] | None:
    """The module whose source defines a plain function or class, and which of them it is."""
    for _ in range(_MOST_REEXPORTS):
        tree = _source_tree(module)
        binding = _last_binding(tree, attribute) if tree is not None else None
        if isinstance(binding, ast.FunctionDef | ast.AsyncFunctionDef):
            return None if binding.decorator_list else (module, False)
        if isinstance(binding, ast.ClassDef):
            return None if binding.decorator_list else (module, True)
        if not isinstance(binding, ast.ImportFrom):
            return None
        found = next((a for a in binding.names if (a.asname or a.name) == attribute), None)
        if found is None or found.name != attribute:
            return None
        module = modules.resolved(binding, module)
    return None


def _source_tree(module: str) -> ast.Module | None:
    path = modules.python_file(module)
    return parse_loosely(path.read_text(encoding="utf-8", errors="replace")) if path is not None else None


def _last_binding(tree: ast.Module, name: str) -> ast.stmt | None:
    """The top-level statement that binds a name; None where several might."""
    found = [statement for statement in tree.body if name in _bound_by(statement)]
    return found[0] if len(found) == 1 else None


def _bound_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {a.asname or a.name.partition(".")[0] for a in statement.names}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _assigned(statement: ast.Assign | ast.AnnAssign) -> dict[str, Known] | None:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    if statement.value is None or not all(isinstance(target, ast.Name) for target in targets):
        return None
    value = ast.literal_eval(statement.value)
    return {target.id: literal(target.id, value) for target in targets if isinstance(target, ast.Name)}

"""What a cell's code says about the names it reads and writes, and about what its strings mention."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from durable_nb.core.scopes import ModuleScope

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_NAMESPACE_READERS = frozenset({"globals", "eval", "exec"})
_NAMESPACE_READERS_WITHOUT_ARGUMENTS = frozenset({"locals", "vars", "dir"})
_NAMESPACE_ATTRIBUTES = frozenset({"user_ns", "user_global_ns", "f_globals", "__globals__", "_getframe"})

ENVIRONMENT_READERS = frozenset({"environ", "environb", "getenv"})
_WRITERS = ("to_", "write", "save", "dump", "sink_")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one cell, at module level."""

    reads: frozenset[str]
    """Names the cell may read before it binds them itself."""
    writes: frozenset[str]
    """Names the cell may bind."""
    always_binds: frozenset[str]
    """Names it binds whenever it ends without an error."""
    deletes: frozenset[str]
    mentioned: frozenset[str]
    """Identifiers inside string literals: reads, where they are names of variables."""
    texts: frozenset[str]
    """The string literals themselves: paths may be among them."""
    written_texts: frozenset[str]
    """Those that are arguments of calls such as ``to_parquet`` or ``savefig``."""
    imports: frozenset[str]
    """Dotted modules that import statements of the cell name."""
    reads_environment: bool
    """The cell uses ``os.environ`` or ``getenv``: its string literals may name environment variables."""
    reads_namespace: bool
    """The cell uses ``globals()``, ``eval`` or the like: it may read any name."""


def analyse(tree: ast.Module) -> Names:
    """The names that a cell's code reads, binds, deletes and mentions."""
    scope = ModuleScope()
    scope.block(tree.body)
    scope.flush()
    nodes = list(ast.walk(tree))
    texts = frozenset(_texts(nodes))
    always_binds = scope.bound & scope.writes
    return Names(
        # What may keep its old value is as good as read: the value after the cell depends on the one before.
        reads=frozenset(scope.reads | (scope.writes - always_binds)),
        writes=frozenset(scope.writes),
        always_binds=frozenset(always_binds),
        deletes=frozenset(scope.deletes),
        mentioned=frozenset(word for text in texts for word in _IDENTIFIER.findall(text)),
        texts=texts,
        written_texts=frozenset(_written_texts(nodes)),
        imports=frozenset(_imports(nodes)),
        reads_environment=any(_reads_environment(node) for node in nodes),
        reads_namespace=any(_reads_namespace(node) for node in nodes),
    )


def first_bound_name(tree: ast.Module) -> str | None:
    """The first name that the cell's top-level statements bind, in their order; imports do not count."""
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        scope = ModuleScope()
        scope.block([statement])
        if scope.order:
            return scope.order[0]
    return None


Definitions: TypeAlias = list[tuple[ast.stmt, tuple[str, ...]]]
"""Statements that define names, with the names."""


def find_definitions(tree: ast.Module) -> Definitions:
    """The top-level import, def and class statements with the names each binds, in their order.

    Names that another statement of the cell binds too are left out: their value is not the definition's.
    """
    found = [(statement, names) for statement in tree.body if (names := _defined_by(statement))]
    others = [statement for statement in tree.body if not _defined_by(statement)]
    scope = ModuleScope()
    scope.block(others)
    kept = [
        (statement, tuple(name for name in names if name not in scope.writes)) for statement, names in found
    ]
    return [(statement, names) for statement, names in kept if names]


def _defined_by(statement: ast.stmt) -> tuple[str, ...]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (statement.name,)
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return tuple(a.asname or a.name.partition(".")[0] for a in statement.names if a.name != "*")
    return ()


def _reads_namespace(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        return node.func.id in _NAMESPACE_READERS_WITHOUT_ARGUMENTS
    if isinstance(node, ast.Attribute):
        return node.attr in _NAMESPACE_ATTRIBUTES
    return isinstance(node, ast.Name) and node.id in _NAMESPACE_READERS


def _reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ENVIRONMENT_READERS
    return isinstance(node, ast.Name) and node.id in ENVIRONMENT_READERS


def _imports(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")


def _texts(nodes: list[ast.AST]) -> Iterator[str]:
    docstrings = {id(node) for node in _docstrings(nodes)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _docstrings(nodes: list[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr):
                yield first.value


def _written_texts(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name.startswith(_WRITERS):
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            constants = (a.value for a in arguments if isinstance(a, ast.Constant))
            yield from (value for value in constants if isinstance(value, str))

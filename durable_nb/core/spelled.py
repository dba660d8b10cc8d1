"""Code that reaches a variable through ``globals()`` by a name that stands there: as if it named it."""

from __future__ import annotations

import ast
import copy
from typing import TypeVar

_NAMESPACES = frozenset({"dir", "globals", "locals", "vars"})
_READERS = frozenset({"get", "pop", "setdefault"})
_Tree = TypeVar("_Tree", bound=ast.AST)


def spelled_out(tree: _Tree) -> _Tree:
    """The code with ``globals()["x"]``, ``globals().get("x")`` and ``"x" in globals()`` written as ``x``.

    What it does is another thing then; which variables it reads and binds is easier to see.
    """
    if not any(isinstance(node, ast.Name) and node.id in _NAMESPACES for node in ast.walk(tree)):
        return tree
    return _Speller().visit(copy.deepcopy(tree))  # type: ignore[no-any-return]


class _Speller(ast.NodeTransformer):
    """Writes such an expression as the variable that it is about."""

    # In a function, locals() and vars() are about its own variables: what is read too much costs little.

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        name = _text(node.slice)
        if name and _is_namespace(node.value):
            return ast.copy_location(ast.Name(name, node.ctx), node)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        name = _text(node.left)
        only = len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn)
        if name and only and _is_namespace(node.comparators[0]):
            return ast.copy_location(ast.Name(name, ast.Load()), node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        method = node.func
        if isinstance(method, ast.Attribute) and method.attr in _READERS and _is_namespace(method.value):
            name = _text(node.args[0]) if node.args else ""
            if name:
                read: list[ast.expr] = [ast.Name(name, ast.Load())]
                rest: list[ast.expr] = [self.visit(argument) for argument in node.args[1:]]
                return ast.fix_missing_locations(ast.copy_location(ast.Tuple(read + rest, ast.Load()), node))
        return self.generic_visit(node)


def _text(node: ast.expr) -> str:
    is_name = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    return str(node.value) if is_name else ""  # type: ignore[attr-defined]


def _is_namespace(node: ast.expr) -> bool:
    plain = isinstance(node, ast.Call) and not node.args and not node.keywords
    return plain and getattr(node.func, "id", "") in _NAMESPACES  # type: ignore[attr-defined]

"""Which variables code may change in place. For predictions: nothing is decided by it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_FUNCTIONS = """
abs all any bool dict dir display enumerate float format frozenset getattr hasattr hash id int isinstance
issubclass iter len list max min print range repr reversed round set sorted str sum tuple type vars zip
"""
_METHODS = """
all any copy corr count counts describe exists filter get groupby head hist info items join keys max mean
median memory_usage min nlargest nsmallest nunique plot query sample shape split startswith std strip sum tail
to_csv to_dict to_numpy to_pandas to_parquet to_string unique value_counts values var
"""
_LOOKING_FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Builtins, and IPython's ``display``, that leave their arguments as they are."""
_LOOKING_METHODS = frozenset(_METHODS.split())
"""Methods of common types that leave their object as it is."""


def may_change(tree: ast.AST) -> frozenset[str]:
    """The names whose objects the code may change, or hand to somebody who may."""
    finder = _Finder()
    finder.visit(tree)
    return frozenset(finder.found)


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def generic_visit(self, node: ast.AST) -> None:
        """Look at what a node does with the names right below it, then below them."""
        for child in _escaping(node):
            root = _root(child)
            if root is not None:
                self.found.add(root)
        super().generic_visit(node)


def _escaping(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions whose objects this node stores into, or stores somewhere, or hands on."""
    match node:
        case ast.Call():
            yield from _handed_on(node)
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            yield node.value
        case ast.AugAssign(target=target):
            yield target
        case ast.Assign() | ast.AnnAssign() | ast.NamedExpr() | ast.Return() | ast.Yield():
            yield from [node.value] if node.value is not None else []
        case ast.For(iter=items) | ast.AsyncFor(iter=items) | ast.comprehension(iter=items):
            yield items
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts) | ast.Dict(values=parts):
            yield from parts


def _handed_on(call: ast.Call) -> list[ast.expr]:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if isinstance(call.func, ast.Name) and call.func.id in _LOOKING_FUNCTIONS:
        return []
    if isinstance(call.func, ast.Attribute):
        if call.func.attr not in _LOOKING_METHODS:
            return [*given, call.func.value]
        in_place = any(keyword.arg == "inplace" for keyword in call.keywords)
        return [call.func.value] if in_place else []
    return given


def _root(node: ast.expr) -> str | None:
    """The name that an expression such as ``a.b[0]`` begins with; None for one that makes a new object."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None

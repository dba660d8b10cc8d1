"""Code that may be left out when all that it looks at is as it was: it shows, and does nothing besides."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from durable_nb.core.definitions import is_harmless

_OF_NO_CONSEQUENCE = re.compile(
    r"^[ \t]*%(?:load_ext|reload_ext|matplotlib|config|precision)\b[^\n]*$", re.MULTILINE
)
_FUNCTIONS = """
abs all any bool dict display float format frozenset int isinstance len list max min print range repr reversed
round set sorted str sum tuple type zip
"""
_METHODS = """
describe head hist info items keys max mean median min nunique plot round std sum tail to_string value_counts
values
"""
_LOOKING_FUNCTIONS = frozenset(_FUNCTIONS.split())
_LOOKING_METHODS = frozenset(_METHODS.split())
_PARTS = (
    ast.Attribute
    | ast.BinOp
    | ast.BoolOp
    | ast.Call
    | ast.Compare
    | ast.Constant
    | ast.Dict
    | ast.FormattedValue
    | ast.IfExp
    | ast.JoinedStr
    | ast.List
    | ast.Name
    | ast.Set
    | ast.Slice
    | ast.Starred
    | ast.Subscript
    | ast.Tuple
    | ast.UnaryOp
)
"""Expressions that do nothing of their own accord."""


def only_looks(source: str, imported: Collection[str] = ()) -> bool:
    """Whether a cell only imports, defines, and shows or measures what others have made.

    Args:
        source: The code of the cell.
        imported: Names of modules: what these hold may change, and nothing says so.
    """
    try:
        tree = ast.parse(_OF_NO_CONSEQUENCE.sub("pass", source))
    except (SyntaxError, ValueError):
        return False
    return all(is_harmless(statement) or _is_look(statement, imported) for statement in tree.body)


def _is_look(statement: ast.stmt, imported: Collection[str]) -> bool:
    match statement:
        case ast.Expr(value=value) | ast.Assign(targets=[ast.Name()], value=value):
            return all(_is_look_at(node, imported) for node in ast.walk(value) if isinstance(node, ast.expr))
    return False


def _is_look_at(node: ast.expr, imported: Collection[str]) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="durable_nb"), attr="metric")):
            return True
        case ast.Call(func=ast.Name(id=name), keywords=keywords):
            return name in _LOOKING_FUNCTIONS and all(
                keyword.arg not in {"file", "key"} for keyword in keywords
            )
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _LOOKING_METHODS
        case ast.Name(id=name):
            return name == "durable_nb" or name not in imported
    return isinstance(node, _PARTS)

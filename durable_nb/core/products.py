"""What a cell would have made: what others lack after it has failed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from durable_nb.core.analysis import analyse
from durable_nb.core.cells import parse_loosely

_CHANGING_METHODS = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "fit", "fit_predict"}
    | {"fit_transform", "insert", "partial_fit", "pop", "popitem", "popleft", "remove", "reverse", "rotate"}
    | {"setdefault", "shuffle", "sort", "update"}
)
"""Methods of common types that change their object, also where their value is used."""
_LOOKING_FUNCTIONS = frozenset({"dir", "display", "help", "len", "print", "type", "vars"})
_BOUND_IN_TEXT = re.compile(
    r"^(?:([^\W\d]\w*(?:[ \t]*,[ \t]*[^\W\d]\w*)*)[ \t]*(?::[^=\n]+)?=(?!=)"
    r"|(?:async[ \t]+)?(?:def|class)[ \t]+(\w+))",
    re.MULTILINE,
)


def names_made(tree: ast.Module) -> frozenset[str]:
    """The names that a cell binds or deletes, or whose objects it is there to change.

    Nobody knows without running it which of its arguments a function changes: those count that are handed to
    a call whose value nobody keeps, ``normalise(df)``, not those of ``model = fit(df)``.
    """
    names = analyse(tree)
    return names.writes | names.deletes | frozenset(_changed(tree))


def names_made_in_text(source: str) -> frozenset[str]:
    """The same for a cell that Python cannot parse: what its lines seem to bind."""
    tree = parse_loosely(source)
    if tree.body:
        return names_made(tree)
    groups = (match[1] or match[2] for match in _BOUND_IN_TEXT.finditer(source))
    return frozenset(name.strip() for group in groups for name in group.split(","))


def _changed(tree: ast.Module) -> Iterator[str]:
    shown = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    for node in ast.walk(tree):
        for part in _objects_changed(node, kept=node is shown):
            root = part
            while isinstance(root, ast.Attribute | ast.Subscript | ast.Starred):
                root = root.value
            if isinstance(root, ast.Name):
                yield root.id


def _objects_changed(node: ast.AST, *, kept: bool) -> Iterator[ast.expr]:
    """The expressions whose objects a node changes; the value of the last expression is ``kept``: shown."""
    match node:
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            yield node.value
        case ast.AugAssign(target=target):
            yield target
        case ast.Call(func=ast.Attribute() as method) if _changes(node, method.attr):
            yield method.value
        case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call)):
            yield from () if kept else _for_its_effect(call)


def _changes(call: ast.Call, method: str) -> bool:
    in_place = any(
        keyword.arg == "inplace" and getattr(keyword.value, "value", True) for keyword in call.keywords
    )
    return in_place or method in _CHANGING_METHODS


def _for_its_effect(call: ast.Call) -> Iterator[ast.expr]:
    """What a call whose value nobody keeps is about."""
    function = call.func
    if isinstance(function, ast.Attribute):
        yield function.value
    elif isinstance(function, ast.Name) and function.id not in _LOOKING_FUNCTIONS:
        yield from call.args
        yield from (keyword.value for keyword in call.keywords)

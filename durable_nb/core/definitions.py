"""Statements that do nothing but define: to execute them again, elsewhere, changes nothing."""

from __future__ import annotations

import ast
import builtins

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def only_defines(statement: Definition) -> bool:
    """Whether executing a definition runs nothing of the user's and needs nothing of the notebook."""
    if statement.decorator_list:
        return False
    if isinstance(statement, ast.ClassDef):
        plain_bases = all(_is_plain(base) for base in statement.bases)
        return plain_bases and not statement.keywords and all(_is_plain_member(s) for s in statement.body)
    arguments = statement.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    parts = [*arguments.defaults, *arguments.kw_defaults, *(a.annotation for a in every), statement.returns]
    return all(part is None or _is_plain(part) for part in parts)


def is_harmless(statement: ast.stmt) -> bool:
    """Whether a statement is an import, a definition, a literal that gets a name, or nothing at all."""
    match statement:
        case ast.Import() | ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.ImportFrom():
            return all(alias.name != "*" for alias in statement.names)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return only_defines(statement)
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(target, ast.Name) for target in targets) and is_literal(value)
        case ast.AnnAssign(target=ast.Name(), value=value):
            return value is None or is_literal(value)
    return False


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a literal, or made of literals only."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _is_plain_member(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return only_defines(statement)
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        annotation = statement.annotation if isinstance(statement, ast.AnnAssign) else None
        return (statement.value is None or _is_plain(statement.value)) and (
            annotation is None or _is_plain(annotation)
        )
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _is_plain(node: ast.expr) -> bool:
    """Whether an expression is made of literals and the names of builtins."""
    allowed = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.USub, ast.Load)
    more = (ast.Subscript, ast.BinOp, ast.BitOr)  # list[int], int | None
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if not hasattr(builtins, part.id):
                return False
        elif not isinstance(part, allowed + more):
            return False
    return True

"""What code needs of the notebook, for the question whether it can run although another cell failed.

A name inside a string counts only where the string is code: SQL, a query, an expression. What a reuse depends
on may be guessed too widely, that costs time; a cell that is kept from running without need costs its result.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from durable_nb.core.analysis import analyse, identifiers, without_uncalled_bodies
from durable_nb.core.cells import parse_loosely
from durable_nb.core.spelled import spelled_out

LONGEST_CODE = 20_000
"""Characters; a longer string is data."""

_SQL = re.compile(
    r"\bselect\b.*\bfrom\b|^\s*(?:from|with|describe|summarize|pivot)\s+\w", re.IGNORECASE | re.DOTALL
)
_SQL_SOURCE = re.compile(r"\b(?:from|join)\s+(\w+)", re.IGNORECASE)
_QUERY_VARIABLE = re.compile(r"@([^\W\d]\w*)")
_EXPANDED = re.compile(r"\{([^\W\d]\w*)|\$([^\W\d]\w*)")
"""Variables that IPython puts into the text of a magic or of a shell command."""
_TALKING = frozenset(
    {
        "annotate",
        "critical",
        "debug",
        "display",
        "echo",
        "error",
        "exception",
        "info",
        "log",
        "print",
        "secho",
    }
    | {"set_title", "set_xlabel", "set_ylabel", "suptitle", "text", "title", "warn", "warning", "xlabel"}
    | {"ylabel"}
)
"""Functions whose strings are for people."""
_RUNS_PYTHON = frozenset({"capture", "prun", "time", "timeit"})
"""Magics below or behind which Python stands."""


@dataclass(slots=True)
class Needs:
    """What running a piece of code needs."""

    names: set[str] = field(default_factory=set)
    """Names that it reads before it binds them itself, or deletes."""
    texts: set[str] = field(default_factory=set)
    """Its strings: names of files may be among them."""
    modules: set[str] = field(default_factory=set)
    """Modules that it imports."""
    everything: bool = False
    """It uses ``globals()`` or the like: it may read any name."""


def needs_of(tree: ast.Module) -> Needs:
    """What running a cell needs; the functions that it calls need more."""
    running = spelled_out(without_uncalled_bodies(tree))
    names = analyse(running)
    everything = names.reads_namespace and analyse(_without_magics(running)).reads_namespace
    found = Needs({*names.reads, *names.deletes}, set(names.texts), set(names.imports), everything)
    nodes = list(ast.walk(running))
    for_people = {id(part) for node in nodes if _talks(node) for part in ast.walk(node)}
    for node in nodes:
        if _is_text(node) and id(node) not in for_people:
            found.names.update(names_in(node.value))  # type: ignore[attr-defined]
        elif isinstance(node, ast.Call) and _is_shells(node):
            _add_magic(node, found)
    return found


def names_in(text: str) -> set[str]:
    """The names that a string reads if it is SQL, a query or an expression; none where it is plain text."""
    if len(text) > LONGEST_CODE:
        return set()
    found = {match[1] for match in _SQL_SOURCE.finditer(text)} | set(_QUERY_VARIABLE.findall(text))
    if _SQL.search(text):
        return found.union(identifiers(text))
    return found | set(_names_in_expression(_QUERY_VARIABLE.sub(r"\1", text)))


def _names_in_expression(text: str) -> Iterator[str]:
    if " " not in text and "(" not in text and "[" not in text:
        return  # a word, a path, a label with a hyphen
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return
    yield from (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _talks(node: ast.AST) -> bool:
    """Whether the strings below a node are written for people."""
    if isinstance(node, ast.Raise | ast.Assert) or (isinstance(node, ast.Expr) and _is_text(node.value)):
        return True
    name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
    return name in _TALKING or name.endswith(("Error", "Exception", "Warning"))


def _is_shells(call: ast.Call) -> bool:
    """Whether this is what IPython makes of a magic or of a shell command."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Call)
        and getattr(function.value.func, "id", "") == "get_ipython"
    )


def _without_magics(tree: ast.Module) -> ast.Module:
    """The cell without statements that are a magic each: ``%whos`` only shows what there is."""
    body = [
        s
        for s in tree.body
        if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and _is_shells(s.value))
    ]
    return ast.Module(body, tree.type_ignores)


def _add_magic(call: ast.Call, found: Needs) -> None:
    words = [
        part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    if not words:
        return
    if words[0] not in _RUNS_PYTHON:
        for text in words:
            found.names |= names_in(text) | {first or second for first, second in _EXPANDED.findall(text)}
        return
    inner = needs_of(parse_loosely(words[-1]))
    found.names |= inner.names
    found.texts |= inner.texts
    found.modules |= inner.modules
    found.everything |= inner.everything

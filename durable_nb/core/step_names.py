"""A name for a cell that is to become a step."""

from __future__ import annotations

import ast
import builtins
import itertools
import keyword
import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath, PureWindowsPath

from durable_nb.core.analysis import first_bound_name
from durable_nb.core.cells import comment_out, find_marker, parse_loosely
from durable_nb.core.parameter_cells import comment_out_parameters

_LONGEST = 40
_PLAIN = "step"
_SHOWS = frozenset({"display", "get_ipython", "head", "show", "tail"})
"""Functions that tell nothing of what a cell is about; nor do those of Python itself."""
_SHELL = re.compile(r"^\s*(?:!|%%?)\s*(?P<command>[^\W\d]\w*)", re.MULTILINE)
_FILE = re.compile(r"[^\n\r]{0,200}\.\w{1,8}")


def suggest_step_name(source: str, taken: Collection[str]) -> str:
    """A name for a cell: of what it binds first, as an unnamed ``%%step`` has, else of what it does.

    Args:
        source: The cell.
        taken: Names that it must not have; steps of the notebook.

    Returns:
        An identifier that is neither a keyword nor a builtin of Python.
    """
    marker = find_marker(source)
    code = comment_out_parameters(comment_out(source, marker) if marker is not None else source)
    wanted = next((name for text in _words_for(code) if (name := _as_name(text))), _PLAIN)
    return next(name for name in _numbered(wanted) if name not in taken)


def _words_for(code: str) -> Iterator[str]:
    """What the cell may be called after, the best first."""
    tree = parse_loosely(code)
    yield first_bound_name(tree) or ""
    files = [_stem(text) for text in _texts(tree) if _FILE.fullmatch(text)]
    calls = [name for name in _calls(tree) if name not in _SHOWS and not hasattr(builtins, name)]
    yield from (f"{call}_{file}" for call, file in zip(calls[:1], files[:1], strict=False))
    yield from calls
    yield from files
    yield from (found["command"] for found in _SHELL.finditer(code))


def _stem(path: str) -> str:
    return PurePosixPath(PureWindowsPath(path).as_posix()).stem


def _texts(tree: ast.Module) -> Iterator[str]:
    return (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def _calls(tree: ast.Module) -> Iterator[str]:
    """The names of the functions that the statements of a cell call, outermost first."""
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                yield from _called(node)


def _called(call: ast.Call) -> list[str]:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return [name]
    return []  # what is called has no name itself


def _as_name(text: str) -> str:
    """An identifier for a word; empty where none can be made of it."""
    name = text if text.isidentifier() and text.strip("_") else re.sub(r"\W+", "_", text).strip("_")
    name = name[:_LONGEST]
    if name[:1].isdigit():
        name = f"{_PLAIN}_{name}"
    if not name.isidentifier():
        return ""
    return f"{name}_{_PLAIN}" if keyword.iskeyword(name) or hasattr(builtins, name) else name


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in itertools.count(2))

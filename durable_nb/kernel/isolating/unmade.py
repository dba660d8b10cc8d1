"""What a cell that failed would have made, and others lack: names, and files."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from durable_nb.core.analysis import analyse, without_uncalled_bodies
from durable_nb.core.cells import parse_loosely
from durable_nb.core.code import names_read_by
from durable_nb.core.model import OutputKind, Trace
from durable_nb.core.needs import names_in
from durable_nb.core.products import Changes, changes_of
from durable_nb.core.spelled import spelled_out
from durable_nb.kernel.depending.modules import is_projects
from durable_nb.kernel.depending.sharing import meet, reachable

_CONTAINERS = (list, dict, set, bytearray)
"""What is done to one of these itself leaves what it holds alone."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a step has made when it last completed."""

    code: str
    """Fingerprint of its code then."""
    names: frozenset[str]


def made_by(trace: Trace) -> Made:
    """What a trace tells of it."""
    kinds = {OutputKind.STATE, OutputKind.FILE}
    names = (output.name for output in trace.outputs if output.kind not in kinds)
    return Made(trace.code, frozenset(name for name in names if name.isidentifier()))


def unmade(
    tree: ast.Module,
    variables: Mapping[str, Any],
    *,
    changed: Iterable[str] = (),
    code: str = "",
    last: Made | None = None,
) -> set[str]:
    """The names that a cell would have given a value, or whose objects it would have changed.

    A variable that holds a part of what the cell would have changed is among them.

    Args:
        tree: Its code.
        variables: The notebook's, as they are without it.
        changed: Names whose objects the attempt that failed has changed.
        code: Fingerprint of its code.
        last: What it made when it last completed; None where it never has, as far as is known.
    """
    running = spelled_out(without_uncalled_bodies(tree))
    plain = analyse(running)
    changes, rebound = _what_it_changes(running, variables)
    bound = plain.writes | plain.deletes | rebound
    if last is not None and last.code == code:
        objects, below = changes.objects & last.names, {*changed, *(last.names - bound)}
    else:
        # An edited cell may not make any more what it made before, unless it still names it.
        named = plain.reads | plain.writes | plain.mentioned
        before = last.names if last is not None else frozenset()
        kept = before if plain.reads_namespace else before & named
        objects, below = changes.objects, {*changed, *(kept - bound), *_below(changes, variables)}
    objects, below = (_without_libraries(names, variables) for names in (objects, below))
    found = {*bound, *objects, *below, *_holders(objects, below, variables)}
    return found - set(_there_already(tree, variables))


def _what_it_changes(tree: ast.Module, variables: Mapping[str, Any]) -> tuple[Changes, set[str]]:
    """What a cell and the notebook's functions that it uses change in place, and what those bind anew."""
    found, rebound = changes_of(tree), set[str]()
    for function in _functions_of(tree, variables):
        names = analyse(function)
        own = {getattr(statement, "name", "") for statement in function.body}
        rebound |= (names.writes | names.deletes) - own
        found.add(changes_of(function))
    return found, rebound


def _functions_of(tree: ast.Module, variables: Mapping[str, Any]) -> Iterator[ast.Module]:
    """The code of the notebook's functions, and of its classes' methods, that a cell uses."""
    queue = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        value = variables.get(name)
        if name in seen or not isinstance(value, types.FunctionType | type) or value.__module__ != "__main__":
            continue
        seen.add(name)
        queue += names_read_by(value, variables, names_in) or ()
        for part in [value] if isinstance(value, types.FunctionType) else vars(value).values():
            if isinstance(part, types.FunctionType):
                yield parse_loosely(_source_of(part))


def _source_of(function: types.FunctionType) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError):
        return ""  # made by exec, or its cell is no longer known: the cell's own code must do


def _without_libraries(names: Iterable[str], variables: Mapping[str, Any]) -> set[str]:
    return {name for name in names if not _is_others(variables.get(name))}


def _below(changes: Changes, variables: Mapping[str, Any]) -> set[str]:
    """The names below which something changes; a function of a module is handed what it may change."""
    found = set(changes.below)
    for name, arguments in changes.called.items():
        if not isinstance(variables.get(name), types.ModuleType):
            found.add(name)
        elif not _is_others(variables[name]):
            found |= {name, *arguments}
    return found


def _is_others(value: Any) -> bool:
    """Whether it is a module of somebody else: what is set in it is no value of the notebook."""
    return isinstance(value, types.ModuleType) and not is_projects(value.__name__.partition(".")[0])


def _holders(objects: set[str], below: set[str], variables: Mapping[str, Any]) -> Iterator[str]:
    """The variables that hold what is changed in others."""
    changed = [_changed_in(variables[name], below=False) for name in objects & variables.keys()]
    changed += [_changed_in(variables[name], below=True) for name in below & variables.keys()]
    changed = [one for one in changed if one != set()]
    if not changed:
        return
    for name, value in variables.items():
        held = reachable([value])
        if any(meet(one, held) for one in changed):
            yield name


def _changed_in(value: Any, *, below: bool) -> set[int] | None:
    return {id(value)} if isinstance(value, _CONTAINERS) and not below else reachable([value])


def _there_already(tree: ast.Module, variables: Mapping[str, Any]) -> Iterator[str]:
    """Names that the cell only imports, and that are just that already."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [s for s in tree.body if s not in imports]
    bound_otherwise = analyse(ast.Module(others, [])).writes
    for statement in imports:
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            is_there = name in variables and variables[name] is _imported(statement, alias)
            if is_there and name not in bound_otherwise:
                yield name


def _imported(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> Any:
    """What a part of an import statement gives, if that is loaded; else something that nothing is."""
    nothing = object()
    if isinstance(statement, ast.Import):
        whole = alias.name if alias.asname else alias.name.partition(".")[0]
        return sys.modules.get(whole, nothing)
    if statement.level or statement.module is None:
        return nothing
    return getattr(sys.modules.get(statement.module), alias.name, nothing)


def modules_changed(names: Iterable[str], variables: Mapping[str, Any]) -> frozenset[str]:
    """The project's modules among what a cell would have changed, by their own names."""
    values = (variables.get(name) for name in names)
    return frozenset(value.__name__ for value in values if isinstance(value, types.ModuleType))


def still_good(names: Iterable[str], before: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    """What a plain cell that failed has bound for good: imported modules, functions and classes.

    Args:
        names: That the cell may have bound.
        before: Their values before it ran.
        values: The namespace.
    """
    for name in names:
        value = values.get(name)
        is_code = isinstance(value, types.FunctionType | types.BuiltinFunctionType | type)
        if isinstance(value, types.ModuleType) or (is_code and value is not before.get(name)):
            yield name


def files_made(tree: ast.Module, latest: Trace | None, globs: Iterable[str]) -> frozenset[str]:
    """The files that a step would have written, as far as its code and its latest trace tell."""
    traced = {o.name for o in latest.outputs if o.kind is OutputKind.FILE} if latest is not None else set()
    named = {text for text in analyse(tree).written_texts if _looks_like_a_path(text)}
    return frozenset({*traced, *named, *globs})


def _looks_like_a_path(text: str) -> bool:
    return 2 < len(text) < 1024 and "\n" not in text and ("." in text or "/" in text)

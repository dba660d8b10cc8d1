"""What a cell's code says about the names it reads and writes, and about what its strings mention."""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from durable_nb.core.scopes import ModuleScope

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_NAMESPACE_READERS = frozenset({"globals", "eval", "exec"})
_NAMESPACE_READERS_WITHOUT_ARGUMENTS = frozenset({"locals", "vars", "dir"})
_NAMESPACE_ATTRIBUTES = frozenset({"user_ns", "user_global_ns", "f_globals", "__globals__", "_getframe"})
_NAMESPACE_MAGICS = frozenset(
    {"debug", "macro", "psearch", "reset", "reset_selective", "run", "store", "who", "who_ls", "whos", "xdel"}
)

ENVIRONMENT_READERS = frozenset({"environ", "environb", "getenv"})
_CLASS_MAKERS = frozenset(
    {
        *("Enum", "Flag", "IntEnum", "IntFlag", "NamedTuple", "NewType", "ParamSpec", "StrEnum", "TypeVar"),
        *("TypedDict", "make_dataclass", "namedtuple", "new_class", "type"),
    }
)
"""Functions whose call is a definition: it gives the same class every time, and costs nothing."""
_LIVES_ON = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp, ast.ClassDef)
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
        mentioned=frozenset(word for text in texts for word in identifiers(text)),
        texts=texts,
        written_texts=frozenset(_written_texts(nodes)),
        imports=frozenset(_imports(nodes)),
        reads_environment=any(_reads_environment(node) for node in nodes),
        reads_namespace=any(_reads_namespace(node) for node in nodes),
    )


def identifiers(text: str) -> list[str]:
    """The words in a text that could be names of variables."""
    return _IDENTIFIER.findall(text)


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
    """The top-level statements that define imports, functions and classes, with their names, in their order.

    What gives a function or class of the cell a plain attribute belongs to its definition. Names that another
    statement of the cell binds too are left out: their value is not the definition's.
    """
    found: Definitions = []
    others: list[ast.stmt] = []
    for statement in tree.body:
        names = _defined_by(statement) or _completed_by(statement, {n for _, known in found for n in known})
        if names:
            found.append((statement, names))
        else:
            others.append(statement)
    scope = ModuleScope()
    scope.block(others)
    made = Counter(name for s, names in found if isinstance(s, ast.Assign) and s.targets for name in names
                   if isinstance(s.targets[0], ast.Name))  # fmt: skip
    ambiguous = scope.writes | {name for name, count in made.items() if count > 1}
    kept = [(statement, tuple(n for n in names if n not in ambiguous)) for statement, names in found]
    return [(statement, names) for statement, names in kept if names]


def _completed_by(statement: ast.stmt, defined: set[str]) -> tuple[str, ...]:
    """The function or class that ``f.attribute = value`` completes; nothing where the value is computed."""
    if not isinstance(statement, ast.Assign) or any(
        isinstance(n, ast.Call) for n in ast.walk(statement.value)
    ):
        return ()
    targets = [
        target.value.id
        for target in statement.targets
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    ]
    return tuple(targets) if len(targets) == len(statement.targets) and defined.issuperset(targets) else ()


def _defined_by(statement: ast.stmt) -> tuple[str, ...]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (statement.name,)
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return tuple(a.asname or a.name.partition(".")[0] for a in statement.names if a.name != "*")
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
        made_by = statement.value.func
        maker = getattr(made_by, "attr", getattr(made_by, "id", ""))
        targets = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        if maker in _CLASS_MAKERS and len(targets) == len(statement.targets) == 1:
            return tuple(targets)
    return ()


def _reads_namespace(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return _calls_for_namespace(node)
    if isinstance(node, ast.Subscript):
        return _is_the_notebook(node.slice)
    if isinstance(node, ast.Attribute):
        return node.attr in _NAMESPACE_ATTRIBUTES
    if isinstance(node, ast.Import):
        return any(alias.name == "__main__" for alias in node.names)
    return isinstance(node, ast.Name) and node.id in _NAMESPACE_READERS


def _calls_for_namespace(call: ast.Call) -> bool:
    if any(map(_is_the_notebook, call.args)):
        return True
    if isinstance(call.func, ast.Attribute):
        return _is_namespace_magic(call.func.attr, call.args)
    name = getattr(call.func, "id", "")
    return not call.args and name in _NAMESPACE_READERS_WITHOUT_ARGUMENTS


def _is_the_notebook(node: ast.expr) -> bool:
    """Whether this is the name of the notebook's own module, as in ``sys.modules["__main__"]``."""
    return isinstance(node, ast.Constant) and node.value == "__main__"


def _is_namespace_magic(method: str, arguments: list[ast.expr]) -> bool:
    if method not in {"run_line_magic", "run_cell_magic"} or not arguments:
        return False
    first = arguments[0]
    return not isinstance(first, ast.Constant) or first.value in _NAMESPACE_MAGICS


def without_uncalled_bodies(tree: ast.Module) -> ast.Module:
    """The cell without the bodies of functions that it defines and does not name again.

    Running the cell cannot run these; running a cell that names one of them can.
    """
    named = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    body = [_signature(s) if _is_uncalled(s, named) else s for s in tree.body]
    return tree if body == tree.body else ast.Module(body, tree.type_ignores)


def _is_uncalled(statement: ast.stmt, named: set[str]) -> bool:
    is_plain = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and not statement.decorator_list
    return is_plain and getattr(statement, "name", "") not in named


def _signature(statement: ast.stmt) -> ast.stmt:
    bare = copy.copy(statement)
    bare.body = [ast.Pass()]  # type: ignore[attr-defined]
    return bare


def names_in_nested_code(tree: ast.Module) -> set[str]:
    """Every name inside functions, lambdas, generators and classes: they may run after the cell has ended."""
    return {
        name.id
        for outer in ast.walk(tree)
        if isinstance(outer, _LIVES_ON)
        for name in ast.walk(outer)
        if isinstance(name, ast.Name)
    }


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

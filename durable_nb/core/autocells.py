"""Cells that nobody marked as steps: which of them may be one, and what they are called.

A step is about its results: what comes back are variables and what was shown. Nobody said of an ordinary cell
that this is all it does, so here a cell is a step only if its code has no other point. A cell that sets a
library up, asks the clock, starts a program or is there for a magic simply runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator

from durable_nb.core.analysis import first_bound_name
from durable_nb.core.definitions import is_literal

Home = Callable[[str], str | None]
"""Name → the dotted module it is, or that defines what it is bound to; None for a variable, and for what the
notebook defines itself."""

_CALENDAR = frozenset({"ctime", "gmtime", "localtime", "now", "today", "utcnow"})
_WRITES_UNSEEN = re.compile(
    r"to_(clickhouse|delta|deltalake|disk|feather|gbq|hdf|iceberg|lance|netcdf|orc|sql|zarr)"
    r"|write_(database|delta|iceberg)|save_(model|pretrained|weights)|imwrite|push_to_hub|upload\w*|reload"
)
"""Names of functions that write where nobody can look afterwards whether it is still there."""
_EFFECTIVE = frozenset(
    {"breakpoint", "compile", "delattr", "exec", "getpass", "input", "raw_input", "setattr"}
)
"""Builtins and the like whose point is not their value."""
_UNSEEN_WORLD = frozenset(
    {
        "aiohttp",
        "asyncio",
        "bokeh",
        "boto3",
        "browser",
        "concurrent",
        "ctypes",
        "dash",
        "dask",
        "distributed",
        "ftplib",
        "getpass",
        "gradio",
        "http",
        "ipykernel",
        "ipywidgets",
        "logging",
        "multiprocessing",
        "paramiko",
        "pdb",
        "pexpect",
        "psycopg",
        "psycopg2",
        "pyspark",
        "ray",
        "redis",
        "requests",
        "signal",
        "smtplib",
        "socket",
        "sqlalchemy",
        "sqlite3",
        "streamlit",
        "subprocess",
        "telnetlib",
        "threading",
        "urllib",
        "webbrowser",
        "websockets",
    }
)
"""Packages whose use reaches what no fingerprint covers: other programs, other machines, other threads."""
_HARMLESS_HOMES = frozenset(
    {
        "IPython",
        "bisect",
        "builtins",
        "collections",
        "copy",
        "display",
        "gc",
        "heapq",
        "itertools",
        "math",
        "matplotlib",
        "mpl_toolkits",
        "numpy",
        "operator",
        "pprint",
        "random",
        "scipy",
        "seaborn",
        "sys",
        "time",
        "torch",
        "tqdm",
        "warnings",
    }
)
"""Packages whose functions may be called for their effect: it is shown, is on an argument, or is tracked."""
_SETS_UP = re.compile(
    r"_?(activate|apply|autolog|basicConfig|clear|config\w*|connect|deactivate|disable|enable|extension|filterwarnings"
    r"|init\w*|install|ioff|ion|load_dotenv|login|options?|patch|pop|push|rc|rcdefaults|register\w*|reset\w*|set(_\w+)?"
    r"|setup|setprofile|settrace|simplefilter|style|switch\w*|theme|uninstall|unregister\w*|use|xkcd)"
)
"""Names of functions that change how a library behaves from then on."""
_PICTURES = frozenset({"axes", "axis", "figure", "gca", "gcf", "subplot", "subplots"})
"""Functions that give a part of a picture, which is shown when the cell ends."""
_MEANS_MORE = re.compile(
    r"\b(alter|attach|begin|commit|copy|create|delete|detach|drop|export|import|insert|install|load|pragma|reset"
    r"|rollback|set|truncate|update|use)\b",
    re.IGNORECASE,
)
_APPENDS = re.compile(r"a[bt]?\+?|[rwx][bt]?\+[bt]?")
_LONGEST_HINT = 24


def is_left_alone(tree: ast.Module) -> bool:
    """Whether running a cell is as quick as bringing it back: imports, definitions, constants.

    So are cells with magics and shell commands: they are there for more than their variables.
    """
    if any(isinstance(node, ast.Name) and node.id == "get_ipython" for node in ast.walk(tree)):
        return True
    return all(_is_quick(statement) for statement in tree.body)


def _is_quick(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign):
        value = statement.value
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        return all(isinstance(t, ast.Name) for t in targets) and (value is None or is_literal(value))
    definitions = (
        ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Pass
    )
    return isinstance(statement, definitions)


def auto_name(tree: ast.Module, fingerprint: str) -> str:
    """The name of a cell's step: what it binds first, for people, and its content."""
    hint = (first_bound_name(tree) or "cell").strip("_")[:_LONGEST_HINT] or "cell"
    return f"{hint}_{fingerprint[:8]}"


def unproven(tree: ast.AST, home: Home) -> str:
    """What a piece of code does beside binding and showing values; empty where it is nothing known.

    Args:
        tree: A cell, or the definition of a function or class that a cell uses.
        home: Where names come from.
    """
    shown = tree.body[-1] if isinstance(tree, ast.Module) and tree.body else None
    return next(_Look(home, shown).problems(tree), "")


def unproven_names(names: Iterable[str]) -> str:
    """The same for code of which only the names are known that it uses."""
    for name in names:
        if name in _CALENDAR or name in _EFFECTIVE or name in _UNSEEN_WORLD or _WRITES_UNSEEN.fullmatch(name):
            return f"it uses {name}"
    return ""


class _Look:
    def __init__(self, home: Home, shown: ast.stmt | None) -> None:
        self._home = home
        self._shown = shown
        self._imported: dict[str, str] = {}

    def problems(self, tree: ast.AST) -> Iterator[str]:
        nodes = list(ast.walk(tree))
        self._imported = dict(_imports(nodes))
        for node in nodes:
            if isinstance(node, ast.Call):
                yield from self._call(node)
            elif isinstance(node, ast.Expr) and isinstance(_called(node.value), ast.Call):
                yield from self._statement(node)
            elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete):
                yield from self._assignment(node)
            elif isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                yield f"it imports everything from {node.module}"

    def _home_of(self, name: str | None) -> str:
        """The module behind a name; empty for variables and for the notebook's own functions."""
        if name is None:
            return ""
        return self._imported.get(name) or self._home(name) or ""

    def _call(self, call: ast.Call) -> Iterator[str]:
        name, root = _name(call.func), _root(call.func)
        home = self._home_of(root)
        if home.partition(".")[0] in _UNSEEN_WORLD and home != "urllib.parse":
            yield f"it uses {home.partition('.')[0]}"
        elif name in _EFFECTIVE and isinstance(call.func, ast.Name):
            yield f"it calls {name}"
        elif name in _CALENDAR or (name == "strftime" and home == "time"):
            yield "it asks for the time of day"
        elif home == "os" and name in {"system", "popen", "fork", "kill", "startfile"}:
            yield "it starts a program"
        elif _WRITES_UNSEEN.fullmatch(name):
            yield f"it calls {name}"
        elif home == "duckdb" and any(_MEANS_MORE.search(text) for text in _texts(call)):
            yield "it changes DuckDB's own database"
        elif _appends(call, name):
            yield "it adds to a file"

    def _statement(self, statement: ast.Expr) -> Iterator[str]:
        """A call whose value nobody keeps is made for its effect."""
        call = _called(statement.value)
        root = _root(call)
        home = self._home_of(root)
        if not home:
            return  # a method of a variable changes that, and a function of the notebook is looked at itself
        path = list(_path(call))
        sets_up = any(_SETS_UP.fullmatch(part) for part in path[1:] or path)
        if sets_up and _PICTURES.isdisjoint(path):
            yield f"it calls {'.'.join(path)}"
        elif statement is not self._shown and home.partition(".")[0] not in _HARMLESS_HOMES:
            yield f"it calls {'.'.join(path)} for its effect"

    def _assignment(self, node: ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete) -> Iterator[str]:
        """An attribute or item of a module outlives the cell, and is no variable of the notebook."""
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Attribute | ast.Subscript) and self._home_of(_root(part)):
                    yield f"it changes {ast.unparse(part)}"


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((a.asname or a.name.partition(".")[0], a.name) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((a.asname or a.name, node.module) for a in node.names)


def _called(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Await) else node


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _root(node: ast.expr) -> str | None:
    """The name that a chain of attributes, calls and subscripts begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def _path(node: ast.expr) -> Iterator[str]:
    """The names of such a chain, from its beginning."""
    if isinstance(node, ast.Attribute):
        yield from _path(node.value)
        yield node.attr
    elif isinstance(node, ast.Call):
        yield from _path(node.func)
    elif isinstance(node, ast.Subscript):
        yield from _path(node.value)
    elif isinstance(node, ast.Name):
        yield node.id


def _texts(call: ast.Call) -> Iterator[str]:
    for node in ast.walk(call):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _appends(call: ast.Call, name: str) -> bool:
    """Whether a file is opened to be added to: doing that twice is not doing it once."""
    modes = [k.value for k in call.keywords if k.arg == "mode"]
    if name == "open":
        modes += call.args[:2]
    return any(
        isinstance(m, ast.Constant) and isinstance(m.value, str) and _APPENDS.fullmatch(m.value)
        for m in modes
    )

"""What a cell would have made: what others lack after it has failed."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from durable_nb.core.analysis import analyse
from durable_nb.core.cells import parse_loosely

_CHANGING_METHODS = frozenset(
    {"add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "fit", "fit_predict"}
    | {"fit_transform", "insert", "partial_fit", "pop", "popitem", "popleft", "remove", "reverse", "rotate"}
    | {"setdefault", "sort", "update"}
)
"""Methods of common types that change their object, also where their value is used."""
_CHANGING_FUNCTIONS = frozenset(
    {"copyto", "fill_diagonal", "heapify", "heappop", "heappush", "heappushpop", "heapreplace", "insort"}
    | {"insort_left", "insort_right", "place", "put", "putmask", "shuffle"}
)
"""Functions of common libraries that change what they are handed."""
_LOOKING_FUNCTIONS = frozenset({"dir", "display", "help", "len", "print", "type", "vars"})
_BOUND_IN_TEXT = re.compile(
    r"^(?:([^\W\d]\w*(?:[ \t]*,[ \t]*[^\W\d]\w*)*)[ \t]*(?::[^=\n]+)?=(?!=)"
    r"|(?:async[ \t]+)?(?:def|class)[ \t]+(\w+))",
    re.MULTILINE,
)


@dataclass(slots=True)
class Changes:
    """What a cell is there to change in place, by the names of the variables that lead there.

    Nobody knows without running it which of its arguments a function changes: those count that are handed to
    a call whose value nobody keeps, ``normalise(df)``, not those of ``model = fit(df)``.
    """

    objects: set[str] = field(default_factory=set)
    """The objects of these names themselves: ``xs.append(1)``."""
    below: set[str] = field(default_factory=set)
    """Something that they hold: ``config["paths"].append(1)``, ``normalise(df)``."""
    called: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Names with a method called for its effect, ``ax.plot(x)`` → the arguments.

    Where the name is that of a module, ``time.sleep(s)``, it is the arguments that may change.
    """

    def add(self, other: Changes) -> None:
        """What other code changes besides."""
        self.objects |= other.objects
        self.below |= other.below
        for name, arguments in other.called.items():
            self.called[name] |= arguments

    def names(self) -> set[str]:
        """All of them."""
        return self.objects | self.below | self.called.keys()


def names_made(tree: ast.Module) -> frozenset[str]:
    """The names that a cell binds or deletes, or whose objects it is there to change."""
    names = analyse(tree)
    return frozenset(names.writes | names.deletes | changes_of(tree).names())


def environment_made(tree: ast.Module) -> frozenset[str]:
    """The environment variables that a cell sets or deletes by a name that stands there."""
    return frozenset(name for node in ast.walk(tree) for name in _set_in_environment(node))


def _set_in_environment(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Subscript(
            value=ast.Attribute(attr="environ") | ast.Name(id="environ"),
            slice=ast.Constant(value=str(name)),
            ctx=ast.Store() | ast.Del(),
        ):
            yield name
        case ast.Call(
            func=ast.Attribute(
                value=ast.Attribute(attr="environ") | ast.Name(id="environ"), attr="pop" | "setdefault"
            )
            | ast.Attribute(attr="putenv" | "unsetenv"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            yield name
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(attr="environ") | ast.Name(id="environ"), attr="update")
        ):
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)
            for part in node.args:
                keys = part.keys if isinstance(part, ast.Dict) else ()
                yield from (k.value for k in keys if isinstance(k, ast.Constant) and isinstance(k.value, str))


def names_made_in_text(source: str) -> frozenset[str]:
    """The same for a cell that Python cannot parse: what its lines seem to bind."""
    tree = parse_loosely(source)
    if tree.body:
        return names_made(tree)
    groups = (match[1] or match[2] for match in _BOUND_IN_TEXT.finditer(source))
    return frozenset(name.strip() for group in groups for name in group.split(","))


def changes_of(tree: ast.Module) -> Changes:
    """What a cell is there to change in place."""
    shown = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    found = Changes()
    for node, local in _with_locals(tree, frozenset()):
        _Collector(found, local).node(node, kept=node is shown)
    return found


def _with_locals(node: ast.AST, local: frozenset[str]) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Every node, with the names around it that are not the notebook's but a function's own."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        local |= _own_names(node)
    yield node, local
    for child in ast.iter_child_nodes(node):
        yield from _with_locals(child, local)


def _own_names(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    nodes = list(ast.walk(function))
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    declared = {name for n in nodes if isinstance(n, ast.Global) for name in n.names}
    return frozenset({n.arg for n in nodes if isinstance(n, ast.arg)} | bound - declared)


class _Collector:
    """Adds what one node changes.

    Args:
        found: Where it is added.
        local: Names around the node that are not the notebook's.
    """

    def __init__(self, found: Changes, local: frozenset[str]) -> None:
        self._found = found
        self._local = local

    def node(self, node: ast.AST, *, kept: bool) -> None:
        """Look at one node; the value of the last expression is ``kept``: shown."""
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                self._change(node.value)
            case ast.AugAssign(target=target):
                self._change(target)
            case ast.Call(func=ast.Attribute() as method) if _changes(node, method.attr):
                self._change(method.value)
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in _CHANGING_FUNCTIONS:
                self._hand(node)
            case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call)):
                if not kept:
                    self._for_its_effect(call)

    def _for_its_effect(self, call: ast.Call) -> None:
        """A call whose value nobody keeps."""
        function = call.func
        if isinstance(function, ast.Attribute):
            for name in self._roots(function.value):
                self._found.called[name] |= {root for part in _handed(call) for root in self._roots(part)}
        elif isinstance(function, ast.Name) and function.id not in _LOOKING_FUNCTIONS:
            self._hand(call)

    def _hand(self, call: ast.Call) -> None:
        for part in _handed(call):
            self._found.below.update(self._roots(part))

    def _change(self, part: ast.expr) -> None:
        found = self._found.objects if isinstance(part, ast.Name) else self._found.below
        found.update(self._roots(part))

    def _roots(self, part: ast.expr) -> Iterator[str]:
        while isinstance(part, ast.Attribute | ast.Subscript | ast.Starred):
            part = part.value
        if isinstance(part, ast.Name) and part.id not in self._local:
            yield part.id


def _handed(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _changes(call: ast.Call, method: str) -> bool:
    in_place = any(
        keyword.arg == "inplace" and getattr(keyword.value, "value", True) for keyword in call.keywords
    )
    return in_place or method in _CHANGING_METHODS

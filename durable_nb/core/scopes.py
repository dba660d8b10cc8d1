"""The names of a module's scope, in the order of execution.

The walk may claim too many reads (that costs a re-execution) but never too few that are visible in the
code: a name counts as bound only where every path has bound it before.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_INERT = (
    ast.Import,
    ast.ImportFrom,
    ast.alias,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.Store,
    ast.Assign,
    ast.AnnAssign,
    ast.Expr,
    ast.Pass,
    ast.Tuple,
    ast.List,
    ast.Dict,
)


class ModuleScope(ast.NodeVisitor):
    """Walks one scope in the order of execution, knowing which names every path has bound so far."""

    def __init__(self) -> None:
        self.bound: set[str] = set()
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.deletes: set[str] = set()
        self.order: list[str] = []
        self._deferred: set[str] = set()
        """What function bodies read: they cannot run before the next statement that can call."""

    def block(self, statements: Iterable[ast.stmt]) -> None:
        """Walk statements in their order."""
        for statement in statements:
            if not _is_inert(statement):
                self.flush()
            self.visit(statement)

    def flush(self) -> None:
        """Count what function bodies read: from here on they may be called."""
        self.reads |= self._deferred - self.bound
        self._deferred.clear()

    def bind(self, name: str) -> None:
        """Every path from here on has this name."""
        self.bound.add(name)
        self.writes.add(name)
        self.order.append(name)

    def read(self, name: str) -> None:
        """The name is used here; that is a read unless it is bound for sure."""
        if name not in self.bound:
            self.reads.add(name)

    @contextmanager
    def branch(self) -> Iterator[set[str]]:
        """A path that may not be taken: what it binds is not bound after it. Yields what was bound before."""
        before = set(self.bound)
        yield before
        self.flush()
        self.bound = before

    # Names and calls into nested scopes.

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read(node.id)
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id)
        else:
            self.read(node.id)
            self.bound.discard(node.id)
            self.deletes.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all(_outside_body(node))
        self.bind(node.name)
        self._defer(node)
        if node.decorator_list:
            self.flush()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(_defaults(node.args))
        self._defer(node)

    def _defer(self, node: _Function) -> None:
        free, assigned = _free_names(node)
        self._deferred |= free
        self.writes |= assigned
        self._deferred |= assigned

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        inner = ModuleScope()
        inner.block(node.body)
        inner.flush()
        # A class body sees the names of the module, and binds its own.
        self.reads |= inner.reads - self.bound - {node.name}
        self.bind(node.name)
        if node.decorator_list or node.bases or node.keywords:
            self.flush()

    def _visit_comprehension(self, node: _Comprehension) -> None:
        inner = ModuleScope()
        inner.bound = set(self.bound)
        targets: set[str] = set()
        for generator in node.generators:
            inner.visit(generator.iter)
            targets |= {n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
            inner.bound |= targets
            inner._visit_all(generator.ifs)
        for part in ("key", "value", "elt"):
            if (child := getattr(node, part, None)) is not None:
                inner.visit(child)
        inner.flush()
        self.reads |= inner.reads
        walrus = {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
        self.writes |= walrus

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    # Statements whose parts run in another order than they are written.

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        self._visit_all(node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
        self.visit(node.value)
        self.visit(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self.bind(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import

    # Statements that may not run, or not to their end.

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        with self.branch():
            self.block(node.body)
            after_body = set(self.bound)
        with self.branch():
            self.block(node.orelse)
            after_else = set(self.bound)
        self.bound = after_body & after_else

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        for part in (node.body, node.orelse):
            with self.branch():
                self.visit(part)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        with self.branch():
            self._visit_all(node.values[1:])

    def _visit_loop(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        with self.branch():
            self.visit(node.target)
            self.block(node.body)
        with self.branch():
            self.block(node.orelse)

    visit_For = visit_AsyncFor = _visit_loop

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        with self.branch():
            self.block(node.body)
        with self.branch():
            self.block(node.orelse)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        # A context manager may swallow an exception: the body may end early.
        with self.branch():
            self._visit_all(node.items)
            self.block(node.body)

    visit_AsyncWith = visit_With

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        ends = []
        with self.branch():
            self.block(node.body)
            self.block(node.orelse)
            ends.append(set(self.bound))
        for handler in node.handlers:
            with self.branch():
                if handler.type is not None:
                    self.visit(handler.type)
                if handler.name is not None:
                    self.bind(handler.name)
                self.block(handler.body)
                ends.append(self.bound - ({handler.name} if handler.name else set()))
        with self.branch():
            self.block(node.finalbody)
        self.bound = set.intersection(*ends)

    visit_TryStar = visit_Try

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            with self.branch():
                for child in ast.walk(case.pattern):
                    for name in (getattr(child, "name", None), getattr(child, "rest", None)):
                        if isinstance(name, str):
                            self.bind(name)
                    if isinstance(child, ast.expr):
                        self.visit(child)
                if case.guard is not None:
                    self.visit(case.guard)
                self.block(case.body)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _is_inert(statement: ast.stmt) -> bool:
    """Whether the statement cannot call a function that was defined before it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = _defaults(statement.args)
        return not statement.decorator_list and all(isinstance(d, ast.Constant) for d in defaults)
    if isinstance(statement, ast.ClassDef):
        plain = not (statement.decorator_list or statement.bases or statement.keywords)
        return plain and all(_is_inert(inner) for inner in statement.body)
    return all(isinstance(node, _INERT) for node in ast.walk(statement))


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments = [*named, node.args.vararg, node.args.kwarg]
    found = [a.annotation for a in arguments if a is not None and a.annotation is not None]
    return found if node.returns is None else [*found, node.returns]


def _free_names(node: _Function) -> tuple[set[str], set[str]]:
    """Names a function's body reads from outside it, and those it assigns outside by ``global``."""
    arguments = node.args
    local = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    local |= {a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None}
    body: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    declared = {
        name for part in body for n in ast.walk(part) if isinstance(n, ast.Global) for name in n.names
    }
    free: set[str] = set()
    _collect_free(body, local, free, declared)
    return free, declared


def _collect_free(body: list[ast.AST], local: set[str], free: set[str], declared: set[str]) -> None:
    loads: set[str] = set()
    queue = list(body)
    while queue:
        node = queue.pop()
        if isinstance(node, _FUNCTIONS):
            loads |= _free_names(node)[0]
            queue += _outside_body(node)
            local |= set() if isinstance(node, ast.Lambda) else {node.name}
        elif isinstance(node, _COMPREHENSIONS):
            _collect_comprehension(node, local, loads)
        else:
            local |= _bound_by(node)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                loads.add(node.id)
            queue += ast.iter_child_nodes(node)
    free |= loads - (local - declared)


def _collect_comprehension(node: _Comprehension, local: set[str], loads: set[str]) -> None:
    """Its targets are its own: they must not hide a name that the function reads elsewhere."""
    own = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
    parts: list[ast.AST] = [getattr(node, name) for name in ("elt", "key", "value") if hasattr(node, name)]
    for generator in node.generators:
        parts += [generator.iter, *generator.ifs]
    _collect_free(parts, own, loads, set())
    local |= {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}


def _outside_body(node: _Function) -> list[ast.expr]:
    """The expressions of a definition that run where it stands: defaults, decorators, annotations."""
    if isinstance(node, ast.Lambda):
        return _defaults(node.args)
    return [*_defaults(node.args), *node.decorator_list, *_annotations(node)]


def _bound_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    if isinstance(node, ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {a.asname or a.name.partition(".")[0] for a in node.names}
    if isinstance(node, ast.ExceptHandler) and node.name:
        return {node.name}
    return set()

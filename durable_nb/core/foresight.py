"""Work out a plan: go through the cells in their order, and keep what is known of each name.

A step's decision comes from the list of reasons that decides when it runs. What is not known before something
else has run is said to depend on it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from durable_nb.core.analysis import Names, analyse, find_definitions, identifiers
from durable_nb.core.cells import StepCell
from durable_nb.core.code import step_fingerprint
from durable_nb.core.effects import may_change
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, Trace
from durable_nb.core.parameter_cells import comment_out_parameters
from durable_nb.core.planning import (
    IMMUTABLE,
    Binding,
    Decision,
    Known,
    Pending,
    Plan,
    PlanCell,
    PlannedStep,
    Unprovable,
    World,
)
from durable_nb.core.staleness import Cause, Present, StaleReason, never_run, reasons, to_compare_with

_RANDOM = "random."
"""Begins the names of the states of random generators."""
_FILE = "file:"
"""Put before the path of a file, to tell it from a variable."""
_VARIABLES = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})
_KIND_OF_TYPE = {"builtins.function": DependencyKind.FUNCTION, "builtins.type": DependencyKind.CLASS}


def make_plan(notebook: str, cells: Sequence[PlanCell], world: World, *, now: float) -> Plan:
    """What running cells in their order would do.

    Args:
        notebook: The path of their notebook; empty where nothing tells it.
        cells: The code cells.
        world: What is there.
        now: Seconds since the epoch, UTC.
    """
    return Plan(notebook, tuple(_Foresight(cells, world, now).steps()))


class _Foresight:
    def __init__(self, cells: Sequence[PlanCell], world: World, now: float) -> None:
        self._cells = cells
        self._world = world
        self._now = now
        self._names: dict[str, Binding] = {}
        self._gone: set[str] = set()
        """Names that are deleted, whatever a running kernel has."""
        self._shared: list[set[str]] = []
        """Names that hold the same objects: what is changed through one of them changes the others."""
        self._places = {c.step.name if c.step else f"cell {c.number}": i for i, c in enumerate(cells)}
        """Step or cell, as it is called in a plan → its place."""
        self._waits_for: dict[str, str] = {}
        """Dependency → what must run before it is known."""
        self._wild = ""
        """A step or cell that may bind any name."""
        self._ran = ""
        """What will have run last: random generators are as it leaves them."""
        self._trees = [world.parse(cell.source) for cell in cells]
        self._changed_later = list(_changed_later(self._trees))

    def steps(self) -> Iterator[PlannedStep]:
        """Go through the cells."""
        for cell, tree, changed_later in zip(self._cells, self._trees, self._changed_later, strict=True):
            if cell.values:
                self._names |= {name: self._world.literal(name, value) for name, value in cell.values.items()}
            elif problem := cell.problem or _unread(cell, tree):
                yield from self._refused(cell, tree, problem)
            elif cell.step is not None:
                yield self._step(cell, cell.step, tree)
            else:
                for statement in tree.body:
                    self._run(statement, cell, changed_later)

    # Steps.

    def _step(self, cell: PlanCell, step: StepCell, tree: ast.Module) -> PlannedStep:
        traces = self._world.traces(step.name)
        present = self._present(step, tree)
        decision, trace, found = self._decide(present, traces)
        waits = {self._waits_for[reason.name] for reason in found if reason.cause is Cause.DEPENDS}
        depends_on = tuple(sorted(waits, key=lambda on: (self._places.get(on, -1), on)))
        latest = trace or to_compare_with(traces, present.code)
        if decision is Decision.REUSE and trace is not None:
            self._bring_back(trace, tree)
        else:
            self._leave_open(step.name, step.source, tree, latest)
        seconds = latest.seconds if latest is not None else None
        brought_back = trace.trace_id if decision is Decision.REUSE and trace is not None else ""
        return PlannedStep(step.name, cell.number, decision, tuple(found), depends_on, seconds, brought_back)

    def _decide(
        self, present: Present, traces: Iterable[Trace]
    ) -> tuple[Decision, Trace | None, list[StaleReason]]:
        """The decision, the trace that it is about, and all of why it is no reuse."""
        undecided: tuple[Trace, list[StaleReason]] | None = None
        compared = to_compare_with(traces, present.code)
        said: list[StaleReason] | None = None
        for trace in traces:
            is_compared = compared is not None and trace.trace_id == compared.trace_id
            if trace.code != present.code and not is_compared:
                continue  # it cannot be reused
            found = list(reasons(self._seen_by(present, trace), trace))
            if not found:
                return Decision.REUSE, trace, []
            said = found if is_compared else said
            if undecided is None and all(reason.cause is Cause.DEPENDS for reason in found):
                undecided = trace, found
        if undecided is not None:
            return Decision.DEPENDS, *undecided
        return Decision.EXECUTE, None, said or never_run(present)

    def _present(self, step: StepCell, tree: ast.Module) -> Present:
        names = analyse(tree)
        read: dict[tuple[DependencyKind, str], Dependency] = {}
        unprovable: dict[str, str] = {}
        queue = [*names.reads, *names.mentioned, *step.options.inputs]
        seen = set(step.options.ignore)
        while queue:
            name = queue.pop()
            binding = None if name in seen else self._lookup(name)
            seen.add(name)
            if isinstance(binding, Known):
                read[binding.dependency.kind, name] = binding.dependency
                queue += binding.reads
            elif isinstance(binding, Unprovable):
                unprovable[name] = binding.why
        return Present(
            code=step_fingerprint(step, tree),
            always=step.options.always,
            ttl=step.options.ttl,
            now=self._now,
            read=read,
            unprovable=unprovable,
            find=self._find,
            source=step.source,
            options=step.options.affecting_result(),
            describe=self._world.describe,
            why_not=self._world.standing(step.name).why_not,
        )

    def _seen_by(self, present: Present, trace: Trace) -> Present:
        """The present with everything known that this trace asks for."""
        read, uncertain = dict(present.read), {}
        for was in trace.dependencies:
            binding = self._binding(was.kind, was.name)
            if self._counts_as(was):
                read[was.kind, was.name] = was
            elif isinstance(binding, Known):
                read.setdefault((binding.dependency.kind, was.name), binding.dependency)
            elif isinstance(binding, Pending):
                self._waits_for[was.name] = binding.on
                uncertain[was.name] = f"{was.name} depends on {binding.on}"
        return replace(present, read=read, uncertain=uncertain)

    def _counts_as(self, was: Dependency) -> bool:
        """Whether a dependency will be as it was, though nothing that is there now proves it."""
        if was.kind is DependencyKind.SHARING:
            return True  # equal variables that come out of equal steps share what they shared
        if was.kind is not DependencyKind.MODULE:
            return False
        try:
            now = self._world.find(was.kind, was.name)
        except NotFingerprintableError:
            return False
        return now is not None and now.fingerprint != was.fingerprint and self._world.counts_as(was, now)

    def _find(self, kind: DependencyKind, name: str) -> Dependency | None:
        return None if isinstance(self._binding(kind, name), Pending) else self._world.find(kind, name)

    def _binding(self, kind: DependencyKind, name: str) -> Binding | None:
        """What is known of a dependency; None where the world must be asked."""
        if kind in _VARIABLES:
            return self._lookup(name)
        if kind is DependencyKind.RANDOM:
            return self._names.get(name) or (Pending(self._ran) if self._ran else None)
        if kind is DependencyKind.FILE:
            return self._names.get(_FILE + name)
        is_variable = kind is not DependencyKind.ENV or name.isidentifier()
        return None if is_variable else self._world.live(name)

    def _lookup(self, name: str) -> Binding | None:
        """What is known of a variable."""
        if name in self._names or name in self._gone:
            return self._names.get(name)
        return self._world.live(name) or (Pending(self._wild) if self._wild else None)

    def _bring_back(self, trace: Trace, tree: ast.Module) -> None:
        """Names are what the trace says."""
        for output in trace.outputs:
            name = _name(output)
            if name and output.kind is not OutputKind.FILE:
                self._bind(name, _kept(output, name, trace))
        self._shared += _sharing(trace)
        self._define(tree, {o.name for o in trace.outputs if o.kind is OutputKind.DEFINITION})

    def _leave_open(self, step: str, source: str, tree: ast.Module, latest: Trace | None) -> None:
        """Names are what the step will make of them."""
        names = analyse(tree)
        made = {_name(output) for output in latest.outputs} - {""} if latest is not None else set()
        if latest is None or latest.source != source:
            made |= self._in_place(may_change(tree))
        for name in names.writes | self._with_shared(made):
            self._bind(name, Pending(step))
        if _binds_anything(tree, names):
            self._wild = step
        for name in names.deletes:
            self._bind(name, None)
        self._ran = step
        self._define(tree, names.writes)

    def _define(self, tree: ast.Module, wanted: Iterable[str]) -> None:
        for statement, names in find_definitions(tree):
            known = self._world.evaluate(statement) or {}
            self._names |= {name: known[name] for name in names if name in known and name in wanted}

    def _refused(self, cell: PlanCell, tree: ast.Module, problem: str) -> Iterator[PlannedStep]:
        """A cell that does not run as it stands: what it would make is open until it is mended."""
        step, on = cell.step, cell.step.name if cell.step is not None else f"cell {cell.number}"
        latest = next(iter(self._world.traces(step.name)), None) if step is not None else None
        self._leave_open(on, cell.source, tree, latest)
        names = analyse(tree)
        # Below a magic such as %%time the code is a text; what cannot be parsed may bind whatever it names.
        for name in names.writes | names.mentioned if tree.body else identifiers(cell.source):
            self._bind(name, Pending(on))
        if step is not None:
            reasons = (StaleReason(Cause.MARKER, problem),)
            seconds = latest.seconds if latest is not None else None
            yield PlannedStep(step.name, cell.number, Decision.EXECUTE, reasons, seconds=seconds)

    # Plain cells.

    def _run(self, statement: ast.stmt, cell: PlanCell, changed_later: frozenset[str]) -> None:
        """Names are what one statement of a plain cell makes of them."""
        names = analyse(ast.Module([statement], []))
        known = self._world.evaluate(statement)
        for name, binding in (known or {}).items():
            self._bind(name, binding)
        if known is not None and names.writes <= known.keys():
            return
        waits = [b.on for name in sorted(names.reads) if isinstance(b := self._lookup(name), Pending)]
        is_done = not waits and self._world.has_run(cell)
        for name in (names.writes - (known or {}).keys()) | self._in_place(may_change(statement)):
            live = self._world.live(name) if is_done and name not in changed_later else None
            self._bind(name, live or Pending(waits[0] if waits else f"cell {cell.number}"))
        for name in names.deletes:
            self._bind(name, None)
        if any(isinstance(node, ast.Call) for node in ast.walk(statement)):
            self._ran = f"cell {cell.number}"
        if _binds_anything(ast.Module([statement], []), names) and not is_done:
            self._wild = f"cell {cell.number}"

    def _in_place(self, names: Iterable[str]) -> set[str]:
        """Those of the names whose objects may change, with all that hold parts of these."""
        return self._with_shared({name for name in names if not self._is_immutable(name)})

    def _with_shared(self, names: set[str]) -> set[str]:
        """The names, with all that hold parts of the same objects."""
        return names | {name for group in self._shared if group & names for name in group}

    def _is_immutable(self, name: str) -> bool:
        """Whether no code can change what the name holds without binding it anew."""
        binding = self._lookup(name)
        return binding is None or (isinstance(binding, Known) and binding.immutable)

    def _bind(self, name: str, binding: Binding | None) -> None:
        if binding is None:
            self._names.pop(name, None)
            self._gone.add(name)
        else:
            self._names[name] = binding
            self._gone.discard(name)


def _unread(cell: PlanCell, tree: ast.Module) -> str:
    """What is said of a cell with code of which nothing is known."""
    if tree.body or cell.source == "":
        return ""
    lines = comment_out_parameters(cell.step.body if cell.step is not None else cell.source).splitlines()
    has_code = any(line.strip() and not line.lstrip().startswith("#") for line in lines)
    return "its code cannot be read before it runs" if has_code else ""


def _changed_later(trees: Sequence[ast.Module]) -> Iterator[frozenset[str]]:
    """For each cell the names that later ones bind or may change."""
    found: list[frozenset[str]] = []
    later: frozenset[str] = frozenset()
    for tree in reversed(trees):
        found.append(later)
        later |= analyse(tree).writes | may_change(tree)
    yield from reversed(found)


def _binds_anything(tree: ast.Module, names: Names) -> bool:
    """Whether code may bind names that do not stand in it: a star import, ``exec``, ``globals()``."""
    stars = (a for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names if a.name == "*")
    return names.reads_namespace or any(stars)


def _sharing(trace: Trace) -> list[set[str]]:
    """The names that a step leaves bound to objects with parts in common."""
    together: dict[str, set[str]] = {}
    for output in trace.outputs:
        if output.kind is OutputKind.PART:
            together.setdefault(output.of, set()).add(output.name)
    aliases = [{o.name, o.of} for o in trace.outputs if o.kind is OutputKind.ALIAS]
    return [*together.values(), *aliases]


def _name(output: Output) -> str:
    """The name under which what an output holds is looked for; empty for what no step asks for."""
    if output.kind is OutputKind.FILE:
        return _FILE + output.name
    if output.kind is OutputKind.STATE:
        return output.of if output.of.startswith(_RANDOM) else ""
    return output.name


def _kept(output: Output, name: str, trace: Trace) -> Binding | None:
    """What a name holds after its step was reused."""
    if output.kind is OutputKind.DELETED:
        return None
    if not output.fingerprint:
        return Pending(trace.step)
    kind = _KIND_OF_TYPE.get(output.type, DependencyKind.VALUE)
    if output.kind is OutputKind.STATE:
        kind = DependencyKind.RANDOM
    elif output.summary.startswith("class "):
        kind = DependencyKind.CLASS
    found = Dependency(kind, name, output.fingerprint, output.summary, output.detail)
    return Known(found, immutable=output.type in IMMUTABLE or output.kind is OutputKind.MODULE)

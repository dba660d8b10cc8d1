"""The graph of a notebook: its steps, and what flows between them.

It is drawn for people. What a step reads is taken from its code and from its last trace, less what the code
only names in a text; whether steps may run side by side is decided elsewhere, by all that was recorded.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from durable_nb.core.analysis import analyse
from durable_nb.core.cells import parse_loosely
from durable_nb.core.model import DependencyKind, Json, OutputKind, Trace
from durable_nb.core.needs import needs_of
from durable_nb.core.places import split_place
from durable_nb.core.planning import PlanCell
from durable_nb.core.products import changes_of

PARAMETERS = "parameters"
"""Name of the node of the cell that holds the notebook's parameters."""
_VARIABLES = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})
_BOUND = frozenset({OutputKind.VALUE, OutputKind.PART, OutputKind.ALIAS, OutputKind.DEFINITION})
_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SHOWN = "_"
"""The name of what a cell shows as its result."""


@dataclass(frozen=True, slots=True)
class Node:
    """A step, or a plain cell that a step needs something of."""

    name: str
    """Of the step; ``parameters`` or ``cell 3`` for a plain cell."""
    cell: int
    """The number of its cell in the notebook, from 1; 0 where it is not known."""
    is_step: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """What one node makes and another uses."""

    source: str
    target: str
    names: tuple[str, ...]
    """Variables, and files by the end of their path."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps in the order of the notebook, and what flows between them, always downwards."""

    notebook: str
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]

    def into(self, name: str) -> list[Flow]:
        """What a node uses, in the order of those who make it."""
        return [flow for flow in self.flows if flow.target == name]

    def out_of(self, name: str) -> list[str]:
        """The names that others use of a node, each once."""
        return list(dict.fromkeys(n for flow in self.flows if flow.source == name for n in flow.names))

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {
            "notebook": self.notebook,
            "nodes": [{"name": n.name, "cell": n.cell, "is_step": n.is_step} for n in self.nodes],
            "flows": [{"from": f.source, "to": f.target, "names": list(f.names)} for f in self.flows],
        }


def make_graph(
    notebook: str, cells: Iterable[PlanCell], trace_of: Callable[[str], Trace | None] = lambda _: None
) -> Graph:
    """The graph of a notebook's cells.

    Args:
        notebook: Its path.
        cells: Its code cells, in their order.
        trace_of: The last trace of a step; None where there is none.
    """
    makers = _Makers()
    nodes: list[Node] = []
    flows: list[Flow] = []
    for cell in cells:
        node = Node(name_of(cell), cell.number, cell.step is not None)
        trace = trace_of(cell.step.name) if cell.step is not None else None
        if trace is not None and trace.source != cell.source:
            trace = None  # it tells of other code
        flows += makers.pass_by(node.name, cell, trace)
        nodes.append(node)
    return _without_idle_cells(Graph(notebook, tuple(nodes), tuple(flows)))


class _Makers:
    """Who made what a name holds, cell by cell."""

    def __init__(self) -> None:
        self._maker: dict[str, str] = {}
        self._needs: dict[str, set[str]] = {}
        """Function or class → the names that its code needs."""
        self._files: dict[str, str] = {}

    def pass_by(self, node: str, cell: PlanCell, trace: Trace | None) -> list[Flow]:
        """Take note of what a cell makes; what it uses of earlier ones."""
        tree = parse_loosely(cell.step.body if cell.step is not None else cell.source)
        used: dict[str, list[str]] = {}
        for name in sorted(self._used(tree, cell, trace)):
            if name in self._maker:
                used.setdefault(self._maker[name], []).append(name)
        for path in _files(trace, made=False):
            if self._files.get(path, node) != node:
                used.setdefault(self._files[path], []).append(PurePath(path).name)
        self._note(node, tree, cell, trace)
        return [Flow(maker, node, tuple(names)) for maker, names in used.items() if maker != node]

    def _used(self, tree: ast.Module, cell: PlanCell, trace: Trace | None) -> set[str]:
        found = set(needs_of(tree).names)
        if cell.step is not None:
            found.update(cell.step.options.inputs)
        if trace is not None:
            in_texts = analyse(tree).mentioned
            read = {d.name for d in trace.dependencies if d.kind in _VARIABLES}
            found |= read - in_texts
        todo = list(found)
        while todo:
            for name in self._needs.get(todo.pop(), set()) - found:
                found.add(name)
                todo.append(name)
        return found

    def _note(self, node: str, tree: ast.Module, cell: PlanCell, trace: Trace | None) -> None:
        made = set(cell.values) | _made(tree, trace)
        imported = _imported(tree)
        self._maker |= dict.fromkeys(made - imported, node)
        for name in imported:
            self._maker.pop(name, None)  # a library is nothing that flows
        for name in made | imported:
            self._needs.pop(name, None)
        for statement in tree.body:
            if isinstance(statement, _DEFINITIONS):
                body = needs_of(ast.Module(list(statement.body), []))
                self._needs[statement.name] = body.names | needs_of(ast.Module([statement], [])).names
        self._files |= dict.fromkeys(_files(trace, made=True), node)


def name_of(cell: PlanCell) -> str:
    """What a cell is called in a graph: by its step, as the parameters, or by its number."""
    if cell.step is not None:
        return cell.step.name
    holds_parameters = PARAMETERS in cell.tags or not cell.number or _is_marked(cell.source)
    return PARAMETERS if holds_parameters else f"cell {cell.number}"


def _is_marked(source: str) -> bool:
    """Whether a cell says of itself that it holds the parameters."""
    first = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return first.startswith(("%%params", "# params:"))


def _made(tree: ast.Module, trace: Trace | None) -> set[str]:
    if trace is not None:
        return {output.name for output in trace.outputs if output.kind in _BOUND} - {_SHOWN}
    changed = changes_of(tree)
    return set(analyse(tree).writes) | changed.objects | changed.below


def _imported(tree: ast.Module) -> set[str]:
    statements = [node for node in ast.walk(tree) if isinstance(node, _IMPORTS)]
    aliases = [alias for statement in statements for alias in statement.names]
    return {alias.asname or alias.name.partition(".")[0] for alias in aliases}


def _files(trace: Trace | None, *, made: bool) -> Iterator[str]:
    if trace is None:
        return
    if made:
        yield from (output.name for output in trace.outputs if output.kind is OutputKind.FILE)
    else:
        places = (d.name for d in trace.dependencies if d.kind is DependencyKind.FILE)
        yield from dict.fromkeys(split_place(place)[1] for place in places)


def _without_idle_cells(graph: Graph) -> Graph:
    """The graph without plain cells of which nothing flows into a step, and with one node a name."""
    kept: set[str] = {node.name for node in graph.nodes if node.is_step}
    for node in reversed(graph.nodes):
        if node.name in kept:
            kept.update(flow.source for flow in graph.flows if flow.target == node.name)
    nodes = {node.name: node for node in reversed(graph.nodes) if node.name in kept}
    flows: dict[tuple[str, str], dict[str, None]] = {}
    for flow in graph.flows:
        if flow.source in kept and flow.target in kept and flow.source != flow.target:
            flows.setdefault((flow.source, flow.target), {}).update(dict.fromkeys(flow.names))
    order = _places(reversed(list(nodes.values())))
    return Graph(
        graph.notebook,
        tuple(sorted(nodes.values(), key=lambda node: order[node.name])),
        tuple(
            Flow(*ends, tuple(names))
            for ends, names in sorted(flows.items(), key=lambda item: (order[item[0][1]], order[item[0][0]]))
            if order[ends[0]] < order[ends[1]]
        ),
    )


def _places(nodes: Iterable[Node]) -> Mapping[str, int]:
    return {node.name: place for place, node in enumerate(nodes)}


def titles(graph: Graph, most: int = 3) -> Sequence[tuple[Node, str]]:
    """Each node with the names that others use of it: ``flights, weather and 2 more``."""
    return [(node, listed(graph.out_of(node.name), most)) for node in graph.nodes]


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names in a few words; what is over is counted."""
    shown = list(names) if len(names) <= most + 1 else [*names[:most], f"{len(names) - most} more"]
    return ", ".join(shown)

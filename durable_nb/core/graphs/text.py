"""A graph in a terminal: a line a node, with a rail from each node down to the last that uses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from durable_nb.core.graphs.graph import Graph

_STEP, _CELL = "●", "○"
_EMPTY = " "


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the drawing."""

    rails: str
    """All rails at this node; as wide in every row."""
    name: str
    uses: str
    """``flights of load, late_after of parameters``."""
    is_step: bool


def rows(graph: Graph) -> list[Row]:
    """The drawing, a row a node."""
    drawn = list(_rails(graph))
    width = max((len(rails) for rails in drawn), default=0)
    return [
        Row(rails.ljust(width), node.name, uses(graph, node.name), node.is_step)
        for node, rails in zip(graph.nodes, drawn, strict=True)
    ]


def uses(graph: Graph, name: str) -> str:
    """What a node uses, and of whom."""
    return " · ".join(f"{', '.join(flow.names)} ← {flow.source}" for flow in graph.into(name))


def _rails(graph: Graph) -> Iterator[str]:
    place = {node.name: index for index, node in enumerate(graph.nodes)}
    last_use = dict.fromkeys(place, -1)
    for flow in graph.flows:
        last_use[flow.source] = max(last_use[flow.source], place[flow.target])
    lanes: list[str | None] = []
    """The node whose rail runs in each lane; None for a free one."""
    just_freed: set[int] = set()
    for index, node in enumerate(graph.nodes):
        feeding = {lanes.index(flow.source) for flow in graph.into(node.name)}
        ending = {lane for lane in feeding if last_use[str(lanes[lane])] == index}
        own = _lane(lanes, ending, just_freed)
        yield _line(lanes, own, feeding, ending, _STEP if node.is_step else _CELL)
        for lane in ending:
            lanes[lane] = None
        # a node right below the end of a rail would look as if it hung on it
        just_freed = ending - {own}
        lanes[own] = node.name if last_use[node.name] > index else None
        just_freed |= {own} if lanes[own] is None else set()


def _lane(lanes: list[str | None], ending: set[int], just_freed: set[int]) -> int:
    """The lane of the next node: that of a rail which ends in it, or a free one."""
    if ending:
        return min(ending)
    free = [lane for lane, name in enumerate(lanes) if name is None and lane not in just_freed]
    if free:
        return free[0]
    lanes.append(None)
    return len(lanes) - 1


def _line(lanes: Sequence[str | None], own: int, feeding: set[int], ending: set[int], mark: str) -> str:
    joined = feeding | {own}
    first, last = min(joined), max(joined)
    cells = []
    for lane, name in enumerate(lanes):
        if lane == own:
            cells.append(mark)
        elif lane in feeding:
            cells.append(_joint(left=lane < own, ends=lane in ending, first=lane == first, last=lane == last))
        elif name is not None:
            cells.append("│")
        else:
            cells.append("─" if first < lane < last else _EMPTY)
        cells.append("─" if first <= lane < last else _EMPTY)
    return "".join(cells).rstrip()


def _joint(*, left: bool, ends: bool, first: bool, last: bool) -> str:
    """Where a rail meets the line that leads to a node at its right (``left``) or at its left."""
    if left:
        return ("╰" if ends else "├") if first else ("┴" if ends else "┼")
    return ("╯" if ends else "┤") if last else ("┴" if ends else "┼")

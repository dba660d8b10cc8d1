"""Where the nodes of a graph stand, and which way its lines go: in layers, with few crossings."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from durable_nb.core.graphs.graph import Flow, Graph, Node, listed

NODE_HEIGHT = 46.0
_LETTER, _SMALL_LETTER = 7.6, 6.3
"""Widths of the characters of the two lines of a node, in the fonts of the drawing."""
_PADDING, _NARROWEST = 28.0, 92.0
_LAYER_GAP, _NODE_GAP, _LINE_GAP = 44.0, 26.0, 18.0
_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place."""

    node: Node
    makes: str
    """What flows out of it, in a few words."""
    x: float
    """Of its centre."""
    y: float
    """Of its upper edge."""
    width: float


@dataclass(frozen=True, slots=True)
class Line:
    """A flow in its place."""

    flow: Flow
    points: tuple[tuple[float, float], ...]
    """From the lower edge of one box to the upper edge of another, a point or two in each layer between."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A drawing that lacks only colours."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


@dataclass(slots=True, eq=False)
class _Item:
    """A node, or the place where a line passes a layer."""

    width: float
    node: Node | None = None
    x: float = 0.0
    above: list[_Item] = field(default_factory=list)
    below: list[_Item] = field(default_factory=list)


def lay_out(graph: Graph) -> Layout:
    """Give each node and each line a place."""
    layer_of = _layers(graph)
    items = {node.name: _Item(_width(graph, node), node) for node in graph.nodes}
    layers: list[list[_Item]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for node in graph.nodes:
        layers[layer_of[node.name]].append(items[node.name])
    ways = [_way(flow, items, layers, layer_of) for flow in graph.flows]
    _order(layers)
    _place(layers)
    return _drawing(graph, layers, ways)


def _layers(graph: Graph) -> dict[str, int]:
    """Each node below all that it uses; what uses nothing stands right above who uses it first."""
    layer: dict[str, int] = {}
    for node in graph.nodes:
        layer[node.name] = 1 + max((layer[flow.source] for flow in graph.into(node.name)), default=-1)
    for node in reversed(graph.nodes):
        if not graph.into(node.name):
            users = [layer[flow.target] for flow in graph.flows if flow.source == node.name]
            layer[node.name] = min(users) - 1 if users else 0
    return layer


def _way(
    flow: Flow, items: Mapping[str, _Item], layers: Sequence[list[_Item]], layer_of: Mapping[str, int]
) -> tuple[Flow, list[_Item]]:
    """A line from node to node by way of a place in each layer between."""
    way = [items[flow.source]]
    for layer in range(layer_of[flow.source] + 1, layer_of[flow.target]):
        way.append(_Item(0.0))
        layers[layer].append(way[-1])
    way.append(items[flow.target])
    for upper, lower in pairwise(way):
        upper.below.append(lower)
        lower.above.append(upper)
    return flow, way


def _order(layers: list[list[_Item]]) -> None:
    """Bring each item near the middle of those it is joined to, from above and from below in turn."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for fixed, layer in pairwise(layers if down else layers[::-1]):
            rank = {id(item): index for index, item in enumerate(fixed)}
            before = {id(item): index for index, item in enumerate(layer)}
            layer.sort(key=_by_middle(rank, before, down=down))


def _by_middle(
    rank: Mapping[int, int], before: Mapping[int, int], *, down: bool
) -> Callable[[_Item], tuple[float, int]]:
    def key(item: _Item) -> tuple[float, int]:
        joined = item.above if down else item.below
        places = [rank[id(other)] for other in joined]
        own = before[id(item)]
        return (sum(places) / len(places) if places else float(own)), own

    return key


def _place(layers: Sequence[Sequence[_Item]]) -> None:
    """Give each item its x: as near to those it is joined to as its neighbours let it."""
    for layer in layers:
        for item, x in zip(layer, _spread(layer, [0.0] * len(layer)), strict=True):
            item.x = x
    for sweep in range(_SWEEPS * 2):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_middle(item) for item in layer]
            for item, x in zip(layer, _spread(layer, wanted), strict=True):
                item.x = x
    left = min((item.x - item.width / 2 for layer in layers for item in layer), default=0.0)
    for layer in layers:
        for item in layer:
            item.x -= left


def _middle(item: _Item) -> float:
    joined = [other.x for other in (*item.above, *item.below)]
    return sum(joined) / len(joined) if joined else item.x


def _spread(layer: Sequence[_Item], wanted: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, in least squares, at which nothing overlaps; in this order."""
    offsets = [0.0]
    for one, next_one in pairwise(layer):
        gap = _NODE_GAP if one.node and next_one.node else _LINE_GAP
        offsets.append(offsets[-1] + (one.width + next_one.width) / 2 + gap)
    blocks: list[tuple[float, int]] = []
    for place, offset in zip(wanted, offsets, strict=False):
        blocks.append((place - offset, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (right, many), (left, few) = blocks.pop(), blocks.pop()
            blocks.append(((right * many + left * few) / (many + few), many + few))
    starts = [start for start, count in blocks for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=False)]


def _drawing(
    graph: Graph, layers: Sequence[Sequence[_Item]], ways: Iterable[tuple[Flow, list[_Item]]]
) -> Layout:
    top = {
        id(item): index * (NODE_HEIGHT + _LAYER_GAP) for index, layer in enumerate(layers) for item in layer
    }
    boxes = tuple(
        Box(item.node, _makes(graph, item.node), item.x, top[id(item)], item.width)
        for layer in layers
        for item in layer
        if item.node is not None
    )
    lines = tuple(Line(flow, tuple(_points(way, top))) for flow, way in ways)
    width = max((item.x + item.width / 2 for layer in layers for item in layer), default=0.0)
    height = len(layers) * (NODE_HEIGHT + _LAYER_GAP) - _LAYER_GAP
    return Layout(width, max(height, 0.0), boxes, lines)


def _points(way: Sequence[_Item], top: Mapping[int, float]) -> list[tuple[float, float]]:
    points = [(way[0].x, top[id(way[0])] + NODE_HEIGHT)]
    for item in way[1:-1]:
        points += [(item.x, top[id(item)]), (item.x, top[id(item)] + NODE_HEIGHT)]
    return [*points, (way[-1].x, top[id(way[-1])])]


def _makes(graph: Graph, node: Node) -> str:
    return listed(graph.out_of(node.name), 2)


def _width(graph: Graph, node: Node) -> float:
    wide = max(_LETTER * _columns(node.name), _SMALL_LETTER * _columns(_makes(graph, node)))
    return max(_NARROWEST, wide + _PADDING)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)

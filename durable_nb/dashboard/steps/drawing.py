"""The graph of the steps, laid out: the front end only draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from durable_nb.core.graphs.graph import Graph, make_graph
from durable_nb.core.graphs.layout import NODE_HEIGHT, Box, Line, lay_out
from durable_nb.core.model import Json, Trace
from durable_nb.core.planning import PlanCell


def draw(
    notebook: str, cells: Sequence[PlanCell], trace_of: Callable[[str], Trace | None]
) -> Mapping[str, Json]:
    """Places of steps and lines, as JSON; x and y of a node are its upper left corner.

    Args:
        notebook: The path of the notebook.
        cells: Its code cells.
        trace_of: The last trace of a step; None where there is none.
    """
    return _drawn(make_graph(notebook, cells, trace_of))


@lru_cache(maxsize=4)  # most plans are of the graph that the last one was of, and places take the longest
def _drawn(graph: Graph) -> Mapping[str, Json]:
    layout = lay_out(graph)
    return {
        "nodes": [_node(box) for box in layout.boxes],
        "edges": [_edge(line) for line in layout.lines],
        "width": round(layout.width, 1),
        "height": round(layout.height, 1),
    }


def _node(box: Box) -> dict[str, Json]:
    return {
        "step": box.node.name,
        "is_step": box.node.is_step,
        "makes": box.makes,
        "x": round(box.x - box.width / 2, 1),
        "y": round(box.y, 1),
        "width": round(box.width, 1),
        "height": NODE_HEIGHT,
    }


def _edge(line: Line) -> dict[str, Json]:
    return {
        "from": line.flow.source,
        "to": line.flow.target,
        "names": list(line.flow.names),
        "points": [[round(x, 1), round(y, 1)] for x, y in line.points],
    }

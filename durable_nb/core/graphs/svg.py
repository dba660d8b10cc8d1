"""A graph as SVG: light and dark by the reader's setting, everything escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import pairwise

from durable_nb.core.graphs.graph import Graph
from durable_nb.core.graphs.layout import NODE_HEIGHT, Box, Layout, Line, lay_out
from durable_nb.core.model import State

_MARGIN = 10.0
_STYLE = """
.dnb{--ink:#1f2430;--soft:#656d7c;--line:#a9b1bf;--box:#fff;--edge:#c3c9d4;--done:#2e7d32;--again:#0b7285;
--run:#1a5fd0;--bad:#c62828;--held:#a15c00;--lost:#8e24aa;font-family:system-ui,-apple-system,"Segoe UI",
Roboto,"Noto Sans","DejaVu Sans",sans-serif}
@media(prefers-color-scheme:dark){.dnb{--ink:#e6e9ef;--soft:#9aa3b2;--line:#5b6474;--box:#1c212b;--edge:#3a4252;
--done:#66bb6a;--again:#4dc3d6;--run:#7ab0ff;--bad:#ff7b72;--held:#e3a33b;--lost:#d48ce8}}
.dnb rect{fill:var(--box);stroke:var(--edge);stroke-width:1.3}
.dnb .cell rect{stroke-dasharray:4 3}
.dnb .name{fill:var(--ink);font-size:13px;font-weight:600;text-anchor:middle}
.dnb .makes{fill:var(--soft);font-size:11px;text-anchor:middle}
.dnb .flow{fill:none;stroke:var(--line);stroke-width:1.4}
.dnb .flow:hover{stroke:var(--run);stroke-width:2.4}
.dnb .cell .flow{stroke-dasharray:4 3;stroke-width:1.1}
.dnb .tip{fill:var(--line)}
.dnb a:hover rect,.dnb a:focus rect{stroke:var(--run);stroke-width:2}
.dnb .completed rect{stroke:var(--done)}.dnb .reused rect{stroke:var(--again)}
.dnb .running rect{stroke:var(--run)}
.dnb .failed rect{stroke:var(--bad);stroke-width:2}.dnb .interrupted rect{stroke:var(--lost)}
.dnb .blocked rect,.dnb .waiting rect,.dnb .cancelled rect{stroke:var(--held)}
.dnb .pending rect{stroke-dasharray:2 3}
"""


def svg(
    graph: Graph, states: Mapping[str, State] | None = None, links: Mapping[str, str] | None = None
) -> str:
    """The drawing.

    Args:
        graph: What to draw.
        states: Step → how it stands; the colour of its box.
        links: Step → where a click on it leads.
    """
    layout = lay_out(graph)
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}"'
    seen = f'viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:.0f} {height:.0f}"'
    named = f'class="dnb" role="img" aria-label="{escape(_spoken(graph))}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {named} {size} {seen}>',
        f"<style>{_STYLE}</style>",
        *_lines(layout),
        *(
            _box(box, (states or {}).get(box.node.name), (links or {}).get(box.node.name))
            for box in layout.boxes
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _spoken(graph: Graph) -> str:
    steps = sum(node.is_step for node in graph.nodes)
    return f"graph of {steps} steps and what flows between them"


def _lines(layout: Layout) -> Iterator[str]:
    of_cells = {box.node.name for box in layout.boxes if not box.node.is_step}
    for line in layout.lines:
        label = f"{line.flow.source} → {line.flow.target}: {', '.join(line.flow.names)}"
        x, y = line.points[-1]
        yield (
            f'<g class="{"cell" if line.flow.source in of_cells else "step"}">'
            f'<path class="flow" d="{_path(line)}"><title>{escape(label)}</title></path>'
            f'<path class="tip" d="M{x:.1f} {y:.1f}l-4 -7h8z"/></g>'
        )


def _path(line: Line) -> str:
    (x, y), *_ = line.points
    drawn = [f"M{x:.1f} {y:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(line.points):
        bend = (y1 - y0) / 2
        drawn.append(
            f"V{y1:.1f}"
            if x0 == x1
            else f"C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
        )
    return "".join(drawn)


def _box(box: Box, state: State | None, link: str | None) -> str:
    kinds = ["step" if box.node.is_step else "cell", *([state.value] if state is not None else [])]
    left, middle = box.x - box.width / 2, box.y + NODE_HEIGHT / 2
    name_at = middle - 3 if box.makes else middle + 5
    said = f"{box.node.name}: {state.value}" if state is not None else box.node.name
    drawn = (
        f'<g class="{" ".join(kinds)}"><title>{escape(said)}</title>'
        f'<rect x="{left:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{NODE_HEIGHT:g}" rx="8"/>'
        f'<text class="name" x="{box.x:.1f}" y="{name_at:.1f}">{escape(box.node.name)}</text>'
    )
    if box.makes:
        drawn += f'<text class="makes" x="{box.x:.1f}" y="{middle + 14:.1f}">{escape(box.makes)}</text>'
    drawn += "</g>"
    return drawn if link is None else f'<a href="{escape(link)}">{drawn}</a>'

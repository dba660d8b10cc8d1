"""A graph as a Mermaid flowchart, for Markdown pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from durable_nb.core.graphs.graph import Graph, listed
from durable_nb.core.model import State

_CLASSES = {
    State.COMPLETED: "fill:#e6f4ea,stroke:#2e7d32,color:#14361a",
    State.REUSED: "fill:#e3f2f7,stroke:#0b7285,color:#06333c",
    State.RUNNING: "fill:#e3edfd,stroke:#1a5fd0,color:#0d2d63",
    State.FAILED: "fill:#fdeaea,stroke:#c62828,color:#5f1313",
    State.BLOCKED: "fill:#fff4dc,stroke:#b26a00,color:#4d2e00",
    State.WAITING: "fill:#fff4dc,stroke:#b26a00,color:#4d2e00",
    State.INTERRUPTED: "fill:#f6e9f9,stroke:#8e24aa,color:#431150",
}


def mermaid(graph: Graph, states: Mapping[str, State] | None = None) -> str:
    """The flowchart.

    Args:
        graph: What to draw.
        states: Step → how it stands; those without one are plain.
    """
    return "\n".join(_lines(graph, states or {})) + "\n"


def _lines(graph: Graph, states: Mapping[str, State]) -> Iterator[str]:
    yield "flowchart TD"
    number = {node.name: f"n{index}" for index, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        left, right = ("[", "]") if node.is_step else ("([", "])")
        yield f"    {number[node.name]}{left}{_quoted(node.name)}{right}"
    for flow in graph.flows:
        yield f"    {number[flow.source]} -->|{_quoted(listed(flow.names))}| {number[flow.target]}"
    used = {state for name, state in states.items() if name in number and state in _CLASSES}
    for state in sorted(used):
        yield f"    classDef {state} {_CLASSES[state]}"
        names = [number[name] for name, its in states.items() if its is state and name in number]
        yield f"    class {','.join(names)} {state}"


def _quoted(text: str) -> str:
    """A label that Mermaid takes as it is, whatever stands in it."""
    escaped = "".join(c if c.isalnum() or c in " _-.,/$" else f"#{ord(c)};" for c in text)
    return f'"{escaped}"'

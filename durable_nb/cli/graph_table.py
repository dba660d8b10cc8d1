"""How a graph looks in a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from durable_nb.cli.tables import plain_table, shown_path, state_text, terminal
from durable_nb.core.graphs.graph import Graph
from durable_nb.core.graphs.text import rows
from durable_nb.core.model import State


def print_graph(graph: Graph, states: Mapping[str, State]) -> None:
    """A line a step, with rails from each to those that use what it makes."""
    console = terminal()
    if not any(node.is_step for node in graph.nodes):
        console.print(f"{shown_path(graph.notebook)} has no steps. Mark a cell with %%step NAME on line 1.")
        return
    console.print(Text(shown_path(graph.notebook), style="bold"))
    known = bool(states)
    table = plain_table("", "STEP", *(["STATE"] if known else []), "USES", wrapped={"USES"})
    for row in rows(graph):
        state = states.get(row.name) if row.is_step else None
        table.add_row(
            Text(row.rails, style="cyan"),
            Text(row.name, style="bold" if row.is_step else "dim"),
            *([state_text(state, console) if state is not None else Text()] if known else []),
            Text(row.uses, style="dim"),
        )
    console.print(table)

"""``durable-nb graph``: the steps of a notebook, and what flows between them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_nb.cli.completing import NotebookType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import find_traces, json_option, one_look, store_option

if TYPE_CHECKING:
    from durable_nb.core.graphs.graph import Graph
    from durable_nb.core.model import State
    from durable_nb.store.store import Store

_EPILOG = """\b
Example:
  durable-nb graph report.ipynb
  durable-nb graph report.ipynb --format svg > report.svg

Nothing is run. What a step uses is read from its code and from its last result.
"""


@click.command(epilog=_EPILOG)
@click.argument("notebook", metavar="IN", type=NotebookType())
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "mermaid", "svg"]),
    default="text",
    show_default=True,
    help="Lines for a terminal, a flowchart for Markdown, or a picture.",
)
@store_option
@json_option
def graph(notebook: Path, form: str, store_path: Path | None, as_json: bool) -> None:
    """Show the steps of IN and what flows between them."""
    from durable_nb.batch.inspecting.graphs import notebook_graph

    store = find_traces(store_path, notebook.resolve())
    found = notebook_graph(notebook, store)
    states = _states(store, notebook.resolve())
    if as_json:
        print_json({**found.as_json(), "states": {step: state.value for step, state in states.items()}})
    elif form == "text":
        from durable_nb.cli import graph_table

        graph_table.print_graph(found, states)
    else:
        click.echo(_drawn(found, states, form), nl=False)


def _states(store: Store | None, notebook: Path) -> dict[str, State]:
    from durable_nb.batch.inspecting.reports import step_status

    if store is None:
        return {}
    with one_look(store):
        return {report.step: report.state for report in step_status(store, notebook)}


def _drawn(found: Graph, states: dict[str, State], form: str) -> str:
    from durable_nb.core.graphs.mermaid import mermaid
    from durable_nb.core.graphs.svg import svg

    return mermaid(found, states) if form == "mermaid" else svg(found, states)

"""``durable-nb history``: the past of one step."""

from __future__ import annotations

from pathlib import Path

import click

from durable_nb.cli.completing import NotebookType, StepType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import (
    bring_up_to_date,
    existing_store,
    for_traces_alone,
    json_option,
    store_option,
)

_EPILOG = """\b
Example:
  durable-nb history clean
  durable-nb history clean -n 100 --json
"""


@click.command(epilog=_EPILOG)
@click.argument("step", metavar="STEP", type=StepType())
@click.argument("notebook", metavar="[IN]", type=NotebookType(), required=False)
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@store_option
@json_option
def history(step: str, notebook: Path | None, limit: int, store_path: Path | None, as_json: bool) -> None:
    """Show what became of STEP over time.

    Each time it was executed or reused, newest first, and what differed from the time before. IN only tells
    which store: a step's results belong to all notebooks that have it.
    """
    from durable_nb.batch.inspecting.history import step_history

    store = existing_store(store_path, notebook.resolve() if notebook else None)
    bring_up_to_date(store)
    for_traces_alone()
    found = step_history(store, step, limit=limit)
    if as_json:
        print_json(found.as_json())
    else:
        from durable_nb.cli.history_table import print_history

        print_history(found)

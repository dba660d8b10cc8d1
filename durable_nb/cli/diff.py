"""``durable-nb diff``: two runs side by side."""

from __future__ import annotations

from pathlib import Path

import click

from durable_nb.cli.completing import RunType, StepType
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
  durable-nb diff 20261122-2315 last
  durable-nb diff 20261122-2315 20261123-0801 --step train

Told are parameters, the code of each step and what it used, and what came out: rows, columns, and
the values that differ.
"""


@click.command(epilog=_EPILOG)
@click.argument("first", metavar="RUN", type=RunType())
@click.argument("second", metavar="RUN", type=RunType())
@click.option("--step", metavar="STEP", type=StepType(), help="Only this step.")
@store_option
@json_option
def diff(first: str, second: str, step: str | None, store_path: Path | None, as_json: bool) -> None:
    """Show what differs between two runs. RUN is an id from 'runs', the beginning of one, or 'last'."""
    from dataclasses import replace

    from durable_nb.batch.inspecting.differences import run_difference
    from durable_nb.batch.inspecting.history import unknown_step
    from durable_nb.core.errors import UnknownStepError

    store = existing_store(store_path)
    bring_up_to_date(store)
    for_traces_alone()
    found = run_difference(store, first, second)
    if step is not None:
        chosen = tuple(one for one in found.steps if one.step == step)
        if not chosen:
            raise UnknownStepError(unknown_step(step, [one.step for one in found.steps], "these runs"))
        found = replace(found, steps=chosen)
    if as_json:
        print_json(found.as_json())
    else:
        from durable_nb.cli.diff_table import print_difference

        print_difference(found)

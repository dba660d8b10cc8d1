"""``durable-nb resolve``."""

from __future__ import annotations

from pathlib import Path

import click

from durable_nb.cli.completing import NotebookType, StepType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import existing_store, json_option, store_option


@click.command(
    epilog="\b\nExample:\n  durable-nb resolve\n"
    "  durable-nb resolve charge --happened --value 'receipt=\"R-17\"'\n"
    "  durable-nb resolve charge --run-again"
)
@click.argument("step", metavar="[STEP]", type=StepType(), required=False)
@click.argument("notebook", metavar="[IN]", type=NotebookType(), required=False)
@click.option("--happened", is_flag=True, help="It was done: go on as if it had completed.")
@click.option("--run-again", is_flag=True, help="It was not done, or shall be done again.")
@click.option(
    "--value", "values", metavar="NAME=VALUE", multiple=True, help="What it made: JSON, or else text."
)
@store_option
@json_option
def resolve(
    step: str | None,
    notebook: Path | None,
    happened: bool,
    run_again: bool,
    values: tuple[str, ...],
    store_path: Path | None,
    as_json: bool,
) -> None:
    """Say what became of STEP, which is executed at most once and did not end. Without STEP: list what waits.

    Nothing is run: the next run of the notebook goes on from there. IN only tells which store.
    """
    from durable_nb.core.errors import UsageError
    from durable_nb.store import resolving

    store = existing_store(store_path, notebook.resolve() if notebook else None)
    if step is None:
        found = resolving.waiting(store)
        if as_json:
            print_json([resolving.as_json(intent) for intent in found])
        else:
            click.echo(resolving.listed(found, "durable-nb resolve"))
        return
    if happened == run_again:
        raise UsageError("say one of them: --happened (it was done), or --run-again (run it once more)")
    decided = resolving.resolve(store, step, happened=happened, values=resolving.read_values(values))
    store.flush()
    if as_json:
        print_json(resolving.as_json(decided))
    else:
        click.echo(resolving.in_words(decided))

"""``durable-nb recover``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import existing_store, json_option, store_option


@click.command(epilog="\b\nExample:\n  durable-nb recover")
@store_option
@json_option
def recover(store_path: Path | None, as_json: bool) -> None:
    """Tell the ledger what it lacks.

    Completed steps are learnt again from their traces, which are the truth, and runs whose process
    died without a word are recorded as interrupted.
    """
    from durable_nb.batch.runs import settle_dead_runs

    store = existing_store(store_path)
    found = asdict(store.recover())
    dead = settle_dead_runs(store)
    if as_json:
        print_json({**found, "runs_interrupted": list(dead)})
        return
    for name, value in found.items():
        click.echo(f"{name.replace('_', ' ')}: {value}")
    click.echo(f"runs found dead: {', '.join(dead) or 'none'}")

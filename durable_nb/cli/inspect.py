"""``durable-nb status``, ``runs`` and ``show``: what the ledger knows."""

from __future__ import annotations

from pathlib import Path

import click

from durable_nb.cli.options import existing_store, json_option, store_option

_NOTEBOOK = click.Path(path_type=Path)


@click.command(epilog="\b\nExample:\n  durable-nb status report.ipynb")
@click.argument("notebook", metavar="[IN]", type=_NOTEBOOK, required=False)
@store_option
@json_option
def status(notebook: Path | None, store_path: Path | None, as_json: bool) -> None:
    """Show how each step of the notebook IN stands, or of all notebooks in the store."""
    from durable_nb.batch import reports, runs
    from durable_nb.cli import tables

    absolute = notebook.resolve() if notebook else None
    store = existing_store(store_path, absolute)
    runs.settle_dead_runs(store)
    store.recover()
    steps = reports.step_status(store, absolute)
    if absolute is not None:
        from durable_nb.batch.declared import as_declared

        steps = as_declared(absolute, steps)
    if as_json:
        tables.print_json([step.as_json() for step in steps])
    else:
        tables.print_status(steps)


@click.command(epilog="\b\nExample:\n  durable-nb runs\n  durable-nb runs report.ipynb -n 5")
@click.argument("notebook", metavar="[IN]", type=_NOTEBOOK, required=False)
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@store_option
@json_option
def runs(notebook: Path | None, limit: int, store_path: Path | None, as_json: bool) -> None:
    """List the newest runs, of the notebook IN or of all."""
    from durable_nb.batch import reports
    from durable_nb.batch.runs import settle_dead_runs
    from durable_nb.cli import tables

    absolute = notebook.resolve() if notebook else None
    store = existing_store(store_path, absolute)
    settle_dead_runs(store)
    found = reports.list_runs(store, absolute, limit)
    if as_json:
        tables.print_json([report.as_json() for report in found])
    else:
        tables.print_runs(found)


@click.command(epilog="\b\nExample:\n  durable-nb show last\n  durable-nb show 20261122-2315")
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def show(run_id: str, store_path: Path | None, as_json: bool) -> None:
    """Show one run step by step. RUN is an id from 'runs', the beginning of one, or 'last'."""
    from durable_nb.batch.reports import run_report
    from durable_nb.batch.runs import settle_dead_runs
    from durable_nb.cli import tables

    store = existing_store(store_path)
    settle_dead_runs(store)
    report = run_report(store, run_id)
    if as_json:
        tables.print_json(report.as_json())
    else:
        tables.print_run(report)
        tables.print_traceback(report.traceback)

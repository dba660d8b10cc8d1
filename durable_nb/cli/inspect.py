"""``durable-nb status``, ``runs`` and ``show``: what the ledger knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_nb.cli.completing import NotebookType, RunType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import (
    existing_store,
    find_existing_store,
    json_option,
    one_look,
    store_option,
)

if TYPE_CHECKING:
    from durable_nb.batch.inspecting.reports import StepReport
    from durable_nb.core.model import Json
    from durable_nb.store.store import Store

_NOTEBOOK = NotebookType()


@click.command(epilog="\b\nExample:\n  durable-nb status report.ipynb")
@click.argument("notebook", metavar="[IN]", type=_NOTEBOOK, required=False)
@store_option
@json_option
def status(notebook: Path | None, store_path: Path | None, as_json: bool) -> None:
    """Show how the steps of IN stand, or those of every notebook."""
    from durable_nb.batch.declared import as_declared

    if notebook is None:
        steps = _known_steps(existing_store(store_path))
    else:
        absolute = notebook.resolve()
        store = find_existing_store(store_path, absolute)
        steps = as_declared(absolute, _known_steps(store, absolute) if store else [])
    if as_json:
        print_json([step.as_json() for step in steps])
    else:
        from durable_nb.cli.tables import print_status

        print_status(steps)


def _known_steps(store: Store, notebook: Path | None = None) -> list[StepReport]:
    from durable_nb.batch.inspecting.reports import step_status

    with one_look(store):
        return step_status(store, notebook)


@click.command(epilog="\b\nExample:\n  durable-nb runs\n  durable-nb runs report.ipynb -n 5")
@click.argument("notebook", metavar="[IN]", type=_NOTEBOOK, required=False)
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@store_option
@json_option
def runs(notebook: Path | None, limit: int, store_path: Path | None, as_json: bool) -> None:
    """List the newest runs, of the notebook IN or of all."""
    from durable_nb.batch.inspecting import reports

    absolute = notebook.resolve() if notebook else None
    store = existing_store(store_path, absolute)
    with one_look(store):
        found = reports.list_runs(store, absolute, limit)
    if as_json:
        print_json([report.as_json() for report in found])
    else:
        from durable_nb.cli.tables import print_runs

        print_runs(found)


@click.command(epilog="\b\nExample:\n  durable-nb show last\n  durable-nb show 20261122-2315")
@click.argument("run_id", metavar="RUN", type=RunType())
@store_option
@json_option
def show(run_id: str, store_path: Path | None, as_json: bool) -> None:
    """Show one run step by step. RUN is an id from 'runs', the beginning of one, or 'last'.

    Steps that were tried more than once are followed by their attempts.
    """
    from durable_nb.batch.inspecting.attempts import run_attempts
    from durable_nb.batch.inspecting.effective import as_json as as_json_values
    from durable_nb.batch.inspecting.effective import run_declared, run_parameters
    from durable_nb.batch.inspecting.given import run_given
    from durable_nb.batch.inspecting.hook_calls import run_hooks
    from durable_nb.batch.inspecting.reports import run_report

    store = existing_store(store_path)
    with one_look(store):
        report = run_report(store, run_id)
        attempts = run_attempts(store, report.run_id)
        parameters = run_parameters(report, run_declared(store, report.run_id))
        given, hooks = run_given(store, report.run_id), run_hooks(store, report.run_id)
    if as_json:
        more: dict[str, Json] = {
            "effective_parameters": as_json_values(parameters),
            "given": [one.as_json() for one in given],
            "attempts": [attempt.as_json() for attempt in attempts],
            "hooks": [hook.as_json() for hook in hooks],
        }
        print_json(report.as_json() | more)
    else:
        from durable_nb.cli import attempts_table, tables
        from durable_nb.cli.record_lines import print_record

        tables.print_run(report)
        print_record(report, parameters, given, hooks)
        attempts_table.print_attempts(attempts)
        tables.print_traceback(report.traceback)

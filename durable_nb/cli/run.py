"""``durable-nb run``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from durable_nb.cli.app import COMPLETED, FAILED, INTERRUPTED
from durable_nb.cli.options import json_option, store_option

_EPILOG = """\b
Example:
  durable-nb run report.ipynb -p day 2026-11-01
  durable-nb run report.ipynb monday.ipynb -f parameters.yaml

When it fails or is killed, the same command goes on: only what is not done is executed.
"""


@click.command(epilog=_EPILOG)
@click.argument("notebook", metavar="IN", type=click.Path(path_type=Path))
@click.argument("output", metavar="[OUT]", required=False)
@click.option(
    "-p", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="Set a parameter; may be repeated."
)
@click.option(
    "-f",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Set parameters from YAML or JSON.",
)
@click.option("-k", "--kernel", metavar="NAME", help="The kernel, if not the one that IN names.")
@click.option(
    "--cwd",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Working directory of the kernel; IN's folder by default.",
)
@click.option("--cell-timeout", type=click.IntRange(1), metavar="SECONDS", help="Limit for each cell.")
@click.option("--auto", is_flag=True, help="Take every code cell for a step.")
@click.option(
    "--verify-reused",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="FRACTION",
    help="Execute so many of the reusable steps anyway (0 to 1), and name those that come out otherwise.",
)
@store_option
@json_option
def run(
    *,
    notebook: Path,
    output: str | None,
    pairs: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    kernel: str | None,
    cwd: Path | None,
    cell_timeout: int | None,
    auto: bool,
    verify_reused: float,
    store_path: Path | None,
    as_json: bool,
) -> int:
    """Execute the notebook IN, or go on with it, and save it as OUT.

    OUT is IN's name with .out.ipynb by default. Steps that are proven up to date are reused. A step that
    --verify-reused finds to come out otherwise counts as failed in the exit status.
    """
    from durable_nb.cli import parameters

    values = parameters.collect(files, pairs)
    target = output or str(notebook.with_name(f"{notebook.stem}.out.ipynb"))

    from durable_nb.batch.engine_run import RunStoppedError, run_notebook
    from durable_nb.cli import tables

    watched = sys.stderr.isatty() and not as_json
    status = COMPLETED
    try:
        report = run_notebook(
            notebook,
            target,
            values,
            store=store_path,
            kernel_name=kernel,
            cwd=cwd,
            cell_timeout=cell_timeout,
            auto=auto,
            verify_reused=verify_reused,
            progress=watched,
            on_run=lambda run: click.echo(run.announcement(), err=True) if watched else None,
        )
        if report.state != "completed" or report.not_deterministic:
            status = FAILED
    except RunStoppedError as stopped:
        report, status = stopped.report, INTERRUPTED
    if as_json:
        tables.print_json(report.as_json())
    else:
        tables.print_run(report)
    if status == FAILED and report.traceback:
        tables.print_traceback(report.traceback)
    return status

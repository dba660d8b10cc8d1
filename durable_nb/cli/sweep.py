"""``durable-nb sweep``: one run of a notebook for each row of a table."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_nb.cli.app import COMPLETED, FAILED, INTERRUPTED, WAITING
from durable_nb.cli.completing import NotebookType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import find_existing_store, json_option, run_options, store_option
from durable_nb.core.model import State

if TYPE_CHECKING:
    from durable_nb.batch.sweeping.sweep import SweepReport

_EPILOG = """\b
Example:
  durable-nb sweep model.ipynb --params table.csv -j 4 -o models
  durable-nb sweep model.ipynb --params table.parquet --dask tcp://scheduler:8786

\b
table.csv, with one column a parameter; an empty cell leaves the notebook's default:
  alpha,depth
  0.1,3
  0.2,

The same command goes on. A row that has completed is not run again where that is proven without a kernel:
code and parameters are the same, no step is stale, and cells that are no steps only import, define and show.
Any other row is run, and reuses what it can. What cells give to durable_nb.metric("auc", 0.91) is in
summary.parquet beside the parameters.
"""


@click.command(epilog=_EPILOG)
@click.argument("notebook", metavar="IN", type=NotebookType())
@click.option(
    "--params",
    "table",
    required=True,
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="One row a run: a .csv, .parquet, .yaml or .json file.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="Rows at the same time; 1 a CPU by default."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="OUTDIR",
    help="Folder for executed notebooks and summary.parquet; IN's name with .sweep by default.",
)
@click.option("--dask", metavar="ADDRESS", help="Do the rows on the workers of this Dask scheduler.")
@run_options
@click.option("-k", "--kernel", metavar="NAME", help="The kernel, if not the one that IN names.")
@click.option("--cell-timeout", type=click.IntRange(1), metavar="SECONDS", help="Limit for each cell.")
@click.option(
    "--keep-going", is_flag=True, default=None, help="In each run, after a failure run what does not need it."
)
@click.option(
    "--new-run",
    is_flag=True,
    help="Begin another run of each row, even if its last one is done or unfinished.",
)
@store_option
@json_option
def sweep(
    *,
    notebook: Path,
    table: Path,
    jobs: int | None,
    output: Path | None,
    dask: str | None,
    pairs: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    cwd: Path | None,
    secrets: tuple[str, ...],
    kernel: str | None,
    cell_timeout: int | None,
    keep_going: bool | None,
    new_run: bool,
    store_path: Path | None,
    as_json: bool,
) -> int:
    """Execute IN once for each row of a table; what rows have in common is computed once.

    A row that fails stops no other. Ctrl-C lets the rows in work end in good order; the same command goes on.
    """
    from durable_nb.batch.stopping import sigterm_as_ctrl_c
    from durable_nb.batch.sweeping.sweep import sweep as do_sweep
    from durable_nb.batch.terminal import can_repaint
    from durable_nb.cli import parameters, sweep_tables
    from durable_nb.cli.sweep_plans import plans_of_notebook
    from durable_nb.cli.sweep_progress import following

    values = parameters.collect(files, pairs)
    with sigterm_as_ctrl_c(), following(watched=can_repaint(sys.stderr) and not as_json) as follow:
        report = do_sweep(
            notebook,
            table,
            output or notebook.with_name(f"{notebook.stem}.sweep"),
            jobs=jobs or len(os.sched_getaffinity(0)),
            parameters=values,
            store=store_path,
            secrets=secrets,
            dask=dask,
            plan=plans_of_notebook(notebook, cwd, find_existing_store(store_path, notebook.resolve())),
            on_change=follow,
            new_run=new_run,
            kernel_name=kernel,
            cwd=None if cwd is None else cwd.absolute(),
            cell_timeout=cell_timeout,
            keep_going=keep_going,
        )
    if as_json:
        print_json(report.as_json())
    else:
        sweep_tables.print_sweep(report)
    return _status_of(report)


def _status_of(report: SweepReport) -> int:
    if report.stopped:
        return INTERRUPTED
    if report.state is State.COMPLETED:
        return COMPLETED
    return WAITING if report.state is State.WAITING else FAILED

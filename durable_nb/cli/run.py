"""``durable-nb run``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from durable_nb.cli.app import INTERRUPTED
from durable_nb.cli.completing import NotebookType
from durable_nb.cli.ended_run import print_ended, status_of_run
from durable_nb.cli.log_format import FORMATS, log_to_stderr
from durable_nb.cli.options import forcing_options, json_option, run_options, store_option, tag_option
from durable_nb.core.event_log import RUNS

_EPILOG = """\b
Example:
  durable-nb run report.ipynb -p day 2026-11-01
  durable-nb run report.ipynb monday.ipynb -f parameters.yaml
  durable-nb run report.ipynb --from clean

When it fails or is killed, the same command goes on: only what is not done is executed.
"""


@click.command(epilog=_EPILOG)
@click.argument("notebook", metavar="IN", type=NotebookType())
@click.argument("output", metavar="[OUT]", required=False)
@run_options
@click.option("-k", "--kernel", metavar="NAME", help="The kernel, if not the one that IN names.")
@click.option("--cell-timeout", type=click.IntRange(1), metavar="SECONDS", help="Limit for each cell.")
@click.option(
    "--keep-going",
    is_flag=True,
    default=None,
    help="After a failure run what does not need the failed cell; the run still ends failed.",
)
@click.option(
    "--kernel-restarts",
    type=click.IntRange(0),
    metavar="N",
    help="Replace a kernel that died so many times; 2 by default.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Execute steps that do not depend on each other in so many kernels at the same time.",
)
@click.option(
    "--on-failure",
    multiple=True,
    metavar="HOOK",
    help="Tell a URL (POST of JSON) or call module:function if the run does not complete; may be repeated.",
)
@click.option("--on-success", multiple=True, metavar="HOOK", help="The same if it completes.")
@click.option("--auto", is_flag=True, help="Take every code cell for a step.")
@click.option("--new-run", is_flag=True, help="Begin another run, even if the last one is unfinished.")
@forcing_options
@tag_option("Mark the run with NAME=VALUE; may be repeated.")
@click.option(
    "--verify-reused",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="FRACTION",
    help="Execute so many of the reusable steps anyway (0 to 1), and name those that come out otherwise.",
)
@click.option(
    "--log-format",
    type=click.Choice(FORMATS),
    help="Log to stderr: each event as a line of JSON, or how steps ended as lines of text.",
)
@store_option
@json_option
def run(
    *,
    notebook: Path,
    output: str | None,
    pairs: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    secrets: tuple[str, ...],
    kernel: str | None,
    cwd: Path | None,
    cell_timeout: int | None,
    keep_going: bool | None,
    kernel_restarts: int | None,
    jobs: int | None,
    on_failure: tuple[str, ...],
    on_success: tuple[str, ...],
    auto: bool,
    new_run: bool,
    from_step: str,
    force: tuple[str, ...],
    tags: tuple[str, ...],
    verify_reused: float,
    log_format: str | None,
    store_path: Path | None,
    as_json: bool,
) -> int:
    """Execute the notebook IN, or go on with it, and save it as OUT.

    OUT is IN's name with .out.ipynb by default. Steps that are proven up to date are reused. A step that
    --verify-reused finds to come out otherwise counts as failed in the exit status. What is set under
    [tool.durable_nb] in pyproject.toml (keep_going, kernel_restarts, jobs, on_failure, on_success), or as
    DURABLE_NB_KEEP_GOING and so on in the environment, holds where no option is given.
    """
    from durable_nb.batch.asked import read_tags
    from durable_nb.batch.stopping import sigterm_as_ctrl_c
    from durable_nb.cli import parameters

    values = parameters.collect(files, pairs)
    target = output or str(notebook.with_name(f"{notebook.stem}.out.ipynb"))

    with sigterm_as_ctrl_c():
        from durable_nb.batch.engine_run import RunStoppedError, run_notebook

        watched = sys.stderr.isatty() and not as_json and log_format is None
        if log_format is not None:
            log_to_stderr(log_format)
        elif watched:
            logging.getLogger(RUNS).setLevel(logging.CRITICAL)  # the table says how the run ended
        try:
            report = run_notebook(
                notebook,
                target,
                values,
                store=store_path,
                kernel_name=kernel,
                cwd=cwd,
                cell_timeout=cell_timeout,
                keep_going=keep_going,
                kernel_restarts=kernel_restarts,
                jobs=jobs,
                on_failure=on_failure or None,
                on_success=on_success or None,
                auto=auto,
                new_run=new_run,
                from_step=from_step,
                force=force,
                tags=read_tags(tags) if tags else None,
                verify_reused=verify_reused,
                secrets=secrets or None,
                progress=watched,
                on_run=lambda run: click.echo(run.announcement(), err=True) if watched else None,
            )
            status = status_of_run(report)
        except RunStoppedError as stopped:
            report, status = stopped.report, INTERRUPTED
    print_ended(report, status, as_json=as_json)
    return status

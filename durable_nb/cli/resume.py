"""``durable-nb resume``: go on with recorded runs, as they were or with what a person changes."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_nb.cli.app import COMPLETED, FAILED, INTERRUPTED, WAITING
from durable_nb.cli.completing import NotebookType, RunType
from durable_nb.cli.ended_run import print_ended, status_of_run
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import existing_store, forcing_options, json_option, store_option, tag_option
from durable_nb.core.event_log import RUNS
from durable_nb.core.model import State

if TYPE_CHECKING:
    from durable_nb.batch.changes import Changes
    from durable_nb.batch.resuming_many import Resumed
    from durable_nb.store.store import Store

_EPILOG = """\b
Example:
  durable-nb resume --last
  durable-nb resume 20261122-2315 -p day 2026-11-02
  durable-nb resume --last --notebook fixed.ipynb
  durable-nb resume --last --set clean.rows=5 --set-file load.df=mended.parquet
  durable-nb resume --all-failed --since 2d --tag team=ops -j 4

With RUN or --last, --notebook is the fixed notebook to execute and --tag marks the run; with --all-failed
they choose runs. A value that is --set holds in its run only, in place of what the step makes; the step is
not executed if that is all it makes. A run that has completed is left alone, unless something is changed.
"""


@click.command(epilog=_EPILOG)
@click.argument("run_id", metavar="[RUN]", required=False, type=RunType())
@click.option("--last", is_flag=True, help="The run that was started or resumed last.")
@click.option("--all-failed", is_flag=True, help="All that failed or died, and were not made up for since.")
@click.option("--since", metavar="DURATION", help="With --all-failed: only runs of the last 12h, 2d, …")
@click.option(
    "-j", "--jobs", type=click.IntRange(1), metavar="N", help="With --all-failed: N runs at a time."
)
@click.option(
    "-p", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="Change a parameter; may be repeated."
)
@click.option(
    "-f",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Change those in a YAML file.",
)
@click.option("--notebook", type=NotebookType(), metavar="FILE", help="The fixed notebook; or, whose runs.")
@click.option(
    "--fixed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The fixed notebook, with --all-failed too.",
)
@click.option("--recorded", is_flag=True, help="Execute the notebook as the run has kept it, not its file.")
@forcing_options
@click.option(
    "--set", "given", multiple=True, metavar="STEP.NAME=VALUE", help="Give an output: JSON, or else text."
)
@click.option(
    "--set-file",
    "given_files",
    multiple=True,
    metavar="STEP.NAME=FILE",
    help="The same from .json, .txt, .parquet.",
)
@click.option("--unset", multiple=True, metavar="STEP.NAME", help="Take back a value that was given.")
@tag_option("Mark the run with NAME=VALUE; or, choose runs by it.")
@click.option("-o", "--output", metavar="OUT", help="Where the executed notebook goes, if not where it went.")
@click.option(
    "--cwd",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Working directory of the kernel, if not the one it had.",
)
@click.option("--keep-going", is_flag=True, default=None, help="After a failure run what does not need it.")
@click.option(
    "--on-failure", multiple=True, metavar="HOOK", help="As of 'durable-nb run'; hooks are not recorded."
)
@click.option("--on-success", multiple=True, metavar="HOOK", help="The same if it completes.")
@store_option
@json_option
def resume(
    *,
    run_id: str | None,
    last: bool,
    all_failed: bool,
    since: str | None,
    jobs: int | None,
    pairs: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    notebook: Path | None,
    fixed: Path | None,
    recorded: bool,
    from_step: str,
    force: tuple[str, ...],
    given: tuple[str, ...],
    given_files: tuple[str, ...],
    unset: tuple[str, ...],
    tags: tuple[str, ...],
    output: str | None,
    cwd: Path | None,
    keep_going: bool | None,
    on_failure: tuple[str, ...],
    on_success: tuple[str, ...],
    store_path: Path | None,
    as_json: bool,
) -> int:
    """Go on with RUN: the same notebook and parameters, or with what is changed here.

    RUN is an id from 'runs', the beginning of one, or 'last'. Its attempts are appended to those it has.
    """
    from durable_nb.batch.asked import read_tags
    from durable_nb.batch.changes import Changes, read_given, read_given_files, read_output_name
    from durable_nb.cli import parameters

    _check_choice(run_id, last=last, all_failed=all_failed, since=since, jobs=jobs, output=output)
    marks = read_tags(tags)
    changes = Changes(
        parameters=parameters.collect(files, pairs),
        notebook=fixed if all_failed else fixed or notebook,
        recorded=recorded,
        from_step=from_step,
        force=force,
        given=read_given(given),
        given_files=read_given_files(given_files),
        taken_back=tuple(map(read_output_name, unset)),
        tags={} if all_failed else marks,
    )
    options: dict[str, Any] = {
        "cwd": cwd,
        "keep_going": keep_going,
        "on_failure": on_failure or None,
        "on_success": on_success or None,
    }
    if not all_failed:
        store = existing_store(store_path)
        return _resume_one(store, run_id or "last", changes, output, as_json=as_json, **options)
    store = existing_store(store_path, notebook.resolve() if notebook else None)
    return _resume_many(store, notebook, since, marks, changes, jobs or 1, as_json=as_json, **options)


def _check_choice(run_id: str | None, *, last: bool, all_failed: bool, **of_some: object) -> None:
    """Refuse words that do not go together."""
    from durable_nb.core.errors import UsageError

    if sum((run_id is not None, last, all_failed)) != 1:
        raise UsageError(
            "say which run: its id, --last or --all-failed, and only one of these. "
            "Which there are: durable-nb runs"
        )
    allowed = {"since", "jobs"} if all_failed else {"output"}
    wrong = next((name for name, value in of_some.items() if value is not None and name not in allowed), None)
    if wrong is not None:
        raise UsageError(f"--{wrong} goes {'with one run only' if all_failed else 'with --all-failed only'}")


# One run.


def _resume_one(
    store: Store, run_id: str, changes: Changes, output: str | None, *, as_json: bool, **options: Any
) -> int:
    from durable_nb.batch.inspecting.run_ids import find_run

    run_id = find_run(store, run_id)  # before anything that is slow to import
    from durable_nb.batch.inspecting.reports import run_report
    from durable_nb.batch.resuming import go_on, left_alone, plan_resume
    from durable_nb.batch.stopping import sigterm_as_ctrl_c
    from durable_nb.cli.planned import tell

    with sigterm_as_ctrl_c():
        if why := left_alone(store, run_id, changes):
            click.echo(why, err=True)
            print_ended(run_report(store, run_id), COMPLETED, as_json=as_json)
            return COMPLETED
        planned = plan_resume(store, run_id, changes, cwd=options["cwd"])
        tell(store, planned)
        from durable_nb.batch.engine_run import RunStoppedError

        watched = sys.stderr.isatty() and not as_json
        if watched:
            logging.getLogger(RUNS).setLevel(logging.CRITICAL)  # the table says how the run ended
        try:
            report = go_on(
                store,
                planned,
                output=output,
                progress=watched,
                on_run=lambda run: click.echo(run.announcement(), err=True) if watched else None,
                **options,
            )
            status = status_of_run(report)
        except RunStoppedError as stopped:
            report, status = stopped.report, INTERRUPTED
    print_ended(report, status, as_json=as_json)
    return status


# Many.


def _resume_many(
    store: Store,
    notebook: Path | None,
    since: str | None,
    tags: dict[str, str],
    changes: Changes,
    jobs: int,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    from durable_nb.batch.inspecting.unfinished import unfinished_runs
    from durable_nb.batch.resuming_many import resume_all
    from durable_nb.batch.stopping import sigterm_as_ctrl_c
    from durable_nb.cli.planned import tell_briefly
    from durable_nb.core.options import parse_duration

    seconds = None if since is None else parse_duration(since)
    found = unfinished_runs(store, notebook=notebook, since_seconds=seconds, tags=tags)
    if not found:
        click.echo("No such run has failed.", err=True)
    total, ended = len(found), 0

    def tell(resumed: Resumed) -> None:
        nonlocal ended
        ended += 1
        if not as_json:
            click.echo(f"{ended}/{total} · {_in_words(resumed)}")

    with sigterm_as_ctrl_c():
        about = partial(tell_briefly, store)
        results = resume_all(store, found, changes, jobs=jobs, on_plan=about, on_end=tell, **options)
    if as_json:
        print_json([{**one.result.as_json(), "notebook": one.record.notebook} for one in results])
    return _status_of_all({one.state for one in results})


def _in_words(resumed: Resumed) -> str:
    from durable_nb.core.wording import duration

    record, result = resumed.record, resumed.result
    values = ", ".join(f"{name}={value!r}" for name, value in record.parameters.items())
    what = f"{Path(record.notebook).name}{f' ({values})' if values else ''}"
    done = result.error or f"{result.executed} executed, {result.reused} reused"
    return " · ".join([record.run_id, what, result.state.value, done, duration(result.seconds)])


def _status_of_all(states: set[State]) -> int:
    if State.CANCELLED in states:
        return INTERRUPTED
    if states <= {State.COMPLETED}:
        return COMPLETED
    return FAILED if states & {State.FAILED, State.INTERRUPTED} else WAITING

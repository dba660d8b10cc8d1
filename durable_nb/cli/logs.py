"""``durable-nb logs``: what the attempts of a step have printed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_nb.cli.completing import NotebookType, RunType, StepType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import (
    bring_up_to_date,
    existing_store,
    for_traces_alone,
    json_option,
    store_option,
)
from durable_nb.core.model import State
from durable_nb.core.wording import duration

if TYPE_CHECKING:
    from durable_nb.batch.inspecting.logs import AttemptLog

_EPILOG = """\b
Example:
  durable-nb logs train
  durable-nb logs train --attempt 1 --grep 'loss|warning'
"""
_NOTHING_FOUND = 1


class _Pattern(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on, in its stubs only
    name = "pattern"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> re.Pattern[str]:
        try:
            return re.compile(str(value))
        except re.error as error:
            self.fail(f"{value!r} is no regular expression: {error}", param, ctx)


@click.command(epilog=_EPILOG)
@click.argument("step", type=StepType())
@click.argument("notebook", metavar="[IN]", type=NotebookType(), required=False)
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="Only this attempt.")
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    type=RunType(),
    help="Of this run, not of the last in which STEP was executed.",
)
@click.option("--grep", type=_Pattern(), metavar="PATTERN", help="Only lines with this regular expression.")
@store_option
@json_option
def logs(
    step: str,
    notebook: Path | None,
    attempt: int | None,
    run_id: str | None,
    grep: re.Pattern[str] | None,
    store_path: Path | None,
    as_json: bool,
) -> int:
    """Show what STEP has printed, logged and shown in each of its attempts, failed ones too."""
    from durable_nb.batch.inspecting.logs import step_logs

    absolute = notebook.resolve() if notebook else None
    store = existing_store(store_path, absolute)
    bring_up_to_date(store)
    for_traces_alone()
    found = step_logs(store, step, absolute, run=run_id)
    chosen = [log for log in found if attempt in {None, log.attempt}]
    if grep is not None:
        chosen = [log for log in chosen if log.matching(grep)]
    if as_json:
        print_json([log.as_json() for log in chosen])
    else:
        if chosen:
            click.echo(f"run {chosen[0].run_id}")
        for log in chosen:
            _print(log, grep)
    if not chosen:
        numbers = ", ".join(str(log.attempt) for log in found)
        click.echo(f"Nothing of that in the attempts of run {found[-1].run_id}: {numbers}.", err=True)
        return _NOTHING_FOUND
    return 0


def _print(log: AttemptLog, grep: re.Pattern[str] | None) -> None:
    click.secho(_headline(log), bold=True)
    lines = (log.text or "").splitlines() if grep is None else log.matching(grep)
    for line in lines:
        click.echo(f"  {line}")
    if log.text is None and log.state is not State.RUNNING:
        click.echo("  (what it showed was not kept: its process died, or its trace is gone)")
    if log.error and grep is None:
        click.secho(f"  {log.error}", fg="red" if sys.stdout.isatty() else None)


def _headline(log: AttemptLog) -> str:
    when = log.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    parts = [log.step, f"attempt {log.attempt}", log.state.value, when]
    if log.seconds is not None:
        parts.append(duration(log.seconds))
    return " · ".join(parts)

"""What is said of a run that has ended, and with which exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_nb.cli.app import COMPLETED, FAILED, WAITING
from durable_nb.cli.json_text import print_json
from durable_nb.core.model import State

if TYPE_CHECKING:
    from durable_nb.batch.inspecting.reports import RunReport


def status_of_run(report: RunReport) -> int:
    """The exit status for a run that was not interrupted."""
    if report.state is State.WAITING:
        return WAITING
    return COMPLETED if report.state is State.COMPLETED and not report.not_deterministic else FAILED


def print_ended(report: RunReport, status: int, *, as_json: bool) -> None:
    """The run's table, or JSON; the traceback of what failed goes to stderr."""
    from durable_nb.cli import tables

    if as_json:
        print_json(report.as_json())
    else:
        tables.print_run(report)
    if status == FAILED and report.traceback:
        tables.print_traceback(report.traceback)

"""What is recorded of a run besides its steps, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from durable_nb.batch.inspecting.reports import RunReport
from durable_nb.cli.tables import terminal

_COMMIT = 12


def print_record(report: RunReport) -> None:
    """Tags, the run in whose place it was begun, commit, versions, machine and user, as far as known."""
    console = terminal()
    for name, text in _facts(report):
        if text:
            console.print(Text(f"{name} {text}", style="dim"))


def _facts(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "tags", ", ".join(f"{name}={value}" for name, value in report.tags.items())
    yield "in place of", report.parent_run_id
    dirty = ", with changed files" if report.git_dirty else ""
    yield "commit", report.git_commit[:_COMMIT] + dirty if report.git_commit else ""
    yield "versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield "by", f"{report.user} on {report.host}" if report.user and report.host else ""

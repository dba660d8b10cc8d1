"""What is recorded of a run besides its steps, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from durable_nb.batch.inspecting.effective import value_in_words
from durable_nb.batch.inspecting.given import GivenReport
from durable_nb.batch.inspecting.hook_calls import HookReport
from durable_nb.batch.inspecting.reports import RunReport
from durable_nb.batch.parameters import Effective, Origin
from durable_nb.cli.tables import terminal

_COMMIT = 12


def print_record(
    report: RunReport,
    parameters: Sequence[Effective] = (),
    given: Sequence[GivenReport] = (),
    hooks: Sequence[HookReport] = (),
) -> None:
    """Hooks, values by hand, parameters that it was not given, tags, commit, versions, …, as far as known."""
    console = terminal()
    for hook in hooks:
        console.print(Text(f"hook {hook}", style="red" if hook.error else "dim"))
    for value in given:
        console.print(Text(f"by hand {value}", style="yellow"))
    not_given = [one for one in parameters if one.origin is not Origin.GIVEN]
    values = ", ".join(f"{one.name}={value_in_words(one.value)} ({one.whence})" for one in not_given)
    for name, text in (("parameters", values), *_facts(report)):
        if text:
            console.print(Text(f"{name} {text}", style="dim"))


def _facts(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "tags", ", ".join(f"{name}={value}" for name, value in report.tags.items())
    yield "in place of", report.parent_run_id
    dirty = ", with changed files" if report.git_dirty else ""
    yield "commit", report.git_commit[:_COMMIT] + dirty if report.git_commit else ""
    yield "versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield "by", f"{report.user} on {report.host}" if report.user and report.host else ""

"""How two runs look side by side in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from durable_nb.batch.inspecting.differences import RunDifference, StepDifference
from durable_nb.batch.inspecting.reports import RunReport, StepReport
from durable_nb.batch.wording import ago
from durable_nb.cli.explain_tables import print_reasons
from durable_nb.cli.tables import shown_path, state_text, terminal
from durable_nb.core.model import State
from durable_nb.core.wording import duration

_RAN = frozenset({State.COMPLETED, State.REUSED})


def print_difference(found: RunDifference) -> None:
    """The two runs, then each step that differs."""
    console = terminal()
    _print_run(console, "first ", found.first)
    _print_run(console, "second", found.second)
    if found.first.run_id == found.second.run_id:
        console.print("This is one run: nothing can differ.")
        return
    for change in found.parameters:
        console.print(Text.assemble(("parameter ", "dim"), change))
    console.print()
    same = [step.step for step in found.steps if step.is_same]
    for step in found.steps:
        if not step.is_same:
            _print_step(console, step)
    if same:
        console.print(Text(f"the same: {', '.join(same)}", style="dim"))
    elif not found.steps:
        console.print(Text("no steps to compare", style="dim"))


def _print_run(console: Console, label: str, run: RunReport) -> None:
    head = Text.assemble((f"{label} ", "dim"), (run.run_id, "bold"), f" of {shown_path(run.notebook)} · ")
    console.print(
        head + state_text(run.state, console) + Text(f" · {ago(run.started_at)} · {duration(run.seconds)}")
    )


def _print_step(console: Console, step: StepDifference) -> None:
    console.print(Text.assemble((step.step, "bold"), " · ", *_standing(step, console)))
    print_reasons(console, step.causes)
    for output in step.outputs:
        _indented(console, Text(f"→ {output.text}"), 5)
        for line in output.lines:
            _indented(console, Text(line, style="dim"), 9)
    for report in (step.first, step.second):
        if report is not None and report.error:
            _indented(console, Text(f"run {report.run_id}: {report.error.splitlines()[0]}", style="red"), 5)


def _standing(step: StepDifference, console: Console) -> list[Text]:
    """How it ended in both, how long it took, and whether what came out is the same."""
    first, second = step.first, step.second
    if first is None or second is None:
        return [Text(f"only in the {'second' if first is None else 'first'} run", style="yellow")]
    parts = [state_text(second.state, console)]
    if first.state is not second.state and not (first.state in _RAN and second.state in _RAN):
        parts = [state_text(first.state, console), Text(" → "), *parts]
    if times := _times(first, second):
        parts.append(Text(f" · {times}"))
    if step.compared and not step.outputs:
        parts.append(Text(" · the same results", style="green"))
    return parts


def _times(first: StepReport, second: StepReport) -> str:
    if first.state is not State.COMPLETED or second.state is not State.COMPLETED:
        return ""
    if first.seconds is None or second.seconds is None:
        return ""
    was, now = duration(first.seconds), duration(second.seconds)
    return f"{was} → {now}" if was != now else ""


def _indented(console: Console, text: Text, by: int) -> None:
    console.print(Padding(text, (0, 0, 0, by), expand=False))

"""What the command prints: tables for a terminal, the same without ornament for a pipe."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from durable_nb.batch.inspecting.reports import RunReport, StepReport
from durable_nb.batch.wording import ago
from durable_nb.core.model import State
from durable_nb.core.wording import duration

_LOOK: Mapping[State, tuple[str, str]] = {
    State.PENDING: ("·", "dim"),
    State.RUNNING: ("▸", "bold blue"),
    State.COMPLETED: ("✓", "green"),
    State.REUSED: ("↺", "cyan"),
    State.FAILED: ("✗", "bold red"),
    State.BLOCKED: ("◦", "yellow"),
    State.INTERRUPTED: ("!", "bold magenta"),
    State.CANCELLED: ("-", "yellow"),
    State.WAITING: ("?", "bold yellow"),
}
_PIPED_WIDTH = 10_000
_WIDE = 120
_OF_ANOTHER = re.compile(r"(, which (?:failed|is blocked))(?: itself: it needs | \().*", re.DOTALL)
"""The error of the step that another one needs, and what that one needs in turn."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def print_run(report: RunReport) -> None:
    """A run: its steps, then what it came to."""
    console = terminal()
    console.print(_headline(report))
    if report.steps:
        console.print(_steps_table(report.steps, console))
    console.print(_verdict(report))


def print_runs(reports: Sequence[RunReport]) -> None:
    """Runs, one a line."""
    console = terminal()
    if not reports:
        console.print("No runs yet. Start one: durable-nb run NOTEBOOK")
        return
    narrow = console.width < _WIDE
    saved = [] if narrow else ["SAVED"]
    table = plain_table("RUN", "STATE", "STARTED", "TIME", "STEPS", *saved, "NOTEBOOK")
    for report in reports:
        cells = [
            Text(report.run_id),
            state_text(report.state, console),
            Text(ago(report.started_at)),
            Text(duration(report.seconds)),
            Text(_marks(report) if narrow else _counts(report)),
            *([] if narrow else [Text(_saved(report.saved_seconds))]),
            Text(_name(report.notebook), no_wrap=True, overflow="ellipsis"),
        ]
        table.add_row(*cells)
    console.print(table)


def print_status(steps: Iterable[StepReport]) -> None:
    """How steps stand, notebook by notebook."""
    console = terminal()
    empty = True
    for notebook, group in groupby(steps, key=lambda step: step.notebook):
        empty = False
        console.print(Text(shown_path(notebook), style="bold"))
        console.print(_steps_table(list(group), console, when=True))
    if empty:
        console.print("No steps. Mark a cell with %%step NAME on its first line.")


def print_traceback(traceback: str) -> None:
    """The traceback of a cell that failed, on stderr."""
    if traceback:
        click.echo("\n" + (traceback if sys.stderr.isatty() else _ANSI.sub("", traceback)), err=True)


def terminal() -> Console:
    """Where tables are printed: as wide as the terminal, or for a pipe as wide as they need."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    # told so, because rich takes a pipe for a terminal where FORCE_COLOR is set, as in every Jupyter kernel
    return Console(width=_PIPED_WIDTH, highlight=False, soft_wrap=True, force_terminal=False)


def plain_table(*columns: str, wrapped: Collection[str] = ("WHY", "NOTEBOOK")) -> Table:
    """A table without lines, of which only some columns may wrap."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        right = name in {"TIME", "SAVED", "SAVES"}
        table.add_column(name, justify="right" if right else "left", no_wrap=name not in wrapped)
    return table


def _steps_table(steps: Sequence[StepReport], console: Console, *, when: bool = False) -> Table:
    columns = {
        "STEP": [Text(step.step) for step in steps],
        "STATE": [state_text(step.state, console) for step in steps],
        "TIME": [_time(step) for step in steps],
        "SAVED": [Text(_saved(step.saved_seconds)) for step in steps],
        "WHEN": [Text(ago(step.updated_at) if when and step.updated_at else "") for step in steps],
        "WHY": [_why(step) for step in steps],
    }
    filled = {name: cells for name, cells in columns.items() if any(cells)}
    table = plain_table(*filled)
    for row in zip(*filled.values(), strict=True):
        table.add_row(*row)
    return table


def state_text(state: State, console: Console) -> Text:
    """A state with its mark and colour."""
    mark, style = _LOOK[state]
    return Text(f"{mark} {state}" if console.is_terminal else str(state), style=style)


def look(state: State) -> tuple[str, str]:
    """The mark and the style of a state."""
    return _LOOK[state]


def _time(step: StepReport) -> Text:
    return Text("" if step.seconds is None else duration(step.seconds))


def _saved(seconds: float | None) -> str:
    return duration(seconds) if seconds and seconds >= 0.001 else ""


def _why(step: StepReport) -> Text:
    if step.reason and step.state in {State.BLOCKED, State.WAITING}:
        return Text(_in_short(step.reason), style=_LOOK[step.state][1])
    if step.error:
        return Text(_first_line(step.error), style="red")
    if step.check:
        return Text(f"not deterministic: {', '.join(step.check)}", style="red")
    tries = f"attempt {step.attempt}" if step.attempt > 1 and step.state is not State.REUSED else ""
    return Text(" · ".join(part for part in (step.reason, tries) if part), style="dim")


def _in_short(reason: str) -> str:
    """Why a step was not run, without what the row of the other step says."""
    return _OF_ANOTHER.sub(r"\1", reason)


def _headline(report: RunReport) -> Text:
    text = Text.assemble((f"Run {report.run_id}", "bold"), f" of {shown_path(report.notebook)}")
    if report.parameters:
        shown = ", ".join(f"{name}={value!r}" for name, value in report.parameters.items())
        text.append(f" ({shown})", style="dim")
    return text


def _verdict(report: RunReport) -> Text:
    mark, style = _LOOK[report.state]
    parts = [f"{duration(report.seconds)}", _counts(report)]
    if _saved(report.saved_seconds):
        parts.append(f"saved {_saved(report.saved_seconds)}")
    checked = sum(step.check is not None for step in report.steps)
    if checked:
        parts.append(f"{checked} checked, {len(report.not_deterministic)} not deterministic")
    if report.output:
        parts.append(shown_path(report.output))
    text = Text.assemble(
        (f"{mark} {report.state}", style), " · " + " · ".join(part for part in parts if part)
    )
    if report.error and report.error not in {step.error for step in report.steps}:
        text.append(f"\n{_first_line(report.error)}", style="red")
    if report.state in {State.FAILED, State.INTERRUPTED, State.CANCELLED}:
        text.append("\nThe same command goes on from here.", style="dim")
    if report.state is State.WAITING:
        text.append(f"\n{_asked(report)}", style="yellow")
    return text


def _asked(report: RunReport) -> str:
    """What a person has to say before the run can go on."""
    lines = ["Say what became of it, then give the same command again:"]
    for step in report.steps:
        if step.state is State.WAITING:
            lines.append(f"  durable-nb resolve {step.step} --happened [--value NAME=VALUE]")
            lines.append(f"  durable-nb resolve {step.step} --run-again")
    return "\n".join(lines)


def _counts(report: RunReport) -> str:
    words = {State.COMPLETED: "executed"}
    return ", ".join(f"{number} {words.get(state, state)}" for state, number in _in_order(report))


def _marks(report: RunReport) -> str:
    return " ".join(f"{number}{_LOOK[state][0]}" for state, number in _in_order(report))


def _in_order(report: RunReport) -> list[tuple[State, int]]:
    order = dict.fromkeys((State.COMPLETED, State.REUSED, *State))
    return [(state, report.counts[state]) for state in order if state in report.counts]


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


def _name(path: str) -> str:
    return Path(path).name if path else "-"


def shown_path(path: str) -> str:
    """A path relative to the working directory where that is shorter."""
    if not path.startswith("/"):
        return path or "a notebook without a file"
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path

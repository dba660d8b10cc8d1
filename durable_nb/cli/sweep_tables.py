"""How a sweep is printed when it has ended: parameters and metrics, one row a run."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from durable_nb.batch.sweeping.sweep import SweepReport
from durable_nb.cli.tables import look, plain_table, shown_path, state_text, terminal
from durable_nb.core.model import State
from durable_nb.core.wording import duration

_NOT_SHOWN = {"state", "seconds", "run_id", "output", "error"}
_MOST_ROWS = 60
_NUMBER = (int, float)


def print_sweep(report: SweepReport) -> None:
    """The table, then what it came to."""
    console = terminal()
    columns = {name: values for name, values in report.columns.items() if name not in _NOT_SHOWN}
    table = plain_table("ROW", *columns, "STATE", "TIME", "WHY", wrapped=("WHY",))
    for column, values in zip(table.columns[1:], columns.values(), strict=False):
        column.justify = "right" if all(v is None or isinstance(v, _NUMBER) for v in values) else "left"
    shown = report.rows if console.is_terminal is False else report.rows[:_MOST_ROWS]
    for place, row in enumerate(shown):
        result = report.results[row.number]
        table.add_row(
            Text(str(row.number)),
            *(Text(_cell(values[place])) for values in columns.values()),
            state_text(result.state, console),
            Text(duration(result.seconds) if result.seconds else ""),
            Text(result.error, style="red"),
        )
    console.print(table)
    if len(shown) < len(report.rows):
        console.print(Text(f"and {len(report.rows) - len(shown)} more rows", style="dim"))
    console.print(_verdict(report))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _verdict(report: SweepReport) -> Text:
    mark, style = look(report.state)
    counts = ", ".join(f"{number} {state}" for state, number in report.counts.items())
    text = Text.assemble((f"{mark} {counts}", style), f" · {shown_path(str(report.summary))}")
    if report.state is not State.COMPLETED:
        text.append("\nThe same command goes on from here.", style="dim")
    return text

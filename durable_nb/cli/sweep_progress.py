"""What a person sees while a sweep is at work: lines that change on a terminal, one line a row in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.sweep import SweepProgress
from durable_nb.cli.tables import look
from durable_nb.core.model import State
from durable_nb.core.wording import duration

_ROWS_SHOWN = 12
_BAR = 40

Follow = Callable[[SweepProgress], None]


@contextmanager
def following(*, watched: bool) -> Iterator[Follow]:
    """Give what is to be called at each change of the progress.

    Args:
        watched: Whether somebody sits at a terminal.
    """
    if not watched:
        yield _Lines()
        return
    console = Console(stderr=True, highlight=False)
    shown = _Shown(console)
    with Live(get_renderable=shown.render, console=console, refresh_per_second=4, transient=True):
        yield shown


class _Lines:
    """One line on stderr for each row that has ended."""

    def __init__(self) -> None:
        self._told: set[int] = set()

    def __call__(self, progress: SweepProgress) -> None:
        for number, result in progress.results.items():
            if number not in self._told:
                self._told.add(number)
                click.echo(_ended(len(self._told), progress, result), err=True)


def _ended(place: int, progress: SweepProgress, result: RowResult) -> str:
    row = progress.rows[result.number - 1]
    parts = [f"{place}/{len(progress.rows)}", row.words, result.state.value]
    if result.earlier:
        return " · ".join([*parts, "earlier, nothing has changed"])
    parts.append(result.error or f"{result.executed} executed, {result.reused} reused")
    parts.append(duration(result.seconds))
    if (left := _left(progress)) is not None:
        parts.append(left)
    return " · ".join(parts)


class _Shown:
    """A bar, counts by state, the rows in work, and above them rows that did not complete."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: SweepProgress | None = None
        self._told: set[int] = set()

    def __call__(self, progress: SweepProgress) -> None:
        self._progress = progress
        for number, result in progress.results.items():
            if number not in self._told:
                self._told.add(number)
                if result.state is not State.COMPLETED:
                    self._console.print(_trouble(progress, result))

    def render(self) -> Group:
        """What is to be seen now."""
        progress = self._progress
        if progress is None:
            return Group(Text("starting", style="dim"))
        now = time.monotonic()
        running = sorted(progress.running.items())
        lines = [
            Text.assemble(
                ("  ▸ ", "bold blue"), progress.rows[n - 1].words, (f"  {duration(now - at)}", "dim")
            )
            for n, at in running[:_ROWS_SHOWN]
        ]
        if len(running) > _ROWS_SHOWN:
            lines.append(Text(f"    and {len(running) - _ROWS_SHOWN} more", style="dim"))
        bar = ProgressBar(len(progress.rows), len(progress.results), width=_BAR)
        return Group(_counts(progress), bar, *lines)


def _counts(progress: SweepProgress) -> Text:
    text = Text(f"{len(progress.results)}/{len(progress.rows)} rows")
    for state, number in progress.counts.items():
        text.append(" · ", style="dim").append(f"{number} {state}", style=look(state)[1])
    if (left := _left(progress)) is not None:
        text.append(f" · {left}", style="dim")
    return text


def _trouble(progress: SweepProgress, result: RowResult) -> Text:
    mark, style = look(result.state)
    row = progress.rows[result.number - 1]
    return Text.assemble((f"{mark} {row.words}", style), f"  {result.state} · {result.error}")


def _left(progress: SweepProgress) -> str | None:
    seconds = progress.seconds_left
    return None if not seconds else f"{duration(seconds)} left"

"""How the past of a step looks in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from durable_nb.batch.inspecting.history import HistoryEntry, StepHistory
from durable_nb.cli.explain_tables import print_reasons
from durable_nb.cli.tables import state_text, terminal
from durable_nb.core.model import State
from durable_nb.core.wording import duration

_STATES = frozenset(State)


def print_history(history: StepHistory) -> None:
    """One line an entry, and below it what differed."""
    console = terminal()
    console.print(Text(history.step, style="bold"))
    for entry in history.entries:
        console.print(Text(" · ").join(_headline(entry, console)))
        if entry.past is not None:
            print_reasons(console, entry.past.differences)
            for note in _notes(entry):
                console.print(Padding(Text(note, style="dim"), (0, 0, 0, 5), expand=False))
    if history.more:
        console.print(
            Text(f"and {history.more} older; -n {len(history.entries) + history.more} shows them", "dim")
        )


def _headline(entry: HistoryEntry, console: Console) -> Iterator[Text]:
    yield Text(f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}")
    yield state_text(State(entry.state), console) if entry.state in _STATES else Text(entry.state, "yellow")
    if entry.seconds is not None:
        yield Text(duration(entry.seconds))
    if entry.run_id:
        tries = f", attempt {entry.attempt}" if entry.attempt > 1 else ""
        yield Text(f"run {entry.run_id}{tries}", style="dim")
    if entry.note and not (entry.past is not None and entry.past.differences):
        yield Text(entry.note.splitlines()[0], style="red" if entry.state == State.FAILED else "dim")


def _notes(entry: HistoryEntry) -> Iterator[str]:
    past = entry.past
    assert past is not None
    if past.results:
        yield f"other results: {', '.join(past.results)}"
    elif not past.is_first:
        yield "the same results"
    if past.why_not:
        yield f"not reusable: {past.why_not}"

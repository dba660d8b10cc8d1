"""How the attempts of a run look in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from durable_nb.batch.inspecting.attempts import AttemptReport
from durable_nb.cli.tables import plain_table, state_text, terminal
from durable_nb.core.wording import duration


def print_attempts(attempts: Sequence[AttemptReport]) -> None:
    """The attempts of steps that were tried more than once; nothing where none was."""
    tries = Counter(attempt.step for attempt in attempts if not attempt.is_reuse)
    shown = [a for a in attempts if tries[a.step] > 1 and not a.is_reuse]
    if not shown:
        return
    console = terminal()
    table = plain_table("ATTEMPT", "STATE", "BEGAN", "TIME", "WHY", wrapped=("WHY",))
    for attempt in sorted(shown, key=lambda one: (list(tries).index(one.step), one.attempt)):
        table.add_row(
            Text(f"{attempt.step} {attempt.attempt}"),
            state_text(attempt.state, console),
            Text(f"{attempt.started_at.astimezone():%m-%d %H:%M:%S}"),
            Text("" if attempt.seconds is None else duration(attempt.seconds)),
            _why(attempt),
        )
    console.print()
    console.print(table)


def _why(attempt: AttemptReport) -> Text:
    if attempt.error:
        return Text(attempt.error.splitlines()[0], style="red")
    return Text(attempt.reason, style="dim")

"""The one quiet line under a step, and the table of steps: plain text and HTML of the same facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from durable_nb.core.model import Json, State
from durable_nb.core.protocol import STATUS_MIME
from durable_nb.core.staleness import StaleReason
from durable_nb.core.wording import duration
from durable_nb.kernel.showing import html

_COLOURS = {
    State.REUSED: html.GREEN,
    State.COMPLETED: html.BLUE,
    State.FAILED: html.RED,
    State.INTERRUPTED: html.AMBER,
    State.CANCELLED: html.AMBER,
    State.RUNNING: html.BLUE,
    State.BLOCKED: html.AMBER,
    State.WAITING: html.AMBER,
}
_MARKS = {State.REUSED: "✓", State.COMPLETED: "✓", State.FAILED: "✗", State.RUNNING: "…"}
_NOT_RUN = frozenset({State.BLOCKED, State.WAITING})
NO_STEPS = "no steps yet: write %%step NAME above a cell and run it"
"""What is shown in place of an empty table."""
_WORTH_TELLING = 0.001
"""Seconds; bringing back a step that took less may cost more than it saved."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """How one step stands, for people and for programs that read the output notebook."""

    step: str
    state: State
    reason: str = ""
    """Why it executed, or what keeps it from being reused."""
    seconds: float = 0.0
    """How long the cell's code ran, or how long bringing it back took."""
    saved_seconds: float = 0.0
    run_id: str = ""
    attempt: int = 0
    cell_id: str = ""
    warning: str = ""
    quiet: bool = False
    """Nothing is to be shown of it under the cell."""
    reasons: tuple[StaleReason, ...] = ()
    """All of why it executed, with the differences; only in the kernel that decided it."""
    deadline: float | None = None
    """While it runs: when its time is up, in seconds since the epoch; None where it has no limit."""

    def as_json(self) -> dict[str, Json]:
        """The report as it stands in the output notebook."""
        return {
            "step": self.step,
            "state": self.state.value,
            "reason": self.reason,
            "seconds": round(self.seconds, 6),
            "saved_seconds": round(self.saved_seconds, 6),
            "run_id": self.run_id,
            "attempt": self.attempt,
            "cell_id": self.cell_id,
            "warning": self.warning,
            "deadline": self.deadline,
        }

    def parts(self) -> list[str]:
        """What the line says, in its order."""
        if self.state is State.REUSED:
            saved = self.saved_seconds >= _WORTH_TELLING
            return [
                self.step,
                f"reused ({self.reason})" if self.reason else "reused",
                f"saved {duration(self.saved_seconds)}" if saved else duration(self.seconds),
            ]
        word = "executed" if self.state is State.COMPLETED else self.state.value
        reason = f" ({self.reason})" if self.reason else ""
        if self.state in _NOT_RUN:
            return [self.step, f"{word}{reason}"]
        return [self.step, f"{word}{reason}", duration(self.seconds)]

    @property
    def look(self) -> tuple[str, str]:
        """The mark and the colour of its state."""
        return _MARKS.get(self.state, "•"), _COLOURS.get(self.state, html.GREY)

    def bundle(self) -> dict[str, Any]:
        """The line as a MIME bundle."""
        return self._line(self.parts(), self.look)

    def attempt_bundle(self, words: str) -> dict[str, Any]:
        """The line under an attempt that is followed by another.

        Args:
            words: What happens now; empty once the next attempt runs.
        """
        parts = [self.step, f"attempt {self.attempt} failed", self.reason, duration(self.seconds)]
        return self._line([*parts, words] if words else parts, (_MARKS[State.FAILED], html.AMBER))

    def waiting_bundle(self) -> dict[str, Any]:
        """The line of a step that waits for another process; the reason says for which."""
        return self._line([self.step, self.reason], (_MARKS[State.RUNNING], html.AMBER))

    def _line(self, parts: list[str], look: tuple[str, str]) -> dict[str, Any]:
        name, *rest = parts
        mark, colour = look
        text = " · ".join([name, *rest])
        line = html.line(
            html.text(f"{mark} ", colour), html.text(name, bold=True), html.text(f" · {' · '.join(rest)}")
        )
        lines = [line]
        if self.warning:
            text += f"\n  {self.warning}"
            lines.append(html.line(html.text(self.warning, html.AMBER), indent=1.3))
        return {STATUS_MIME: self.as_json(), "text/plain": text, "text/html": html.quiet(*lines)}


class StepsTable:
    """What ``%steps`` shows: one row a step."""

    def __init__(self, reports: Sequence[StepReport]) -> None:
        self._reports = list(reports)

    def _rows(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                report.step,
                report.state.value,
                duration(report.seconds) if report.state is not State.PENDING else "",
                duration(report.saved_seconds) if report.saved_seconds else "",
                report.reason or report.warning,
            )
            for report in self._reports
        ]

    def __repr__(self) -> str:
        if not self._reports:
            return NO_STEPS
        return "\n".join(columns([_HEAD, *self._rows()]))

    def _repr_html_(self) -> str:
        if not self._reports:
            return html.quiet(html.text(NO_STEPS))
        rows = []
        for (step, state, time, saved, why), report in zip(self._rows(), self._reports, strict=True):
            mark, colour = report.look
            cells = [html.text(step, bold=True), html.text(f"{mark} {state}", colour), html.text(time)]
            rows.append([*cells, html.text(saved, html.GREY), html.text(why, html.GREY)])
        return html.block(html.table(_HEAD, rows, wrapped={4}))


_HEAD = ("step", "state", "time", "saved", "why")


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of plain text in columns, a rule below the first; columns with nothing in them are left out."""
    used = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = [max(len(row[i]) for row in rows) for i in used]
    lines = ["  ".join(row[i].ljust(w) for i, w in zip(used, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("─" * min(width, 40) for width in widths), *lines[1:]]

"""The one quiet line under a step, and the table of steps: plain text and HTML of the same facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from durable_nb.core.model import Json, State
from durable_nb.core.protocol import STATUS_MIME
from durable_nb.core.wording import duration

_COLOURS = {
    State.REUSED: "#2e7d32",
    State.COMPLETED: "#1565c0",
    State.FAILED: "#c62828",
    State.INTERRUPTED: "#b26a00",
    State.CANCELLED: "#b26a00",
    State.RUNNING: "#1565c0",
}
_MARKS = {State.REUSED: "✓", State.COMPLETED: "✓", State.FAILED: "✗", State.RUNNING: "…"}
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
        }

    def parts(self) -> list[str]:
        """What the line says, in its order."""
        if self.state is State.REUSED:
            saved = self.saved_seconds >= _WORTH_TELLING
            return [
                self.step,
                "reused",
                f"saved {duration(self.saved_seconds)}" if saved else duration(self.seconds),
            ]
        word = "executed" if self.state is State.COMPLETED else self.state.value
        reason = f" ({self.reason})" if self.reason else ""
        return [self.step, f"{word}{reason}", duration(self.seconds)]

    def bundle(self) -> dict[str, Any]:
        """The line as a MIME bundle."""
        text = " · ".join(self.parts())
        colour = _COLOURS.get(self.state, "#616161")
        name, *rest = (escape(part) for part in self.parts())
        html = (
            '<div style="font-size:12px;line-height:1.6;color:var(--jp-ui-font-color2,#616161);'
            'font-family:var(--jp-ui-font-family,system-ui,sans-serif)">'
            f'<span style="color:{colour}">{_MARKS.get(self.state, "•")}</span> '
            f"<b>{name}</b> · {' · '.join(rest)}"
        )
        if self.warning:
            text += f"\n  {self.warning}"
            html += f'<div style="color:#b26a00;padding-left:1.2em">{escape(self.warning)}</div>'
        return {STATUS_MIME: self.as_json(), "text/plain": text, "text/html": html + "</div>"}


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
            return "no steps yet: write %%step NAME above a cell and run it"
        rows = [("step", "state", "time", "saved", "why"), *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])

    def _repr_html_(self) -> str:
        if not self._reports:
            return f"<i>{escape(repr(self))}</i>"
        left = "text-align:left;padding:2px 12px 2px 0"
        head = "".join(
            f'<th style="{left}">{name}</th>' for name in ("step", "state", "time", "saved", "why")
        )
        body = "".join(
            f'<tr><td style="{left}"><b>{escape(row[0])}</b></td>'
            f'<td style="{left};color:{_COLOURS.get(report.state, "#616161")}">'
            f"{_MARKS.get(report.state, '•')} {escape(row[1])}</td>"
            + "".join(f'<td style="{left}">{escape(cell)}</td>' for cell in row[2:])
            + "</tr>"
            for row, report in zip(self._rows(), self._reports, strict=True)
        )
        return f'<table style="font-size:12px"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'

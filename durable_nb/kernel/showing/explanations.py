"""What ``%steps why``, ``plan`` and ``history`` show: plain text and HTML of the same facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durable_nb.core import plan_words
from durable_nb.core.model import Json, State
from durable_nb.core.past import PastExecution
from durable_nb.core.planning import Decision, Plan, PlannedStep
from durable_nb.core.staleness import StaleReason
from durable_nb.core.wording import duration
from durable_nb.kernel.showing import html
from durable_nb.kernel.showing.status import NO_STEPS, StepReport, columns

_LOOK = {
    Decision.REUSE: ("✓", html.GREEN),
    Decision.EXECUTE: ("▸", html.BLUE),
    Decision.DEPENDS: ("?", html.AMBER),
}


@dataclass(frozen=True, slots=True)
class PlanView:
    """What ``%steps plan`` shows."""

    plan: Plan
    note: str = ""

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        return self.plan.as_json()

    def __repr__(self) -> str:
        if not self.plan.steps:
            return NO_STEPS
        rows = [("step", "plan", "time", "saves", "why"), *map(_plan_row, self.plan.steps)]
        return "\n".join([*columns(rows), "", *self._summary()])

    def _repr_html_(self) -> str:
        if not self.plan.steps:
            return html.quiet(html.text(NO_STEPS))
        rows = [_plan_cells(planned) for planned in self.plan.steps]
        table = html.table(("step", "plan", "time", "saves", "why"), rows, wrapped={4})
        return html.block(table, *(html.line(html.text(part, html.GREY)) for part in self._summary()))

    def _summary(self) -> list[str]:
        return [" · ".join(part for part in (*plan_words.totals(self.plan), self.note) if part)]


def _plan_row(planned: PlannedStep) -> tuple[str, ...]:
    words = (plan_words.decision, plan_words.time, plan_words.saved, plan_words.why)
    return (planned.step, *(word(planned) for word in words))


def _plan_cells(planned: PlannedStep) -> list[str]:
    step, decision, time, saved, why = _plan_row(planned)
    mark, colour = _LOOK[planned.decision]
    return [
        html.text(step, bold=True),
        html.text(f"{mark} {decision}", colour),
        html.text(time),
        html.text(saved, html.GREY),
        html.text(why, html.GREY),
    ]


@dataclass(frozen=True, slots=True)
class WhyView:
    """What ``%steps why NAME`` shows."""

    step: str
    last: StepReport | None
    """How it stands; None where it never ran."""
    last_reasons: tuple[StaleReason, ...]
    """All of why it executed when it last did."""
    planned: PlannedStep | None
    """What would become of it now; None where its cell is not known."""

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        reasons: list[Json] = [reason.as_json() for reason in self.last_reasons]
        return {
            "step": self.step,
            "last": None if self.last is None else {**self.last.as_json(), "reasons": reasons},
            "now": None if self.planned is None else self.planned.as_json(),
        }

    def _last(self) -> str:
        if self.last is None:
            return "has not run yet"
        word = "executed" if self.last.state is State.COMPLETED else self.last.state.value
        return f"{word}, {duration(self.last.seconds)}"

    def _now(self) -> str:
        if self.planned is None:
            return "its cell is not in the notebook as saved"
        if self.planned.decision is Decision.REUSE:
            saves = plan_words.saved(self.planned)
            return f"would be reused{f', saves {saves}' if saves else ''}"
        if self.planned.decision is Decision.DEPENDS:
            return plan_words.decision(self.planned)
        time = plan_words.time(self.planned)
        return f"would execute{f', {time}' if time else ''}"

    def __repr__(self) -> str:
        lines = [f"{self.step}", f"  last  {self._last()}", *_reason_lines(self.last_reasons)]
        lines += [f"  now   {self._now()}", *_reason_lines(self.planned.reasons if self.planned else ())]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        _, colour = _LOOK[self.planned.decision] if self.planned else ("", html.GREY)
        last = html.line(html.label("last"), html.text(self._last()))
        now = html.line(html.label("now"), html.text(self._now(), colour))
        return html.block(
            html.line(html.text(self.step, bold=True)),
            last,
            *_reason_blocks(self.last_reasons),
            now,
            *_reason_blocks(self.planned.reasons if self.planned else ()),
        )


def _reason_lines(reasons: Sequence[StaleReason]) -> list[str]:
    lines = []
    for reason in reasons:
        lines.append(f"        · {reason.text}")
        lines += [f"            {line}" for line in reason.lines]
    return lines


def _reason_blocks(reasons: Sequence[StaleReason]) -> list[str]:
    return [
        html.line(html.text("· ", html.GREY), html.text(reason.text), indent=3)
        + html.diff(reason.lines, indent=4)
        for reason in reasons
    ]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What ``%steps history NAME`` shows: newest first."""

    step: str
    executions: tuple[PastExecution, ...]
    more: int = 0
    """Older ones that are not shown."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"step": self.step, "executions": [past.as_json() for past in self.executions]}

    def __repr__(self) -> str:
        lines = [self.step]
        for past in self.executions:
            lines.append(f"  {_when(past)} · {duration(past.trace.seconds)} · run {past.trace.run_id}")
            lines += _reason_lines(past.differences)
            lines += [f"        {note}" for note in _notes(past)]
        return "\n".join([*lines, *self._rest()])

    def _repr_html_(self) -> str:
        rows = [
            [
                html.text(_when(past)),
                html.text(duration(past.trace.seconds)),
                html.text(past.trace.run_id, html.GREY),
                "".join(
                    [
                        *(html.line(html.text(r.text)) + html.diff(r.lines) for r in past.differences),
                        *(html.line(html.text(note, html.GREY)) for note in _notes(past)),
                    ]
                ),
            ]
            for past in self.executions
        ]
        head = ("when", "time", "run", "what differed from the time before")
        rest = [html.line(html.text(line, html.GREY)) for line in self._rest()]
        name = html.line(html.text(self.step, bold=True))
        return html.block(name, html.table(head, rows, wrapped={3}), *rest)

    def _rest(self) -> list[str]:
        return [f"and {self.more} older"] if self.more else []


def _when(past: PastExecution) -> str:
    # Not "3 min ago": the output of a cell is read on other days too.
    return f"{datetime.fromtimestamp(past.trace.created_at).astimezone():%Y-%m-%d %H:%M:%S}"


def _notes(past: PastExecution) -> list[str]:
    notes = []
    if past.is_first:
        notes.append("the first")
    elif not past.differences:
        notes.append("nothing in its code and inputs")
    if past.results:
        notes.append(f"other results: {', '.join(past.results)}")
    elif not past.is_first:
        notes.append("the same results")
    if past.why_not:
        notes.append(f"not reusable: {past.why_not}")
    return notes

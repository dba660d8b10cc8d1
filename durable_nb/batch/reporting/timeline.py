"""When what ran: a row a step, a bar an attempt; the time between two passes is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from durable_nb.batch.inspecting.attempts import AttemptReport, Pass
from durable_nb.batch.reporting.html import Html, element, text
from durable_nb.core.wording import duration

_GAP = 0.04
"""What a pause between two passes takes of the width."""
_SHORTEST = 0.06
"""What a pass takes of the width at least."""
_LEAST = 0.001
"""Seconds that a pass counts for at least."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The part of the width that a pass takes."""

    begun: Pass
    left: float
    width: float

    def place(self, attempt: AttemptReport) -> tuple[float, float]:
        """Left edge and width of an attempt, as shares of the whole width."""
        length = max(_seconds(self.begun), _LEAST)
        start = (attempt.started_at - self.begun.started_at).total_seconds()
        end = attempt.finished_at or self.begun.ended_at
        took = max(0.0, (end - attempt.started_at).total_seconds())
        start = min(max(0.0, start / length), 1.0)
        return self.left + self.width * start, self.width * min(took / length, 1.0 - start)


def timeline(passes: Sequence[Pass], steps: Sequence[str]) -> Html:
    """The rows of the steps, in the order of the notebook, under the times of the passes; nothing for none.

    Args:
        passes: Of a run, the oldest first.
        steps: The names of the steps.
    """
    if not any(one.attempts for one in passes):
        return Html("")
    stretches = _stretches(passes)
    rows = [_axis(stretches)]
    for step in steps:
        bars = list(_bars(step, stretches))
        if bars:
            name = element("a", text(step), href=f"#step-{step}", class_="who")
            rows.append(element("div", name, element("div", *bars, class_="track"), class_="lane"))
    return element("div", *rows, class_="timeline")


def _stretches(passes: Sequence[Pass]) -> list[_Stretch]:
    lengths = [max(_seconds(one), _LEAST) for one in passes]
    room = 1.0 - _GAP * (len(passes) - 1)
    if room < 0.5:  # so many pauses that the passes would vanish between them
        gap, room = 0.5 / max(1, len(passes) - 1), 0.5
    else:
        gap = _GAP
    shares = [max(length / sum(lengths), _SHORTEST) for length in lengths]
    left, found = 0.0, []
    for one, share in zip(passes, shares, strict=True):
        width = room * share / sum(shares)
        found.append(_Stretch(one, left, width))
        left += width + gap
    return found


def _axis(stretches: Sequence[_Stretch]) -> Html:
    marks = []
    for number, stretch in enumerate(stretches):
        begun = stretch.begun.started_at.astimezone()
        word = f"resumed {begun:%m-%d %H:%M:%S}" if number else f"{begun:%H:%M:%S}"
        label = f"{word} · {duration(_seconds(stretch.begun))}"
        place = f"left:{stretch.left:.4%};width:{stretch.width:.4%}"
        marks.append(element("span", element("b", text(label)), style=place, title=label))
    return element("div", element("span", class_="who"), element("div", *marks, class_="axis"), class_="lane")


def _bars(step: str, stretches: Sequence[_Stretch]) -> Iterator[Html]:
    for stretch in stretches:
        for attempt in stretch.begun.attempts:
            if attempt.step == step:
                left, width = stretch.place(attempt)
                yield element(
                    "span",
                    class_=f"bar {attempt.state.value}",
                    style=f"left:{left:.4%};width:{width:.4%}",
                    title=_said(attempt),
                )


def _said(attempt: AttemptReport) -> str:
    what = "reused" if attempt.is_reuse else f"attempt {attempt.attempt} {attempt.state.value}"
    took = f" · {duration(attempt.seconds)}" if attempt.seconds is not None else ""
    error = f" · {attempt.error.splitlines()[0]}" if attempt.error else ""
    return f"{attempt.step}: {what} at {attempt.started_at.astimezone():%H:%M:%S}{took}{error}"


def _seconds(one: Pass) -> float:
    return (one.ended_at - one.started_at).total_seconds()

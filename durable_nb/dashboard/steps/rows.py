"""The table of steps as JSON: one row a step, in the order of the notebook."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from durable_nb.core import plan_words
from durable_nb.core.model import Json, State
from durable_nb.core.planning import Decision, Plan, PlannedStep
from durable_nb.dashboard.steps.recorded import RecordedSteps
from durable_nb.store.ledger_rows import Row

_MOST_BARS = 30
"""Attempts on a step's timeline, the last ones."""
_SHORTEST = 0.001
"""Seconds saved that are worth a word."""
_WELL = frozenset({State.COMPLETED, State.REUSED})
_HELD = frozenset({State.BLOCKED, State.WAITING})
"""States that have a reason of their own."""


@dataclass(frozen=True, slots=True)
class StepsFacts:
    """All that the table is made of."""

    recorded: RecordedSteps
    rows: Mapping[str, Row]
    """Step → how it stands, with what has just happened here."""
    attempts: Mapping[str, list[Row]]
    plan: Plan | None = None
    note: str = ""
    """What the plan is of."""
    plan_at: float | None = None
    own_run: str = ""
    """The run of this kernel; empty where there is none."""
    given: Mapping[str, list[str]] = field(default_factory=dict)
    """Step → its outputs that were set by hand."""
    graph: Mapping[str, Any] = field(default_factory=dict)
    """Where the steps stand in the drawing, and what flows between them."""
    queued: frozenset[str] = frozenset()
    """Steps that somebody asked for in the panel, and that wait for their turn."""
    cells: Mapping[str, str] = field(default_factory=dict)
    """Step → the notebook's id of its cell."""
    is_whole: bool = False
    """Whether the plan has all steps that there are: what ran under another name is no more."""
    marks: Sequence[Mapping[str, Json]] = ()
    """What is wrong with the cells on the screen."""


Offer = Callable[["StepSight"], list[dict[str, Json]]]


@dataclass(frozen=True, slots=True)
class StepSight:
    """One step as it is seen from the panel."""

    step: str
    row: Row
    planned: PlannedStep | None
    position: int
    own_run: str
    queued: bool
    ended_since: bool = False
    """Whether it completed or was reused after the plan was made, which so says nothing of it any more."""

    @property
    def state(self) -> State:
        """How it stands."""
        return State(self.row.get("state") or State.PENDING)

    @property
    def is_elsewhere(self) -> bool:
        """Whether another process is at it."""
        return self.state is State.RUNNING and self.row.get("run_id") != self.own_run

    @property
    def stale(self) -> bool | None:
        """Whether it would execute if it were run; None where that is not known."""
        if self.planned is None or self.ended_since or self.planned.decision is Decision.DEPENDS:
            return None
        return self.planned.decision is Decision.EXECUTE


def steps_view(facts: StepsFacts, offer: Offer) -> dict[str, Json]:
    """The table.

    Args:
        facts: What it is made of.
        offer: What can be done with a step.
    """
    sights = _sights(facts)
    states = Counter(sight.state.value for sight in sights)
    would = plan_words.foretold(facts.plan.steps, named=False) if facts.plan is not None else ""
    return {
        "at": round(time.time(), 3),
        "note": facts.note,
        "plan_at": facts.plan_at,
        "totals": {"counts": {s.value: states[s.value] for s in State if states[s.value]}, "would": would},
        "rows": [_row(facts, sight, offer) for sight in sights],
        "graph": _graph(facts.graph, sights),
        "marks": [dict(mark) for mark in facts.marks],
    }


def beat_rows(facts: StepsFacts) -> list[dict[str, Json]]:
    """How the steps stand, in short."""
    return [
        {
            "step": sight.step,
            "cell": facts.cells.get(sight.step, ""),
            "state": sight.state.value,
            "seconds": _rounded(sight.row.get("seconds")),
            "started_at": _started_at(facts, sight.step),
            "usual_seconds": _rounded(facts.recorded.usual.get(sight.step)),
            "waits": waits(sight),
            "attempts": _attempts(facts, sight.step),
        }
        for sight in _sights(facts)
    ]


def sight_of(facts: StepsFacts, step: str) -> StepSight | None:
    """One step; None where there is none of this name."""
    return next((sight for sight in _sights(facts) if sight.step == step), None)


def _sights(facts: StepsFacts) -> list[StepSight]:
    plan = facts.plan.steps if facts.plan is not None else ()
    planned = {step.step: step for step in reversed(plan)}
    return [_sight(facts, step, planned.get(step), position) for position, step in enumerate(_names(facts))]


def _names(facts: StepsFacts) -> list[str]:
    """The steps of the notebook; where that is not known, those that the ledger has."""
    if facts.plan is None:
        return list(facts.rows)
    planned = [step.step for step in facts.plan.steps]
    own = [name for name, row in facts.rows.items() if _is_of_this_kernel(facts, row)]
    return list(dict.fromkeys([*planned, *own]))


def _is_of_this_kernel(facts: StepsFacts, row: Row) -> bool:
    """Whether a step was run here, and is to be shown although the plan may not have it."""
    if not facts.own_run or row.get("run_id") != facts.own_run:
        return False
    return not facts.is_whole or row.get("state") == State.RUNNING


def _sight(facts: StepsFacts, step: str, planned: PlannedStep | None, position: int) -> StepSight:
    row = facts.rows.get(step) or {}
    return StepSight(step, row, planned, position, facts.own_run, step in facts.queued, _is_newer(facts, row))


def _is_newer(facts: StepsFacts, row: Row) -> bool:
    """Whether a step ended well, where it is planned for, after the plan was made."""
    if facts.plan_at is None or row.get("state") not in _WELL or facts.own_run not in ("", row.get("run_id")):
        return False
    return bool((row.get("updated_at") or 0) > facts.plan_at * 1e6)


def _row(facts: StepsFacts, sight: StepSight, offer: Offer) -> dict[str, Json]:
    step, row = sight.step, sight.row
    attempts = facts.attempts.get(step, [])
    usual = facts.recorded.usual.get(step)
    return {
        "step": step,
        "cell": facts.cells.get(step, ""),
        "position": sight.position,
        "state": sight.state.value,
        "waits": waits(sight),
        "stale": sight.stale,
        "seconds": _rounded(row.get("seconds")),
        "usual_seconds": _rounded(usual),
        "started_at": _started_at(facts, step),
        "attempts": _attempts(facts, step),
        "saved_seconds": _rounded(row.get("saved_seconds")) or 0,
        "bytes": facts.recorded.sizes.get(step, 0),
        "timeline": [_bar(attempt) for attempt in attempts[-_MOST_BARS:]],
        "progress": [],
        "given": list(facts.given.get(step, [])),
        "elsewhere": _elsewhere(facts, sight),
        "error": error_of(row) if sight.state in {State.FAILED, State.INTERRUPTED} else "",
        "queued": sight.queued,
        "actions": list(offer(sight)),
    }


def waits(sight: StepSight) -> str:
    """What a step waits for, or why it would execute, on one line."""
    if sight.queued:
        return "asked for, waits for its turn"
    if sight.state is State.RUNNING:
        return str(sight.row.get("reason") or "")
    if sight.state in _HELD and sight.row.get("reason"):
        return str(sight.row["reason"])
    if sight.planned is None or sight.ended_since or sight.planned.decision is Decision.REUSE:
        return ""
    return plan_words.why(sight.planned) or plan_words.decision(sight.planned)


def error_of(row: Mapping[str, Any]) -> str:
    """The error that an attempt ended with, on one line."""
    text = ": ".join(str(part) for part in (row.get("error_type"), row.get("error_message")) if part)
    return text.strip().partition("\n")[0]


def epoch(microseconds: int | None) -> float | None:
    """Seconds since the epoch."""
    return None if microseconds is None else microseconds / 1e6


def _started_at(facts: StepsFacts, step: str) -> float | None:
    return epoch(next((a.get("started_at") for a in reversed(facts.attempts.get(step, []))), None))


def _attempts(facts: StepsFacts, step: str) -> int:
    return sum(not attempt["reuse"] for attempt in facts.attempts.get(step, []))


def _bar(attempt: Row) -> dict[str, Json]:
    start, end = attempt.get("started_at"), attempt.get("finished_at")
    return {
        "start": epoch(start),
        "end": epoch(end),
        "state": attempt.get("state") or State.RUNNING.value,
        "attempt": attempt["attempt"],
    }


def _elsewhere(facts: StepsFacts, sight: StepSight) -> str:
    """Which other process is at the step."""
    if not sight.is_elsewhere:
        return ""
    run = facts.recorded.runs.get(str(sight.row.get("run_id"))) or {}
    if not run:
        return "another process"
    what = "kernel" if run["engine"] == "interactive" else f"run {run['run_id']}, process"
    return f"{what} {run['pid']} on {run['host']}"


def _graph(graph: Mapping[str, Any], sights: Sequence[StepSight]) -> dict[str, Json]:
    states = {sight.step: sight.state.value for sight in sights}
    nodes = [{**node, "state": states.get(node["step"], "")} for node in graph.get("nodes", ())]
    edges = list(graph.get("edges", ()))
    return {"nodes": nodes, "edges": edges, "width": graph.get("width", 0), "height": graph.get("height", 0)}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)

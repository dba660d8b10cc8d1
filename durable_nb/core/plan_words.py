"""A plan in words, the same in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from durable_nb.core.planning import Decision, Plan, PlannedStep
from durable_nb.core.staleness import Cause
from durable_nb.core.wording import duration

_WORTH_TELLING = 0.0005
"""Seconds."""


def decision(planned: PlannedStep) -> str:
    """``reuse``, ``execute`` or ``depends on clean``."""
    if planned.decision is not Decision.DEPENDS:
        return planned.decision.value
    return f"depends on {', '.join(planned.depends_on)}"


def time(planned: PlannedStep) -> str:
    """How long it would take; empty for what would be reused."""
    if planned.decision is Decision.REUSE:
        return ""
    if planned.seconds is None:
        return "unknown"
    if not _tells(planned.seconds):
        return ""
    return f"{'up to ' if planned.decision is Decision.DEPENDS else '~'}{duration(planned.seconds)}"


def saved(planned: PlannedStep) -> str:
    """How long executing it would have taken; empty for what is not sure to be reused."""
    if planned.decision is not Decision.REUSE or not _tells(planned.seconds or 0.0):
        return ""
    return duration(planned.seconds or 0.0)


def why(planned: PlannedStep) -> str:
    """All reasons on one line."""
    names = [reason.name for reason in planned.reasons if reason.cause is Cause.DEPENDS and reason.name]
    texts = [reason.text for reason in planned.reasons if reason.cause is not Cause.DEPENDS]
    if names and planned.decision is Decision.DEPENDS:
        return f"reused if {listed(names)} {'comes' if len(names) == 1 else 'come'} out as before"
    return ", ".join(dict.fromkeys(texts))


def foretold(steps: Sequence[PlannedStep], *, named: bool = True) -> str:
    """What would be done, as one sentence: ``executes train, evaluate; reuses 4 steps, saves about 3 min``.

    Args:
        steps: What would become of each.
        named: Whether to name what executes, or only to count it.
    """
    parts = []
    for decision, verb in ((Decision.EXECUTE, "executes"), (Decision.DEPENDS, "may execute")):
        found = [step for step in steps if step.decision is decision]
        if found:
            what = listed([step.step for step in found]) if named else _steps(len(found))
            known = sum(step.seconds or 0.0 for step in found)
            time = (
                f", {'about' if verb == 'executes' else 'up to'} {duration(known)}" if _tells(known) else ""
            )
            parts.append(f"{verb} {what}{time}")
    reused = [step for step in steps if step.decision is Decision.REUSE]
    if reused:
        known = sum(step.seconds or 0.0 for step in reused)
        what = listed([step.step for step in reused]) if named and len(reused) == 1 else _steps(len(reused))
        parts.append(f"reuses {what}" + (f", saves about {duration(known)}" if _tells(known) else ""))
    return "; ".join(parts)


def totals(plan: Plan) -> list[str]:
    """What the plan comes to, in parts of a sentence."""
    parts: list[str] = []
    if count := plan.count(Decision.EXECUTE):
        known = plan.seconds(Decision.EXECUTE)
        parts.append(f"{_steps(count)} to execute" + (f", about {duration(known)}" if _tells(known) else ""))
    if count := plan.count(Decision.DEPENDS):
        known = plan.seconds(Decision.DEPENDS)
        parts.append(f"{_steps(count)} may execute" + (f", up to {duration(known)}" if _tells(known) else ""))
    if count := plan.count(Decision.REUSE):
        known = plan.seconds(Decision.REUSE)
        parts.append(f"{_steps(count)} to reuse" + (f", saving {duration(known)}" if _tells(known) else ""))
    if plan.untimed:
        takes = "takes" if plan.untimed == 1 else "take"
        parts.append(f"nobody knows yet how long {_steps(plan.untimed)} {takes}")
    return parts


def _tells(seconds: float) -> bool:
    return seconds >= _WORTH_TELLING


def _steps(count: int) -> str:
    return f"{count} step" if count == 1 else f"{count} steps"


def listed(names: list[str]) -> str:
    """Names in a few words: ``load, clean, join, train and 3 more``."""
    most = 4
    shown = names if len(names) <= most + 1 else [*names[:most], f"{len(names) - most} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"

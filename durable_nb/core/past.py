"""What a step has left so far: each trace, and how it differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from durable_nb.core.checking import compare
from durable_nb.core.model import Json, Trace
from durable_nb.core.options import affects_result
from durable_nb.core.overrides import Standing
from durable_nb.core.staleness import Cause, Present, StaleReason, reasons

_NOT_ABOUT_INPUTS = frozenset({Cause.NOT_DURABLE, Cause.INVALIDATED, Cause.TTL, Cause.SCHEME})


@dataclass(frozen=True, slots=True)
class PastExecution:
    """One trace of a step."""

    trace: Trace
    differences: tuple[StaleReason, ...]
    """How its code and inputs differ from those of the trace before it; nothing for the first."""
    results: tuple[str, ...]
    """What came out otherwise than the time before."""
    is_first: bool
    why_not: str
    """Why it cannot be reused; empty where it can."""

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        return {
            "trace_id": self.trace.trace_id,
            "run_id": self.trace.run_id,
            "attempt": self.trace.attempt,
            "created_at": self.trace.created_at,
            "seconds": self.trace.seconds,
            "notebook": self.trace.notebook,
            "differences": [difference.as_json() for difference in self.differences],
            "results": list(self.results),
            "not_reusable": self.why_not or None,
        }


def past_executions(traces: Iterable[Trace], standing: Standing) -> Iterator[PastExecution]:
    """What each trace stands for.

    Args:
        traces: Of one step, newest first; the one before each is the next.
        standing: What people decided about the step.
    """
    newest_first = list(traces)
    for newer, older in pairwise(newest_first):
        results = compare(older, newer).differences
        why_not = _why_not(newer, standing)
        yield PastExecution(newer, tuple(differences(newer, older)), results, False, why_not)
    for first in newest_first[-1:]:
        yield PastExecution(first, (), (), True, _why_not(first, standing))


def differences(newer: Trace, older: Trace) -> list[StaleReason]:
    """How the code and the inputs of one trace differ from those of another."""
    present = Present(
        code=newer.code,
        always=False,
        ttl=None,
        now=newer.created_at,
        read={(dependency.kind, dependency.name): dependency for dependency in newer.dependencies},
        unprovable={},
        find=lambda kind, name: None,  # noqa: ARG005 - it is read, or the newer one does not use it
        source=newer.source,
        options={name: value for name, value in newer.options.items() if affects_result(name)},
        gone="is not used any more",
        new="is used now",
    )
    return [reason for reason in reasons(present, older) if reason.cause not in _NOT_ABOUT_INPUTS]


def _why_not(trace: Trace, standing: Standing) -> str:
    not_durable = next((f"{name}: {why}" for name, why in trace.not_durable.items()), "")
    return not_durable or standing.why_not(trace)

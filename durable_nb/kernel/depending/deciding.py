"""The decision about one step as it stands now: which trace is proven up to date, or why none is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from durable_nb.core.model import Dependency, DependencyKind, Trace
from durable_nb.core.overrides import Standing, as_accepted
from durable_nb.core.staleness import Present, StaleReason, never_run, reasons, to_compare_with
from durable_nb.kernel.depending import topology
from durable_nb.kernel.depending.dependencies import Surroundings
from durable_nb.kernel.depending.describing import detail_of
from durable_nb.kernel.depending.inputs import Inputs
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode
from durable_nb.store.store import Store


def present_state(
    session: Session, step: StepCode, inputs: Inputs, surroundings: Surroundings, standing: Standing
) -> Present:
    """A step as it stands in this kernel, before it runs.

    Args:
        session: The kernel's session.
        step: The step's cell.
        inputs: What the cell reads.
        surroundings: The files, modules and environment around it.
        standing: What people decided about the step.
    """
    options = step.cell.options
    return Present(
        code=step.fingerprint,
        always=options.always,
        ttl=options.ttl,
        now=time.time(),
        read=inputs.read,
        unprovable=inputs.unprovable,
        find=lambda kind, name: _find(kind, name, session, surroundings),
        source=step.cell.source,
        options=options.affecting_result(),
        describe=lambda dependency: detail_of(dependency, session.namespace.values),
        why_not=standing.why_not,
        forced_since=session.forced_since(step.cell.name),
    )


def _find(kind: DependencyKind, name: str, session: Session, surroundings: Surroundings) -> Dependency | None:
    if kind is DependencyKind.SHARING:
        return topology.find(name, session.namespace)
    return surroundings.find(kind, name)


def decide(
    store: Store, step: str, key: str, present: Present, standing: Standing
) -> tuple[Trace | None, list[StaleReason]]:
    """A trace that is proven up to date, or the reasons why there is none.

    Args:
        store: Where the traces are.
        step: Name of the step.
        key: Fingerprint of its code and of what it reads.
        present: How it stands.
        standing: What people decided about it.
    """
    closest: list[StaleReason] | None = None
    for trace in _candidates(store, step, key, standing):
        found = list(reasons(present, trace))
        if not found:
            return trace, []
        closest = closest or found
    if closest is None:
        compared = to_compare_with(store.traces.latest(step), present.code)
        closest = list(reasons(present, compared)) if compared is not None else None
    return None, closest or never_run(present)


def _candidates(store: Store, step: str, key: str, standing: Standing) -> Iterator[Trace]:
    """The traces that may be reused: those made with this key, then those that a person accepted for it."""
    yield from store.traces.candidates(step, key)
    for override in standing.accepted:
        for trace_id in override.traces:
            trace = store.traces.find(step, trace_id)
            accepted = as_accepted(trace, override) if trace is not None else None
            if accepted is not None:
                yield accepted

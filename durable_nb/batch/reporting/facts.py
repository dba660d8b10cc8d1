"""Everything that a report tells about one run, gathered from the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from durable_nb.batch.inspecting.attempts import Pass, run_passes
from durable_nb.batch.inspecting.code import run_cells, run_graph, step_sources
from durable_nb.batch.inspecting.differences import traces_of
from durable_nb.batch.inspecting.effective import change_in_words, run_declared, run_parameters
from durable_nb.batch.inspecting.hook_calls import HookReport, run_hooks
from durable_nb.batch.inspecting.logs import AttemptLog, step_logs
from durable_nb.batch.inspecting.reports import RunReport, run_report
from durable_nb.batch.parameters import Effective
from durable_nb.core.graphs.graph import Graph
from durable_nb.core.model import State, Trace
from durable_nb.core.parameters import Parameter
from durable_nb.core.past import differences
from durable_nb.core.staleness import StaleReason
from durable_nb.store.store import Store

_MOST_TRACES = 50
"""Traces of a step that are looked at for the one before that of the run."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that a person decided about the run or one of its steps."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run, as far as the store knows it."""

    report: RunReport
    record: Mapping[str, Any]
    """What else is recorded of the run: host, user, tags, versions, git commit, …"""
    passes: tuple[Pass, ...]
    graph: Graph
    traces: Mapping[str, Trace]
    """Step → what it left, or what was reused."""
    differences: Mapping[str, tuple[StaleReason, ...]]
    """Step that was executed → how its code and inputs differ from those of its result before."""
    sources: Mapping[str, str]
    """Step → its cell as it was when the run executed it."""
    logs: Mapping[str, tuple[AttemptLog, ...]]
    """Step → what its attempts have shown."""
    decisions: tuple[Decision, ...]
    """The oldest first."""
    parameters: tuple[Effective, ...]
    """All that the notebook declares, and what the run was given."""
    hooks: tuple[HookReport, ...]
    """Whom it has told how it ended."""
    metrics: Mapping[str, float | None]
    """Name → value, steps before it where two have the same name."""


def gather(store: Store, run_id: str) -> RunFacts:
    """Read what the store knows of a run.

    Args:
        store: Where to look.
        run_id: A run's id, the beginning of one that no other run shares, or ``last``.

    Raises:
        UnknownRunError: There is none, or more than one.
    """
    report = run_report(store, run_id)
    ids = traces_of(store, report.run_id)
    traces = {step: trace for step, id_ in ids.items() if (trace := store.traces.find(step, id_)) is not None}
    passes = tuple(run_passes(store, report.run_id, report.finished_at))
    sources = step_sources(run_cells(store, report.run_id))
    declared = run_declared(store, report.run_id)
    return RunFacts(
        report=report,
        record=_record(store, report.run_id),
        passes=passes,
        graph=run_graph(store, report.run_id, report.notebook, ids),
        traces=traces,
        differences={
            step.step: _differences(store, traces[step.step])
            for step in report.steps
            if step.state is State.COMPLETED and step.step in traces
        },
        sources={**{step: trace.source for step, trace in traces.items()}, **sources},
        logs=_logs(store, report.run_id, passes),
        decisions=tuple(_decisions(store, report.run_id, declared)),
        parameters=run_parameters(report, declared),
        hooks=tuple(run_hooks(store, report.run_id)),
        metrics=_metrics(store, report.run_id),
    )


def _record(store: Store, run_id: str) -> dict[str, Any]:
    row = store.ledger.rows("select * from runs where run_id = ?", [run_id])[0]
    for name in ("tags", "versions", "engine_options"):
        row[name] = json.loads(row.get(name) or "{}") or {}
    return row


def _differences(store: Store, trace: Trace) -> tuple[StaleReason, ...]:
    for newer, older in pairwise(store.traces.latest(trace.step, limit=_MOST_TRACES)):
        if newer.trace_id == trace.trace_id:
            return tuple(differences(newer, older))
    return ()


def _logs(store: Store, run_id: str, passes: tuple[Pass, ...]) -> dict[str, tuple[AttemptLog, ...]]:
    executed = dict.fromkeys(a.step for one in passes for a in one.attempts if not a.is_reuse)
    return {step: tuple(step_logs(store, step, run=run_id)) for step in executed}


def _decisions(store: Store, run_id: str, declared: tuple[Parameter, ...]) -> list[Decision]:
    found = [
        Decision(_utc(row["happened_at"]), f"{_decided(row)}, by {row['user'] or 'somebody'}")
        for row in store.ledger.rows(_OVERRIDES, [run_id])
    ]
    for row in store.ledger.rows("select * from parameter_changes where run_id = ?", [run_id]):
        change = {when: json.loads(row[when]) for when in ("was", "now") if row[when] is not None}
        text = f"parameter {change_in_words(row['name'], change, declared)}, by {row['user'] or 'somebody'}"
        found.append(Decision(_utc(row["happened_at"]), text))
    return sorted(found, key=lambda decision: decision.at)


def _decided(row: Mapping[str, Any]) -> str:
    return f"{row['override']} {row['step']}" + (f": {row['reason']}" if row["reason"] else "")


def _metrics(store: Store, run_id: str) -> dict[str, float | None]:
    rows = store.ledger.rows(
        "select step, name, value from metrics where run_id = ? order by measured_at, name", [run_id]
    )
    names = [row["name"] for row in rows]
    return {
        (row["name"] if names.count(row["name"]) == 1 else f"{row['step']}.{row['name']}"): row["value"]
        for row in rows
    }


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


_OVERRIDES = """
    select happened_at, step, data->>'override' as override, data->>'user' as "user",
        data->>'reason' as reason
    from events where run_id = ? and kind = 'overridden'
"""

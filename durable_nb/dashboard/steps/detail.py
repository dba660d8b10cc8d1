"""All about one step: what it left, what it used, what it came to each time, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from durable_nb.batch.inspecting.history import HistoryEntry, step_history
from durable_nb.batch.inspecting.logs import step_logs
from durable_nb.core.errors import UnknownStepError
from durable_nb.core.model import Json, Output, OutputKind, State, Trace
from durable_nb.core.options import Options
from durable_nb.core.overrides import Standing
from durable_nb.core.past import past_executions
from durable_nb.core.staleness import StaleReason
from durable_nb.dashboard.steps.previews import shown
from durable_nb.dashboard.steps.rows import StepSight, epoch, error_of
from durable_nb.store.ledger_rows import Row
from durable_nb.store.store import Store

_MOST_TRACES = 50
"""Older values that may be restored."""
_MOST_ATTEMPTS = 50
_EDITABLE = ("retries", "backoff", "backoff_factor", "backoff_max", "timeout")
_HIDDEN = frozenset({OutputKind.STATE})


def traces_of(store: Store, step: str, now: Trace | None) -> list[Trace]:
    """The traces of a step that can be read: first the one that holds now, then the newest."""
    latest = list(store.traces.latest(step, limit=_MOST_TRACES))
    return latest if now is None else [now, *(t for t in latest if t.trace_id != now.trace_id)]


def outputs(traces: Sequence[Trace], standing: Standing, run_id: str) -> list[Json]:
    """What a step left, with what was set by hand and what older executions made of it."""
    given = {
        output.name: (output, one)
        for one in standing.set_by_hand
        if one.run_id == run_id
        for output in one.values
    }
    latest = {o.name: o for o in traces[0].outputs if o.kind not in _HIDDEN} if traces else {}
    found: list[Json] = []
    for name in dict.fromkeys([*latest, *given]):
        output = given[name][0] if name in given else latest[name]
        by = given[name][1] if name in given else None
        found.append(
            {
                **_output(output),
                "given": None if by is None else {"by": by.user, "at": by.at},
                "traces": list(_older(traces, name, output)),
            }
        )
    return found


def _output(output: Output) -> dict[str, Json]:
    return {
        "name": output.name,
        "type": output.type.removeprefix("builtins.") or output.kind.value,
        "summary": output.summary,
        "bytes": output.bytes,
        "kind": output.kind.value,
    }


def _older(traces: Sequence[Trace], name: str, now: Output) -> Iterator[dict[str, Json]]:
    """The values that an output had before and that can be restored, each once, newest first."""
    seen = {now.fingerprint}
    for trace in traces:
        output = next((o for o in trace.outputs if o.name == name and o.kind is OutputKind.VALUE), None)
        if output is not None and output.fingerprint not in seen:
            seen.add(output.fingerprint)
            yield {
                "trace_id": trace.trace_id,
                "at": trace.created_at,
                "run_id": trace.run_id,
                "summary": output.summary,
            }


def inputs(trace: Trace | None, edges: Iterable[Mapping[str, Any]], step: str) -> list[Json]:
    """What a step used when it last completed, and which step that is from."""
    made_by = {name: edge["from"] for edge in edges if edge["to"] == step for name in edge["names"]}
    if trace is None:
        return [{"kind": "value", "name": n, "summary": "", "from": source} for n, source in made_by.items()]
    return [
        {"kind": d.kind.value, "name": d.name, "summary": d.summary, "from": made_by.get(d.name, "")}
        for d in trace.dependencies
    ]


def options(declared: Options, edited: Mapping[str, Json]) -> dict[str, Json]:
    """The options of a step that say how it is tried, and the others that it has.

    Args:
        declared: As its marker says.
        edited: Those that were changed in the panel.
    """
    found: dict[str, Json] = {name: getattr(declared, name) for name in _EDITABLE}
    return {**found, **declared.changed(), **edited}


def attempts(store: Store, step: str, rows: Sequence[Row]) -> list[Json]:
    """What was tried, newest first, each with what it showed."""
    shown_by: dict[tuple[str, str, int], str] = {}
    run_ids = dict.fromkeys(row["run_id"] for row in reversed(rows) if not row["reuse"])
    for run_id in run_ids:
        try:
            logs = step_logs(store, step, run=run_id)
        except UnknownStepError:
            continue  # it has just begun, and the ledger does not know yet
        shown_by |= {(log.step, log.run_id, log.attempt): log.text or "" for log in logs}
    return [_attempt(row, shown_by) for row in reversed(rows[-_MOST_ATTEMPTS:])]


def _attempt(row: Row, shown_by: Mapping[tuple[str, str, int], str]) -> Json:
    state = row.get("state") or State.RUNNING.value
    text = "" if row["reuse"] else shown_by.get((row["step"], row["run_id"], row["attempt"]), "")
    return {
        "run_id": row["run_id"],
        "attempt": row["attempt"],
        "state": state,
        "started_at": epoch(row.get("started_at")),
        "seconds": row.get("seconds"),
        "reason": row.get("reason") or "",
        "error": error_of(row),
        "output": text,
    }


def error(rows: Sequence[Row]) -> Json:
    """The error that the last attempt ended with; None where it ended well."""
    last = rows[-1] if rows else None
    if last is None or not last.get("error_type"):
        return None
    return {
        "type": last["error_type"],
        "message": last.get("error_message") or "",
        "traceback": last.get("traceback") or "",
    }


def why(
    traces: Sequence[Trace],
    standing: Standing,
    sight: StepSight,
    last: Sequence[StaleReason],
) -> dict[str, Json]:
    """Why a step executed when it last did, and what would become of it now."""
    planned = None if sight.ended_since else sight.planned
    past = next(past_executions(islice(traces, 2), standing), None) if not last else None
    reasons = last or (past.differences if past is not None else ())
    return {
        "last": _reasons(reasons),
        "now": _reasons(planned.reasons if planned is not None else ()),
        "decision": planned.decision.value if planned is not None else "depends",
        "known": sight.planned is not None,
    }


def _reasons(found: Iterable[StaleReason]) -> list[Json]:
    return [{"text": reason.text, "lines": list(reason.lines)} for reason in found]


def history(store: Store, step: str) -> list[Json]:
    """The past of a step, newest first."""
    try:
        return [_entry(entry) for entry in step_history(store, step).entries]
    except UnknownStepError:
        return []


def _entry(entry: HistoryEntry) -> Json:
    past = entry.past
    return {
        "at": entry.at.timestamp(),
        "state": entry.state,
        "run_id": entry.run_id,
        "attempt": entry.attempt,
        "seconds": entry.seconds,
        "note": entry.note,
        "differences": _reasons(past.differences) if past is not None else [],
        "trace_id": past.trace.trace_id if past is not None else "",
    }


def attempt_rows(store: Store, notebook: str, step: str) -> list[Row]:
    """The attempts of a step in all runs of its notebook, oldest first, the newest only if they are many."""
    names = list(store.overrides.names(step).all)
    rows: list[Row] = store.ledger.rows(_ATTEMPTS, [names, notebook, notebook, _MOST_ATTEMPTS])
    return rows[::-1]


def shown_pieces(trace: Trace | None) -> list[Json]:
    """What the cell showed when it completed."""
    return list(shown(trace.display)) if trace is not None else []


def moment(at: datetime) -> float:
    """Seconds since the epoch of a moment in UTC."""
    return at.replace(tzinfo=at.tzinfo or UTC).timestamp()


_ATTEMPTS = """
    select run_id, step, attempt, reuse, state, reason, epoch_us(started_at) as started_at,
        epoch_us(finished_at) as finished_at, seconds, saved_seconds, trace_id,
        error_type, error_message, traceback
    from attempts
    where list_contains(?::varchar[], step) and (? = '' or notebook = ?) and started_at is not null
    order by started_at desc, attempt desc, reuse desc limit ?
"""

"""The table of runs: one page of it, and one run of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from durable_nb.batch.inspecting.reports import run_report
from durable_nb.core.model import Json, State
from durable_nb.dashboard.runs.query import RunsQuery
from durable_nb.dashboard.steps.rows import epoch, error_of
from durable_nb.store.store import Store


def runs_view(store: Store, query: RunsQuery) -> dict[str, Json]:
    """One page of the runs that are asked for.

    Raises:
        StoreError: The ledger cannot be read.
    """
    if not store.path.exists():
        return _page(query, 0, [], {})
    where, values = query.conditions(states=False)
    counted = store.ledger.rows(_COUNT.format(where=where), values)
    states = {row["state"]: row["number"] for row in counted if row["state"]}
    wanted = query.states or tuple(states)
    total = sum(number for state, number in states.items() if state in wanted)
    where, values = query.conditions()
    page = min(query.page, max(1, -(-total // query.size)))
    limits = [query.size, (page - 1) * query.size]
    rows = store.ledger.rows(_PAGE.format(where=where, order=query.order()), [*values, *limits])
    counts = _counts(store, [row["run_id"] for row in rows])
    ordered: dict[str, Json] = {state.value: states[state.value] for state in State if state.value in states}
    return _page(query, total, [_row(row, counts.get(row["run_id"], {})) for row in rows], ordered, page)


def _page(
    query: RunsQuery, total: int, rows: list[Json], states: dict[str, Json], page: int = 1
) -> dict[str, Json]:
    return {
        "query": {**query.as_json(), "page": page},
        "total": total,
        "page": page,
        "pages": max(1, -(-total // query.size)),
        "rows": rows,
        "states": states,
    }


def _counts(store: Store, run_ids: list[str]) -> dict[str, dict[str, Json]]:
    """Run → state → number of its steps that came to it last."""
    found: dict[str, dict[str, Json]] = {}
    for row in store.ledger.rows(_STATES, [run_ids]) if run_ids else ():
        found.setdefault(row["run_id"], {})[row["state"]] = row["number"]
    return found


def _row(row: Mapping[str, Any], counts: Mapping[str, Json]) -> dict[str, Json]:
    ended = row["finished_at"]
    began = row["resumed_at"] or row["started_at"]
    until = ended / 1e6 if ended is not None else time.time()
    seconds = max(0.0, until - began / 1e6) if ended is not None or row["state"] == State.RUNNING else None
    return {
        "run_id": row["run_id"],
        "notebook": row["notebook"] or "",
        "state": row["state"],
        "started_at": epoch(row["started_at"]),
        "resumed_at": epoch(row["resumed_at"]),
        "finished_at": epoch(ended),
        "seconds": None if seconds is None else round(seconds, 3),
        "counts": dict(counts),
        "parameters": texts(json.loads(row["parameters"] or "{}")),
        "tags": texts(json.loads(row["tags"] or "{}")),
        "error": error_of(row),
        "parent_run_id": row["parent_run_id"] or "",
        "user": row["user"] or "",
        "host": row["host"] or "",
        "output": row["output"] or "",
        "engine": row["engine"] or "",
    }


def texts(values: Mapping[str, Any] | None) -> dict[str, Json]:
    """Values as a person would type them."""
    return {name: as_text(value) for name, value in (values or {}).items()}


def as_text(value: Any) -> str:
    """A value as a person would type it: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def run_rows(store: Store, run_ids: Iterable[str]) -> list[dict[str, Json]]:
    """Some runs as rows of the table, the newest first."""
    wanted = list(run_ids)
    where = "list_contains(?::varchar[], r.run_id)"
    sql = _PAGE.format(where=where, order="r.started_at desc")
    rows = store.ledger.rows(sql, [wanted, len(wanted), 0])
    counts = _counts(store, wanted)
    return [_row(row, counts.get(row["run_id"], {})) for row in rows]


def run_view(store: Store, run_id: str) -> dict[str, Json]:
    """One run with its steps.

    Raises:
        UnknownRunError: There is no such run.
        StoreError: The ledger cannot be read.
    """
    report = run_report(store, run_id)
    row = run_rows(store, [report.run_id])[0]
    return {
        **row,
        "steps": [step.as_json() for step in report.steps],
        "effective": {name: {"value": as_text(value)} for name, value in report.parameters.items()},
        "traceback": report.traceback,
        "options": dict(report.options),
        "git_commit": report.git_commit,
        "git_dirty": report.git_dirty,
        "versions": dict(report.versions),
        "can_resume": report.engine == "durable" and report.state is not State.RUNNING,
        "report": f"durable-nb report {report.run_id}",
    }


_COLUMNS = """
    r.run_id, r.notebook, r.state, r.parameters, r.tags, r.error_type, r.error_message, r.parent_run_id,
    r."user", r.host, r.output, r.engine, epoch_us(r.started_at) as started_at,
    epoch_us(r.resumed_at) as resumed_at, epoch_us(r.finished_at) as finished_at
"""
_COUNT = "select r.state, count(*) as number from runs r where {where} group by r.state"
_PAGE = f"select {_COLUMNS} from runs r where {{where}} order by {{order}} limit ? offset ?"  # noqa: S608
_STATES = """
    select run_id, state, count(*) as number from (
        select run_id, step, arg_max(state, (started_at, attempt, reuse)) as state from attempts
        where list_contains(?::varchar[], run_id) group by run_id, step
    ) group by run_id, state
"""

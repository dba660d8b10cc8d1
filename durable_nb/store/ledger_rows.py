"""What an event means for the tables of the ledger. Pure: no disk, no database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import xxhash

from durable_nb.core.model import EventKind, Json, State, StepEvent, Trace
from durable_nb.store.trace_record import microseconds

Row = dict[str, Any]
"""Column → value. Times are whole microseconds since the epoch; a column left out is not known."""

FRESH = "fresh"
"""Key in a row of a merged table: what was known of its last attempt no longer counts."""


@dataclass(frozen=True, slots=True)
class Table:
    """How rows reach one table of the ledger."""

    label: str
    """Tells it from another way to reach the same table."""
    name: str
    types: Mapping[str, str]
    """Column → SQL type, in the order of the schema."""
    keys: tuple[str, ...]
    """Columns that tell rows apart. Rows with these already there are merged, or left out."""
    merged: bool = False
    """Whether a row with known keys changes the row that is there."""
    first: frozenset[str] = frozenset()
    """Columns that keep their first value until a fresh start."""
    kept: frozenset[str] = frozenset()
    """Columns that outlive a fresh start."""
    again: frozenset[str] = frozenset()
    """Columns that are set only if the row was there before, by another event."""
    part_of_trace: bool = False
    """Whether its rows come and stay with a row of ``traces``."""
    latest_by: str = ""
    """Column of the time of the row: an older row changes nothing."""
    span: tuple[str, str] | None = None
    """Columns of beginning and end: a row that ended before the known one began changes nothing."""


_ERROR = {"error_type": "VARCHAR", "error_message": "VARCHAR"}

RUNS = Table(
    "runs",
    "runs",
    {
        "run_id": "VARCHAR",
        "notebook": "VARCHAR",
        "parameters": "JSON",
        "state": "VARCHAR",
        "started_at": "TIMESTAMP",
        "resumed_at": "TIMESTAMP",
        "finished_at": "TIMESTAMP",
        "engine": "VARCHAR",
        "host": "VARCHAR",
        "pid": "BIGINT",
        "user": "VARCHAR",
        "output": "VARCHAR",
        "parent_run_id": "VARCHAR",
        "tags": "JSON",
        "notebook_file": "VARCHAR",
        "engine_options": "JSON",
        "versions": "JSON",
        "git_commit": "VARCHAR",
        "git_dirty": "BOOLEAN",
        **_ERROR,
        "traceback": "VARCHAR",
    },
    keys=("run_id",),
    merged=True,
    first=frozenset({"started_at"}),
    kept=frozenset(
        {
            "notebook",
            "parameters",
            "started_at",
            "engine",
            "user",
            "output",
            "parent_run_id",
            "tags",
            "notebook_file",
            "engine_options",
            "versions",
        }
    ),
    again=frozenset({"resumed_at"}),
)
RUNS_FROM_TRACES = Table("runs_from_traces", "runs", RUNS.types, keys=("run_id",))
STEPS = Table(
    "steps",
    "steps",
    {
        "notebook": "VARCHAR",
        "step": "VARCHAR",
        "position": "INTEGER",
        "cell_id": "VARCHAR",
        "source": "VARCHAR",
        "options": "JSON",
        "state": "VARCHAR",
        "reason": "VARCHAR",
        "run_id": "VARCHAR",
        "attempt": "INTEGER",
        "trace_id": "VARCHAR",
        "seconds": "DOUBLE",
        "saved_seconds": "DOUBLE",
        **_ERROR,
        "updated_at": "TIMESTAMP",
    },
    keys=("notebook", "step"),
    merged=True,
    kept=frozenset({"position", "cell_id", "source", "options"}),
    latest_by="updated_at",
)
ATTEMPTS = Table(
    "attempts",
    "attempts",
    {
        "run_id": "VARCHAR",
        "step": "VARCHAR",
        "attempt": "INTEGER",
        "reuse": "BIGINT",
        "notebook": "VARCHAR",
        "cell_id": "VARCHAR",
        "state": "VARCHAR",
        "reason": "VARCHAR",
        "started_at": "TIMESTAMP",
        "finished_at": "TIMESTAMP",
        "seconds": "DOUBLE",
        "saved_seconds": "DOUBLE",
        "trace_id": "VARCHAR",
        "code": "VARCHAR",
        "options": "JSON",
        **_ERROR,
        "traceback": "VARCHAR",
    },
    keys=("run_id", "step", "attempt", "reuse"),
    merged=True,
    first=frozenset({"started_at"}),
    kept=frozenset({"reason"}),
    # An attempt that another kernel of the run tried ahead of its turn has the same number, and may be
    # heard of late.
    span=("started_at", "finished_at"),
)
DEPENDENCIES = Table(
    "dependencies",
    "dependencies",
    {
        "trace_id": "VARCHAR",
        "position": "INTEGER",
        "kind": "VARCHAR",
        "name": "VARCHAR",
        "fingerprint": "VARCHAR",
        "summary": "VARCHAR",
    },
    keys=("trace_id",),
    part_of_trace=True,
)
OUTPUTS = Table(
    "outputs",
    "outputs",
    {
        "trace_id": "VARCHAR",
        "position": "INTEGER",
        "name": "VARCHAR",
        "kind": "VARCHAR",
        "fingerprint": "VARCHAR",
        "codec": "VARCHAR",
        "type": "VARCHAR",
        "summary": "VARCHAR",
        "bytes": "BIGINT",
        "of": "VARCHAR",
    },
    keys=("trace_id",),
    part_of_trace=True,
)
TRACES = Table(
    "traces",
    "traces",
    {
        "trace_id": "VARCHAR",
        "step": "VARCHAR",
        "created_at": "TIMESTAMP",
        "seconds": "DOUBLE",
        "run_id": "VARCHAR",
        "attempt": "INTEGER",
        "notebook": "VARCHAR",
        "cell_id": "VARCHAR",
        "code": "VARCHAR",
        "key": "VARCHAR",
        "source": "VARCHAR",
        "options": "JSON",
        "not_durable": "JSON",
        "scheme": "INTEGER",
    },
    keys=("trace_id", "created_at"),
)
EVENTS = Table(
    "events",
    "events",
    {
        "event_id": "UUID",
        "happened_at": "TIMESTAMP",
        "run_id": "VARCHAR",
        "step": "VARCHAR",
        "attempt": "INTEGER",
        "kind": "VARCHAR",
        "data": "JSON",
    },
    keys=("event_id", "happened_at"),
)
TABLES = (RUNS, RUNS_FROM_TRACES, STEPS, ATTEMPTS, TRACES, DEPENDENCIES, OUTPUTS, EVENTS)
"""In the order in which they are written."""


@dataclass(slots=True)
class Batch:
    """The rows of several events, folded so that each key occurs once in a table."""

    rows: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=lambda: {t.label: {} for t in TABLES})

    def add_event(self, event: StepEvent) -> None:
        """Fold in what an event means."""
        _append(self, EVENTS, _event(event))
        _EFFECTS.get(event.kind, _no_effect)(self, event)
        if event.trace is not None:
            self.add_trace(event.trace)

    def add_trace(self, trace: Trace) -> None:
        """Fold in the index of a trace."""
        _append(self, TRACES, _trace(trace))
        for position, dependency in enumerate(trace.dependencies):
            _append(self, DEPENDENCIES, _fields(dependency, trace, position), position)
        for position, output in enumerate(trace.outputs):
            _append(self, OUTPUTS, _fields(output, trace, position), position)
        for name, value in trace.metrics.items():
            data: dict[str, Json] = {"name": name, "value": value, "notebook": trace.notebook}
            given = StepEvent(
                EventKind.METRIC, trace.run_id, trace.created_at, trace.step, trace.attempt, data
            )
            _append(self, EVENTS, _event(given))

    def adopt(self, trace: Trace) -> None:
        """Fold in a trace whose events were lost: what it proves about its attempt, step and run."""
        self.add_trace(trace)
        if self._tells_of(trace):
            return
        finished = microseconds(trace.created_at)
        started = finished - microseconds(trace.seconds)
        shared: Row = {
            "notebook": trace.notebook,
            "cell_id": trace.cell_id,
            "state": str(State.COMPLETED),
            "run_id": trace.run_id,
            "step": trace.step,
            "attempt": trace.attempt,
            "trace_id": trace.trace_id,
            "seconds": trace.seconds,
        }
        details = {"code": trace.code, "options": _json(trace.options)}
        # a trace is proof: it also corrects an attempt that was given up for dead
        times: Row = {"started_at": started, "finished_at": finished, FRESH: True}
        _merge(self, ATTEMPTS, shared | details | times | {"reuse": 0})
        _add_run(self, trace, started)
        cell = {"source": trace.source, "options": _json(trace.options), "updated_at": finished}
        _merge(self, STEPS, shared | cell)

    def _tells_of(self, trace: Trace) -> bool:
        """Whether events of this batch say already that the attempt left this trace."""
        attempt = self.rows[ATTEMPTS.label].get((trace.run_id, trace.step, trace.attempt, 0), {})
        return attempt.get("state") == State.COMPLETED and attempt.get("trace_id") == trace.trace_id


def _add_run(batch: Batch, trace: Trace, started: int) -> None:
    row = {
        "run_id": trace.run_id,
        "notebook": trace.notebook,
        "state": str(State.INTERRUPTED),
        "started_at": started,
        "error_message": "known only from the traces of its steps; how it ended is lost",
    }
    known = batch.rows[RUNS_FROM_TRACES.label].setdefault((trace.run_id,), row)
    known["started_at"] = min(known["started_at"], started)


def fold(table: Table, old: Row | None, new: Row) -> Row:
    """Return what is known after ``new`` was learnt on top of ``old``, or on top of nothing."""
    if old is None:
        return _without_beginning(table, new, new)
    if _is_outdated(table, old, new):
        return old
    lasting = table.kept | set(table.keys)
    base = {column: value for column, value in old.items() if column in lasting} if new.get(FRESH) else old
    settled = {column for column in table.first if base.get(column) is not None}
    known = {column: value for column, value in new.items() if value is not None and column not in settled}
    return base | _without_beginning(table, known, base | known)


def _is_outdated(table: Table, old: Row, new: Row) -> bool:
    if table.latest_by:
        return bool(new[table.latest_by] < old[table.latest_by])
    if table.span is None:
        return False
    begin, end = table.span
    ended, began = new.get(end) or new.get(begin), old.get(begin)
    return ended is not None and began is not None and bool(ended < began)


def _without_beginning(table: Table, row: Row, whole: Row) -> Row:
    """The row without columns that are only set by another event than the one that began it."""
    if not table.again:
        return row
    began = {whole.get(column) for column in table.first}
    return {c: value for c, value in row.items() if c not in table.again or value not in began}


def event_key(event: StepEvent) -> tuple[Any, ...]:
    """Return what tells an event from all others, as the table of events has it."""
    row = _event(event)
    return tuple(row[name] for name in EVENTS.keys)


def _append(batch: Batch, table: Table, row: Row, *more: object) -> None:
    batch.rows[table.label].setdefault((*(row[key] for key in table.keys), *more), row)


def _merge(batch: Batch, table: Table, row: Row) -> None:
    rows = batch.rows[table.label]
    key = tuple(row[name] for name in table.keys)
    row = {name: value for name, value in row.items() if name in table.types or name == FRESH}
    if key not in rows:
        rows[key] = row
        return
    known = fold(table, rows[key], row)
    if known is not rows[key]:
        # a fresh start stays one, whatever is learnt after it in the same batch
        rows[key] = known | {FRESH: bool(rows[key].get(FRESH) or row.get(FRESH))}


def _run_started(batch: Batch, event: StepEvent) -> None:
    data = event.data
    at = microseconds(event.at)
    row = _texts(
        data, "notebook", "engine", "host", "user", "output", "parent_run_id", "notebook_file", "git_commit"
    )
    row |= {name: _json(data.get(name)) for name in ("tags", "engine_options")}
    times = {"started_at": at, "resumed_at": at}  # fold drops resumed_at from a run that is new
    facts = {"pid": data.get("pid"), "parameters": _json(data.get("parameters"))}
    facts["git_dirty"] = data.get("git_dirty")
    _merge(
        batch, RUNS, row | facts | times | {"run_id": event.run_id, "state": str(State.RUNNING), FRESH: True}
    )


def _kernel_started(batch: Batch, event: StepEvent) -> None:
    _merge(batch, RUNS, {"run_id": event.run_id, "versions": _json(event.data.get("versions"))})


def _run_finished(batch: Batch, event: StepEvent) -> None:
    row = {"run_id": event.run_id, "state": event.data.get("state"), "finished_at": microseconds(event.at)}
    _merge(batch, RUNS, row | _error(event.data))


def _step_declared(batch: Batch, event: StepEvent) -> None:
    data = event.data
    row = _place(event) | _texts(data, "source")
    facts = {"position": data.get("position"), "options": _json(data.get("options"))}
    state = {"state": str(State.PENDING), "updated_at": microseconds(event.at), FRESH: True}
    _merge(batch, STEPS, row | facts | state | {"attempt": None})


def _attempt_started(batch: Batch, event: StepEvent) -> None:
    at = microseconds(event.at)
    row = _place(event) | _texts(event.data, "reason") | {"state": str(State.RUNNING), FRESH: True}
    details = _texts(event.data, "code") | {"options": _json(event.data.get("options"))}
    _merge(batch, ATTEMPTS, row | details | {"reuse": 0, "started_at": at})
    _merge(batch, STEPS, row | {"updated_at": at})


def _attempt_finished(batch: Batch, event: StepEvent) -> None:
    at = microseconds(event.at)
    seconds = _number(event.data.get("seconds"))
    trace_id = event.trace.trace_id if event.trace else event.data.get("trace_id")
    row = _place(event) | _error(event.data)
    row |= {"state": event.data.get("state"), "seconds": seconds, "trace_id": trace_id}
    started = at - microseconds(seconds or 0.0)
    _merge(batch, ATTEMPTS, row | {"reuse": 0, "finished_at": at, "started_at": started})
    _merge(batch, STEPS, row | {"updated_at": at})


def _step_cancelled(batch: Batch, event: StepEvent) -> None:
    state = {"state": str(State.CANCELLED), "updated_at": microseconds(event.at)}
    _merge(batch, STEPS, _place(event) | state)


def _step_not_run(batch: Batch, event: StepEvent) -> None:
    row = _place(event) | _texts(event.data, "reason") | _error(event.data)
    state = {"state": event.data.get("state"), "updated_at": microseconds(event.at), FRESH: True}
    _merge(batch, STEPS, row | state | {"attempt": None})


def _step_reused(batch: Batch, event: StepEvent) -> None:
    at = microseconds(event.at)
    numbers = {name: _number(event.data.get(name)) for name in ("seconds", "saved_seconds")}
    row = _place(event) | numbers | _texts(event.data, "trace_id", "reason")
    row |= {"state": str(State.REUSED), FRESH: True}
    started = at - microseconds(numbers["seconds"] or 0.0)
    # Several reuses in one run may carry one attempt number; their time tells them apart.
    _merge(batch, ATTEMPTS, row | {"reuse": at, "started_at": started, "finished_at": at})
    _merge(batch, STEPS, row | {"updated_at": at})


def _no_effect(batch: Batch, event: StepEvent) -> None:
    """Boundaries inside an attempt are kept as events only."""


_EFFECTS: Mapping[EventKind, Callable[[Batch, StepEvent], None]] = {
    EventKind.RUN_STARTED: _run_started,
    EventKind.KERNEL_STARTED: _kernel_started,
    EventKind.RUN_FINISHED: _run_finished,
    EventKind.STEP_DECLARED: _step_declared,
    EventKind.ATTEMPT_STARTED: _attempt_started,
    EventKind.ATTEMPT_FINISHED: _attempt_finished,
    EventKind.STEP_REUSED: _step_reused,
    EventKind.STEP_CANCELLED: _step_cancelled,
    EventKind.STEP_BLOCKED: _step_not_run,
    EventKind.STEP_WAITING: _step_not_run,
}


def _place(event: StepEvent) -> Row:
    where: Row = {"run_id": event.run_id, "step": event.step, "attempt": event.attempt}
    return where | {"notebook": event.data.get("notebook") or ""} | _texts(event.data, "cell_id")


def _event(event: StepEvent) -> Row:
    # the source of a cell is in steps and traces; its place here would be taken again in every run
    data = _json({name: value for name, value in event.data.items() if name != "source"})
    row: Row = {
        "happened_at": microseconds(event.at),
        "run_id": event.run_id,
        "step": event.step,
        "attempt": event.attempt,
        "kind": str(event.kind),
        "data": data,
    }
    identity = "\0".join(str(value) for value in row.values()).encode("utf-8", "surrogatepass")
    return row | {"event_id": xxhash.xxh3_128_hexdigest(identity)}


def _trace(trace: Trace) -> Row:
    plain = (
        "trace_id",
        "step",
        "seconds",
        "run_id",
        "attempt",
        "notebook",
        "cell_id",
        "code",
        "key",
        "source",
    )
    row: Row = {name: getattr(trace, name) for name in plain}
    documents = {"options": _json(trace.options), "not_durable": _json(trace.not_durable)}
    return row | documents | {"created_at": microseconds(trace.created_at), "scheme": trace.scheme}


def _fields(item: object, trace: Trace, position: int) -> Row:
    names: Iterable[str] = item.__slots__  # type: ignore[attr-defined]  # both are slotted value objects
    row = {name: getattr(item, name) for name in names}
    return row | {"kind": str(row["kind"]), "trace_id": trace.trace_id, "position": position}


def _error(data: Mapping[str, Json]) -> Row:
    error = data.get("error")
    if isinstance(error, str):
        return {"error_message": error}
    if not isinstance(error, dict):
        return {}
    found = _texts(error, "type", "message", "traceback")
    return {"error_type": found["type"], "error_message": found["message"], "traceback": found["traceback"]}


def _texts(data: Mapping[str, Json], *names: str) -> Row:
    """Return some entries as text; a list, such as the lines of a traceback, is joined."""
    found: Row = {}
    for name in names:
        value = data.get(name)
        if isinstance(value, list):
            value = "\n".join(str(line) for line in value)
        found[name] = value if value is None else str(value)
    return found


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _json(value: object) -> str | None:
    if value is None:
        return None
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=readable)
    except ValueError:  # JSON has no NaN and no infinity
        text = json.dumps(value, default=readable)
        return json.dumps(json.loads(text, parse_constant=str), ensure_ascii=False)


def readable(value: object) -> object:
    """Return something JSON can hold in place of a value that it cannot."""
    return dict(value) if isinstance(value, Mapping) else str(value)

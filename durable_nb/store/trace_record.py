"""A trace as one flat row: columns a person can query, JSON for the rest, and the digest of it all."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import xxhash

from durable_nb.core.errors import DamagedError, NotStorableError, StoreVersionError
from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, Trace

FORMAT = 2
"""Number of the layout of trace files."""
_WITHOUT_METRICS = 1
"""That of traces that have none: any durable_nb reads them."""

TEXTS = ("step", "code", "key", "run_id", "notebook", "cell_id", "source")
DOCUMENTS = ("options", "dependencies", "outputs", "display", "not_durable")
METRICS = "metrics"
"""A column that only traces with metrics have."""
COLUMNS = ("trace_id", *TEXTS, *DOCUMENTS, "inexact", "attempt", "scheme", "format", "created_at", "seconds")

Row = dict[str, Any]
"""Column name → str, or a number: attempt, scheme, format, created_at (µs since the epoch, UTC), seconds."""


def to_row(trace: Trace) -> Row:
    """Return the row of a trace, ``trace_id`` included.

    Raises:
        NotStorableError: A part of the trace, such as the display output, is not JSON.
    """
    texts, inexact = _texts(trace)
    row: Row = {
        **texts,
        **{name: _document(trace, name) for name in DOCUMENTS},
        **({METRICS: _document(trace, METRICS)} if trace.metrics else {}),
        "inexact": inexact,
        "attempt": trace.attempt,
        "scheme": trace.scheme,
        "format": FORMAT if trace.metrics else _WITHOUT_METRICS,
        "created_at": microseconds(trace.created_at),
        "seconds": float(trace.seconds),
    }
    row["trace_id"] = digest(row)
    return row


def from_row(row: Row) -> Trace:
    """Return the trace of a row.

    Raises:
        StoreVersionError: The row was written by a newer durable_nb.
        DamagedError: The row is not what was written.
    """
    if isinstance(row.get("format"), int) and row["format"] > FORMAT:
        raise StoreVersionError(
            f"the trace has format {row['format']}, this durable_nb knows formats up to {FORMAT}. "
            "Upgrade: pip install --upgrade durable_nb"
        )
    try:
        if digest(row) != row["trace_id"]:
            raise DamagedError("its content does not match its digest")
        return _trace(row)
    except (AttributeError, KeyError, TypeError, ValueError, struct.error) as error:
        raise DamagedError(f"it does not hold a trace ({error!r})") from error


def digest(row: Row) -> str:
    """Return the digest of everything in a row but its ``trace_id``."""
    state = xxhash.xxh3_128()
    more = (METRICS,) if row["format"] > _WITHOUT_METRICS else ()
    for name in (*TEXTS, *DOCUMENTS, *more, "inexact"):
        content = row[name].encode()
        state.update(struct.pack("<Q", len(content)))
        state.update(content)
    state.update(
        struct.pack("<qqqqd", row["attempt"], row["scheme"], row["format"], row["created_at"], row["seconds"])
    )
    return state.hexdigest()


def microseconds(seconds: float) -> int:
    """Return seconds since the epoch as whole microseconds, the precision of everything stored."""
    return round(seconds * 1e6) if math.isfinite(seconds) else 0


def rounded(seconds: float) -> float:
    """Return seconds since the epoch at the precision in which they are stored."""
    return microseconds(seconds) / 1e6


def _texts(trace: Trace) -> tuple[dict[str, str], str]:
    """Return the text columns, and as JSON the exact text of those that are no UTF-8 (lone surrogates)."""
    exact = {name: getattr(trace, name) for name in TEXTS}
    texts = {name: text.encode("utf-8", "replace").decode() for name, text in exact.items()}
    return texts, json.dumps({name: exact[name] for name in TEXTS if exact[name] != texts[name]})


def _document(trace: Trace, name: str) -> str:
    try:
        return json.dumps(_plain(getattr(trace, name)), separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise NotStorableError(
            f"Step {trace.step!r}: {name} of its trace cannot be kept as JSON: {error}"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return [_fields(item) if isinstance(item, Dependency | Output) else dict(item) for item in value]


def _fields(item: Dependency | Output) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _trace(row: Row) -> Trace:
    exact = {name: row[name] for name in TEXTS} | json.loads(row["inexact"])
    documents = {name: json.loads(row[name]) for name in DOCUMENTS}
    return Trace(
        **exact,
        options=documents["options"],
        dependencies=tuple(
            Dependency(**{**item, "kind": DependencyKind(item["kind"])}) for item in documents["dependencies"]
        ),
        outputs=tuple(Output(**{**item, "kind": OutputKind(item["kind"])}) for item in documents["outputs"]),
        display=tuple(documents["display"]),
        not_durable=documents["not_durable"],
        metrics=json.loads(row.get(METRICS, "{}")),
        created_at=row["created_at"] / 1e6,
        seconds=row["seconds"],
        attempt=row["attempt"],
        scheme=row["scheme"],
        trace_id=row["trace_id"],
    )


def identified(trace: Trace, row: Row) -> Trace:
    """Return the trace as it reads once stored: with its id, its time rounded to microseconds."""
    return dataclasses.replace(trace, trace_id=row["trace_id"], created_at=rounded(trace.created_at))

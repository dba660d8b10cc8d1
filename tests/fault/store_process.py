"""A process for the fault tests to kill: writes to a store for ever, and prints what the store acknowledged.

Usage: python store_process.py traces|artifacts|events|create FOLDER NAME [SECONDS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from durable_nb.core.model import EventKind, StepEvent, Trace
from durable_nb.store import Store, open_store


def make_trace(name: str, number: int) -> Trace:
    return Trace(
        step=f"step_{number % 3}",
        code="c" * 32,
        key=f"{number:08x}" + "0" * 24,
        source="x = 1\n" * 20,
        options={},
        dependencies=(),
        outputs=(),
        display=({"output_type": "stream", "name": "stdout", "text": "x" * (number % 7) * 10_000},),
        created_at=time.time(),
        seconds=0.1,
        run_id=name,
        attempt=number + 1,
        notebook="/n.ipynb",
    )


def make_event(name: str, number: int) -> StepEvent:
    kind = EventKind.ATTEMPT_STARTED if number % 2 else EventKind.EXECUTING
    return StepEvent(kind, name, time.time(), f"step_{number % 5}", number, {"notebook": "/n.ipynb"})


def write_trace(store: Store, name: str, number: int) -> str:
    return store.traces.add(make_trace(name, number)).trace_id


def write_artifact(store: Store, name: str, number: int) -> str:
    from durable_nb.core.fingerprint import fingerprint

    value = [f"{name} {number}", list(range(number % 5 * 10_000))]
    found = fingerprint(value)
    store.artifacts.put(value, found, store.context())
    return found


def write_events(store: Store, name: str, number: int) -> str:
    for part in range(3):
        store.record(make_event(name, 3 * number + part + 1))
    store.flush()
    return str(3 * number + 3)


WRITE: dict[str, Callable[[Store, str, int], str]] = {
    "traces": write_trace,
    "artifacts": write_artifact,
    "events": write_events,
}


def main(what: str, folder: Path, name: str, seconds: float = 3600.0) -> None:
    import duckdb  # noqa: F401  # so that its import is not what gets killed
    import pyarrow.parquet  # noqa: F401

    store = open_store(folder)
    print("ready", flush=True)
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        print(WRITE[what](store, name, number), flush=True)
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], *map(float, sys.argv[4:]))

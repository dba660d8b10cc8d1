"""What must hold after something went wrong."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from fault.sweep.life import Life

from durable_nb.store.files import STAGE_MARK
from durable_nb.store.store import open_store

_AT_THE_TOP = {"lock", ".gitignore", "CACHEDIR.TAG"}
_DAMAGED = ".damaged"
_SUFFIXES = {"artifacts": ".parquet", "traces": ".parquet", "locks": ".lock", "spool": ".json"}
"""Folder of a store → what its files end with."""


@dataclass(frozen=True)
class Clean:
    """How the notebook ends without durable_nb."""

    final: dict[str, str]
    shown: list[str]


@dataclass
class Found:
    """What a look into the store has found."""

    completed: set[str]
    """Steps with a trace that may be reused."""
    rows: int
    """Rows that were checked: of the ledger, and traces."""
    wrong: list[str]


def look(folder: Path, acknowledged: list[list[object]], *, damaged: bool = False) -> Found:
    """Open the store as the next process would; everything acknowledged must be there.

    Args:
        folder: Of the notebook.
        acknowledged: Events of which a life was told that they are durable.
        damaged: Whether traces may be damaged: that is what has happened.
    """
    wrong: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = open_store(folder / ".durable")
        files = store.traces.files()
        traces = list(store.traces.all())
        if len(files) != len(traces) and not damaged:
            wrong.append(f"{len(files) - len(traces)} damaged trace files")
        store.recover()
        rows = store.ledger.rows("select kind, run_id, step, attempt from events")
        known = {(row["kind"], row["run_id"], row["step"], row["attempt"]) for row in rows}
        lost = [event for event in acknowledged if tuple(event) not in known]
        if lost:
            wrong.append(f"the ledger lost {len(lost)} acknowledged events, first {lost[0]}")
        indexed = {row["trace_id"] for row in store.ledger.rows("select trace_id from traces")}
        if missing := {trace.trace_id for trace in traces} - indexed:
            wrong.append(f"{len(missing)} traces are not in the ledger after recover()")
        store.close()
    wrong += [f"unknown file {path}" for path in _files(folder / ".durable") if not _is_ours(path)]
    return Found({t.step for t in traces if t.durable}, len(rows) + len(traces), wrong)


def _files(store: Path) -> list[Path]:
    return [path.relative_to(store) for path in store.rglob("*") if path.is_file()]


def _is_ours(path: Path) -> bool:
    """Whether a file of the store is one that durable_nb makes there."""
    if len(path.parts) == 1:
        return path.name in _AT_THE_TOP or path.name.startswith("ledger.duckdb")
    ends = path.name.endswith((_SUFFIXES.get(path.parts[0], _DAMAGED), _DAMAGED))
    return ends or STAGE_MARK in path.name


def against_clean(life: Life, clean: Clean, what: str) -> list[str]:
    """A life to which nothing happened, or which did not mind: its values and outputs are a clean run's."""
    if life.status != 0 or life.complaint:
        return [f"{what} ended with status {life.status}\n{life.complaint}"]
    if errors := life.of("error"):
        return [f"{what}: a cell failed\n{errors[0]['text']}"]
    wrong = []
    final = life.of("final")[0]
    differing = sorted(name for name in {*final, *clean.final} if final.get(name) != clean.final.get(name))
    if differing:
        wrong.append(f"{what}: {', '.join(differing)} differ from a clean run's")
    shown = [cell["shown"] for cell in life.of("cell")]
    if shown != clean.shown:
        wrong.append(f"{what}: shown {shown}, in a clean run {clean.shown}")
    return wrong


def of_the_hit_life(life: Life, clean: Clean) -> list[str]:
    """The life in which a write failed: it ends in order, says what it was, and holds no wrong value."""
    if life.status != 0 or life.complaint:
        return [f"the life in which a write failed ended with status {life.status}\n{life.complaint}"]
    errors = life.of("error")
    if errors and not errors[0]["ours"]:
        return [f"not an error of the store: {errors[0]['text']}"]
    return [] if errors else against_clean(life, clean, "the life in which a write failed")

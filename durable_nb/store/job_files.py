"""Jobs that were started from a panel: one small JSON file each, beside it what the job has said."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from durable_nb.store.files import translated, write_durably

MOST = 50
"""Jobs that are kept, the newest."""
_TAIL = 16_384
"""Bytes at the end of what a job has said that are read."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as its file tells it."""

    job: str
    run_ids: tuple[str, ...]
    started_at: float
    """Seconds since the epoch, UTC."""
    user: str
    host: str
    words: str = ""
    """What is changed in the runs, for people."""
    pid: int = 0
    """Of the process that does it; 0 before it has begun."""
    pid_at: float = 0.0
    """When that process noted its number."""
    ended_at: float | None = None
    exits: tuple[int, ...] = ()
    """Exit status of each command that has ended."""


def path_of(folder: Path, job: str) -> Path:
    """The file of a job; what it has said is beside it, as ``.log``."""
    return folder / f"{job}.json"


def add(folder: Path, record: JobRecord) -> Path:
    """Write down a job before it begins; the oldest ones are forgotten.

    Raises:
        StoreError: It could not be written.
    """
    path = path_of(folder, record.job)
    _write(path, record)
    for old in sorted(folder.glob("*.json"))[:-MOST]:
        with translated(old):
            old.with_suffix(".log").unlink(missing_ok=True)
            old.unlink(missing_ok=True)
    return path


def read_all(folder: Path) -> Iterator[JobRecord]:
    """Yield the jobs, newest first; one whose file cannot be read is left out."""
    with translated(folder):
        paths = sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []
    for path in paths:
        record = _read(path)
        if record is not None:
            yield record


def note_process(path: Path, pid: int, at: float) -> None:
    """The process of a job has begun."""
    record = _read(path)
    if record is not None:
        _write(path, dataclasses.replace(record, pid=pid, pid_at=at))


def note_end(path: Path, exits: list[int], at: float) -> None:
    """All commands of a job have ended."""
    record = _read(path)
    if record is not None:
        _write(path, dataclasses.replace(record, exits=tuple(exits), ended_at=at))


def last_lines(folder: Path, job: str, most: int) -> list[str]:
    """The last lines that a job has said."""
    path = path_of(folder, job).with_suffix(".log")
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    lines = [line.rpartition("\r")[2].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return [line for line in lines if line][-most:]


def _write(path: Path, record: JobRecord) -> None:
    content = json.dumps(dataclasses.asdict(record)).encode()

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_durably(path, write)


def _read(path: Path) -> JobRecord | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found |= {name: tuple(found[name]) for name in ("run_ids", "exits")}
        return JobRecord(**found)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # removed since, or damaged: the runs themselves are in the ledger

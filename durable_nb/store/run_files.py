"""What happened to runs, on disk: a small JSON file for each beginning, end and hook, never changed.

From these files, and from the traces of completed steps, a ledger that was lost is made anew.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from durable_nb.core.errors import DamagedError, DurableWarning, StoreVersionError
from durable_nb.core.model import EventKind, StepEvent
from durable_nb.core.secrets import Secrets
from durable_nb.store.files import entries
from durable_nb.store.json_files import JsonFiles
from durable_nb.store.trace_record import microseconds

FORMAT = 1
"""Number of the layout of these files."""
_JSON = JsonFiles(FORMAT, "a record of a run", "record_id")
_FILE = re.compile(r"(?P<run>.+)-(?P<at>\d{1,19})-(?P<what>begun|ended|told)\.json")
_WHAT = {
    EventKind.RUN_STARTED: "begun",
    EventKind.RUN_FINISHED: "ended",
    EventKind.HOOK_CALLED: "told",
}

Moment = tuple[str, int, str]
"""Run, time in microseconds, and ``begun``, ``ended`` or ``told``: what tells one record from all others."""


class RunFiles:
    """The records of runs in one folder: ``<run>-<time in µs>-<begun, ended or told>.json``.

    Args:
        folder: Made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = Secrets()
        """What no file may hold."""
        self._warned: set[str] = set()

    def add(self, event: StepEvent, before: Iterable[StepEvent] = ()) -> None:
        """Keep that a run begins, goes on or has ended, or was told of; it survives power loss from then on.

        Args:
            event: That the run was started, or is finished, or that a hook was called.
            before: What else happened to the run, in that order.

        Raises:
            StoreError: It could not be written.
        """
        events = [_fields(self.secrets.masked(one)) for one in (*before, event)]
        run_id, at, what = moment_of(event)
        content = _JSON.content({"run_id": run_id, "events": events})
        _JSON.write(self.folder / f"{run_id}-{at}-{what}.json", content)

    def has_begun(self, run_id: str) -> bool:
        """Whether there is a record of the run's beginning."""
        return any(run == run_id and what == "begun" for run, _, what in self.files())

    def files(self) -> dict[Moment, Path]:
        """Every record and its file, without reading any."""
        matches = [(_FILE.fullmatch(entry.name), entry.path) for entry in entries(self.folder)]
        return {(m["run"], int(m["at"]), m["what"]): Path(path) for m, path in matches if m}

    def events(self, files: Iterable[Path] | None = None) -> list[StepEvent]:
        """What happened, in that order, as far as it can be read.

        Args:
            files: Only what is in these; all by default.
        """
        chosen = self.files().values() if files is None else files
        found = [event for path in chosen for event in self._read_or_warn(path)]
        return sorted(found, key=lambda event: event.at)

    def _read_or_warn(self, path: Path) -> Iterator[StepEvent]:
        try:
            yield from _read(path)
        except FileNotFoundError:
            return  # removed since the folder was listed
        except (DamagedError, StoreVersionError) as error:
            if path.name not in self._warned:
                self._warned.add(path.name)
                warnings.warn(str(error), DurableWarning, stacklevel=4)


def known_moments(rows: Iterable[Mapping[str, Any]]) -> set[Moment]:
    """The same of rows of the ledger's events with ``run_id``, ``at`` in microseconds and ``kind``."""
    return {(row["run_id"], row["at"], _WHAT[EventKind(row["kind"])]) for row in rows}


def moment_of(event: StepEvent) -> Moment:
    """What tells the record of an event from all others."""
    return event.run_id, microseconds(event.at), _WHAT[event.kind]


def _fields(event: StepEvent) -> dict[str, Any]:
    named = {"kind": event.kind.value, "at": event.at, "step": event.step, "attempt": event.attempt}
    return {**named, "data": {name: value for name, value in event.data.items() if name != "source"}}


def _read(path: Path) -> list[StepEvent]:
    content = _JSON.read(path)
    if not path.name.startswith(f"{content.get('run_id')}-"):
        raise DamagedError(f"{path}: another run than its name says")
    try:
        return [
            StepEvent(kind=EventKind(one.pop("kind")), run_id=content["run_id"], **one)
            for one in content["events"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(f"{path}: this is no record of a run ({error!r})") from error

"""What people decided about steps, on disk: one small JSON file a decision, never changed."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from durable_nb.core.errors import DamagedError, DurableWarning, StoreVersionError
from durable_nb.core.model import EventKind, Json, Output, OutputKind, StepEvent
from durable_nb.core.overrides import Change, Override, OverrideKind, Standing, standing
from durable_nb.core.secrets import Secrets
from durable_nb.store.files import entries
from durable_nb.store.json_files import JsonFiles
from durable_nb.store.trace_record import microseconds, rounded
from durable_nb.store.traces import folder_name

FORMAT = 1
"""Number of the layout of these files."""
_JSON = JsonFiles(FORMAT, "a decision about a step", "override_id")

_FILE = re.compile(r"(?P<at>\d{1,19})-(?P<kind>[a-z]+)-(?P<id>[0-9a-f]{32})\.json")


class Overrides:
    """The decisions under one folder: ``<step or notebook>/<time in µs>-<kind>-<digest>.json``.

    Args:
        folder: Made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = Secrets()
        """What no file may hold."""
        self._known: dict[str, Override] = {}
        self._warned: set[str] = set()

    def add(self, override: Override) -> Override:
        """Store a decision; once this returns it holds for good.

        Returns:
            The decision with its ``override_id``, and ``at`` rounded to microseconds.

        Raises:
            StoreError: It could not be written.
        """
        override = self.secrets.masked(override)
        content = _content(dataclasses.replace(override, at=rounded(override.at)))
        stored = _override(content)
        _JSON.write(self._path(stored), content)
        return stored

    def standing(self, step: str) -> Standing:
        """What the decisions about a step come to; one that cannot be read is never to anyone's harm."""
        readable: list[Override] = []
        doubtful_until = 0.0
        for path, match in _files(self.folder / folder_name(step)):
            override = self._read_or_warn(path)
            if override is not None:
                readable.append(override)
            elif match["kind"] != OverrideKind.ACCEPT:  # an acceptance that is lost only costs time
                doubtful_until = max(doubtful_until, int(match["at"]) / 1e6)
        mine = [override for override in readable if override.step == step]
        return standing(mine, doubtful_until) if mine or doubtful_until else _NOTHING

    def of_parameters(self, notebook: str) -> list[Override]:
        """The edits of a notebook's parameters that hold, oldest first.

        Raises:
            DamagedError: One cannot be read: nobody knows which value was meant.
            StoreVersionError: A newer durable_nb wrote it.
        """
        read = [_read(path) for path, _ in _files(self.folder / _folder_name("", notebook))]
        made = sorted((one for one in read if one.notebook == notebook), key=lambda one: one.at)
        undone = {one.undoes for one in made if one.kind is OverrideKind.UNDO}
        return [one for one in made if one.kind is OverrideKind.PARAMETER and one.override_id not in undone]

    def all(self) -> Iterator[Override]:
        """Yield every decision that can be read."""
        for folder in sorted(entries(self.folder), key=lambda entry: entry.name):
            for path, _ in _files(Path(folder.path)) if folder.is_dir() else ():
                override = self._read_or_warn(path)
                if override is not None:
                    yield override

    def _path(self, override: Override) -> Path:
        name = f"{microseconds(override.at)}-{override.kind}-{override.override_id}.json"
        return self.folder / _folder_name(override.step, override.notebook) / name

    def _read_or_warn(self, path: Path) -> Override | None:
        if path.name not in self._known:
            try:
                self._known[path.name] = _read(path)
            except FileNotFoundError:
                return None  # removed since the folder was listed
            except (DamagedError, StoreVersionError) as error:
                if path.name not in self._warned:
                    self._warned.add(path.name)
                    warnings.warn(str(error), DurableWarning, stacklevel=3)
                return None
        return self._known[path.name]


_NOTHING = Standing()


def event_of(override: Override) -> StepEvent:
    """The event by which the ledger knows a decision: the same each time it is made from the file."""
    data: dict[str, Json] = {
        "override": override.kind.value,
        "override_id": override.override_id,
        "user": override.user,
        "host": override.host,
        "notebook": override.notebook,
        "traces": list(override.traces),
        "changes": [dict(dataclasses.asdict(change)) for change in override.changes],
        "values": [{"name": output.name, "value": output.summary} for output in override.values],
        "reason": ", ".join(f"{output.name} = {output.summary}" for output in override.values) or None,
        "undoes": override.undoes,
    }
    return StepEvent(EventKind.OVERRIDDEN, override.run_id, override.at, override.step, 0, data)


def _content(override: Override) -> dict[str, Any]:
    fields = dataclasses.asdict(override)
    del fields["override_id"]
    fields["kind"] = override.kind.value
    return _JSON.content(fields)


def _read(path: Path) -> Override:
    content = _JSON.read(path)
    if content["override_id"] not in path.name:
        raise DamagedError(f"{path}: another decision than its name says")
    return _override(content)


def _override(content: Mapping[str, Any]) -> Override:
    try:
        return Override(
            kind=OverrideKind(content["kind"]),
            changes=tuple(Change(**change) for change in content["changes"]),
            traces=tuple(content["traces"]),
            definitions=tuple(content["definitions"]),
            values=tuple(Output(**v | {"kind": OutputKind(v["kind"])}) for v in content.get("values", ())),
            **{name: content[name] for name in _PLAIN},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"this is no decision about a step ({error!r})") from error


_PLAIN = ("step", "at", "user", "host", "run_id", "notebook", "undoes", "override_id")


def _folder_name(step: str, notebook: str) -> str:
    return folder_name(step or f"parameters of {notebook}")


def _files(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    for entry in sorted(entries(folder), key=lambda entry: entry.name):
        if match := _FILE.fullmatch(entry.name):
            yield Path(entry.path), match

"""What people decided about steps, on disk: one small JSON file a decision, never changed."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from durable_nb.core.errors import DamagedError, DurableWarning, StoreVersionError
from durable_nb.core.model import EventKind, Json, Output, OutputKind, StepEvent
from durable_nb.core.overrides import (
    NAME,
    Change,
    Names,
    Override,
    OverrideKind,
    Standing,
    standing,
    still_holding,
)
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
        """What the decisions about a step come to; one that cannot be read is never to anyone's harm.

        Those about it under former names count: it is the same step, and they name its traces.
        """
        found = list(self._under_all_names(step))
        made = [override for about in found for override in about.readable]
        unreadable = (doubt for about in found for doubt in about.unreadable)
        # An acceptance that is lost only costs time.
        doubts = [doubt.at for doubt in unreadable if doubt.kind != OverrideKind.ACCEPT]
        return standing(made, max(doubts, default=0.0)) if made or doubts else _NOTHING

    def under(self, name: str) -> list[Override]:
        """The decisions that can be read about a step under this very name, oldest first."""
        return sorted(self._about(name).readable, key=lambda one: one.at)

    def names(self, step: str) -> Names:
        """What a step is and was called, through any number of renamings."""
        found = list(self._under_all_names(step))
        doubts = (about.doubtful_rename() for about in found)
        return Names(step, tuple(about.step for about in found[1:]), max(doubts, default=0.0))

    def present(self, steps: Iterable[str]) -> set[str]:
        """Those of some steps of one notebook that are not known under another of these names by now."""
        wanted = list(steps)
        last: dict[str, tuple[float, str]] = {}
        for about in (about for step in wanted for about in self._under_all_names(step)):
            for one in about.renamed():
                for name in (one.step, *(change.was for change in one.changes)):
                    last[name] = max(last.get(name, (0.0, "")), (one.at, one.step))
        return {step for step in wanted if step not in last or last[step][1] == step}

    def _under_all_names(self, step: str) -> Iterator[_About]:
        """The decisions about a step, then those about each step whose name it has had."""
        names = [step]
        for name in names:  # it grows
            about = self._about(name)
            yield about
            names += [former for former in about.former() if former not in names]

    def _about(self, step: str) -> _About:
        readable: list[Override] = []
        unreadable: list[_Unreadable] = []
        for path, match in _files(self.folder / folder_name(step)):
            override = self._read_or_warn(path)
            if override is None:
                unreadable.append(_Unreadable(match["kind"], int(match["at"]) / 1e6, match["id"]))
            elif override.step == step:
                readable.append(override)
        return _About(step, readable, unreadable)

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


@dataclasses.dataclass(frozen=True, slots=True)
class _Unreadable:
    """What the file name of a damaged decision says."""

    kind: str
    at: float
    override_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class _About:
    """The decisions about a step under one name."""

    step: str
    readable: list[Override]
    unreadable: list[_Unreadable]

    def renamed(self) -> list[Override]:
        """The decisions that it is a step which had another name before, oldest first."""
        return [one for one in still_holding(self.readable) if one.kind is OverrideKind.RENAME]

    def former(self) -> Iterator[str]:
        """The names from which it was renamed, the last one first."""
        for one in reversed(self.renamed()):
            yield from (change.was for change in one.changes if change.kind == NAME)

    def doubtful_rename(self) -> float:
        """When it was last renamed in a way that cannot be read, unless that was taken back; else 0."""
        undone = {one.undoes for one in self.readable if one.kind is OverrideKind.UNDO}
        doubts = (d for d in self.unreadable if d.kind == OverrideKind.RENAME and d.override_id not in undone)
        return max((doubt.at for doubt in doubts), default=0.0)


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
        "reason": _in_words(override) or None,
        "undoes": override.undoes,
    }
    return StepEvent(EventKind.OVERRIDDEN, override.run_id, override.at, override.step, 0, data)


def _in_words(override: Override) -> str:
    if override.kind is OverrideKind.RENAME:
        return ", ".join(change.text for change in override.changes)
    return ", ".join(f"{output.name} = {output.summary}" for output in override.values)


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

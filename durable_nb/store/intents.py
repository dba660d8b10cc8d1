"""What is known of operations on the world outside, on disk: one small JSON file an operation.

A file is replaced as a whole whenever more is known, by who holds the step's lock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from durable_nb.core.errors import DamagedError
from durable_nb.core.intents import Intent, IntentState, StepFacts
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.secrets import Secrets
from durable_nb.store.files import entries
from durable_nb.store.json_files import JsonFiles
from durable_nb.store.traces import folder_name

FORMAT = 1
"""Number of the layout of these files."""
_JSON = JsonFiles(FORMAT, "what is known of an operation", "digest")


class Intents:
    """The operations under one folder: ``<step>/<operation>.json``.

    Args:
        folder: Made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = Secrets()
        """What no file may hold."""

    def put(self, intent: Intent) -> None:
        """Write what is known of an operation; once this returns it survives power loss.

        Raises:
            StoreError: It could not be written.
        """
        content = _JSON.content(dataclasses.asdict(self.secrets.masked(intent)))
        _JSON.write(self._path(intent.step, intent.operation), content)

    def get(self, step: str, operation: str) -> Intent | None:
        """What is known of an operation; None where it never began.

        Raises:
            StoreVersionError: It was written by a newer durable_nb.
            StoreError: The file cannot be read.
        """
        return self._read(self._path(step, operation), step)

    def of(self, step: str) -> list[Intent]:
        """The operations of a step, newest first."""
        found = [self._read(path, step) for path in _listed(self.folder / folder_name(step))]
        return sorted((i for i in found if i is not None), key=lambda intent: intent.at, reverse=True)

    def all(self) -> Iterator[Intent]:
        """Yield every operation of every step."""
        for folder in _listed(self.folder, ""):
            for path in _listed(folder):
                found = self._read(path, "")
                if found is not None:
                    yield found

    def _path(self, step: str, operation: str) -> Path:
        return self.folder / folder_name(step) / f"{operation}.json"

    def _read(self, path: Path, step: str) -> Intent | None:
        try:
            return _intent(_JSON.read(path))
        except FileNotFoundError:
            return None
        except DamagedError:
            # Nobody knows what it said: a person has to decide, as if the process had died.
            written = path.stat().st_mtime
            return Intent(step or path.parent.name, path.stem, "", IntentState.DAMAGED, written)


def _listed(folder: Path, suffix: str = ".json") -> list[Path]:
    paths = (Path(entry.path) for entry in entries(folder))
    return sorted(path for path in paths if path.suffix == suffix and path.name[0] != ".")


def _intent(content: Mapping[str, Any]) -> Intent:
    try:
        plain = {f.name: content[f.name] for f in dataclasses.fields(Intent)}
        facts = {f.name: content["facts"][f.name] for f in dataclasses.fields(StepFacts)}
        facts["dependencies"] = tuple(
            Dependency(**d | {"kind": DependencyKind(d["kind"])}) for d in facts["dependencies"]
        )
        for name in ("definitions", "binds"):
            facts[name] = tuple(facts[name])
        changed = {
            "state": IntentState(plain["state"]),
            "missing": tuple(plain["missing"]),
            "facts": StepFacts(**facts),
        }
        return Intent(**plain | changed)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"this is about no operation ({error!r})") from error

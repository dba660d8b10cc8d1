"""Files that a step declares to write: found when it has run, kept, and put back when it is reused."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from durable_nb.core.errors import DamagedError, NotFingerprintableError, NotStorableError, StoreError
from durable_nb.core.model import Output, OutputKind
from durable_nb.kernel.depending.files import file_fingerprint
from durable_nb.kernel.depending.observing.aspects import NOT_LISTED
from durable_nb.kernel.depending.observing.observed import Stamp, stamp_of
from durable_nb.kernel.secret_values import file_holds_secret
from durable_nb.store.artifacts import Artifacts
from durable_nb.store.kept_files import keep_file, put_back

_TYPE = "file"
_EXECUTABLE = "executable file"


class DeclaredFiles:
    """The files of ``--writes``, compared with how they were before the step ran.

    A glob takes the files that the step made or changed; a path takes its file in any case.

    Args:
        patterns: Globs and paths, relative to ``folder``.
        folder: The working directory before the step.
    """

    def __init__(self, patterns: Iterable[str], folder: Path) -> None:
        self._patterns = tuple(patterns)
        self._folder = folder
        self._before = {
            name: self._stamp(name) for pattern in self._patterns for name in self._matches(pattern)
        }

    def _matches(self, pattern: str) -> list[str]:
        found = glob.glob(pattern, root_dir=self._folder, recursive=True)
        return sorted(
            name
            for name in found
            if os.path.isfile(self.path(name)) and NOT_LISTED.isdisjoint(name.split(os.sep))
        )

    def path(self, name: str) -> str:
        """Absolute path of a declared file."""
        return os.path.abspath(os.path.join(self._folder, name))

    def _stamp(self, name: str) -> Stamp:
        return stamp_of(self.path(name))

    def made(self) -> tuple[list[str], list[str]]:
        """Names of the files, and the patterns that stand for none."""
        names: list[str] = []
        idle: list[str] = []
        for pattern in self._patterns:
            found = [name for name in self._matches(pattern) if self._is_made(name, pattern)]
            names += found
            idle += [] if found else [pattern]
        return list(dict.fromkeys(names)), idle

    def _is_made(self, name: str, pattern: str) -> bool:
        return not glob.has_magic(pattern) or self._stamp(name) != self._before.get(name)


def keep_files(
    names: Iterable[str], files: DeclaredFiles, artifacts: Artifacts, problems: dict[str, str]
) -> dict[str, Output]:
    """Store the files; ``problems`` gets those that could not be."""
    outputs: dict[str, Output] = {}
    for name in names:
        path = Path(files.path(name))
        if file_holds_secret(path):
            problems[name] = "the file holds a secret, which is not written into the store"
            continue
        try:
            fingerprint = file_fingerprint(path)
            size = keep_file(artifacts, path, fingerprint)
        except (NotFingerprintableError, NotStorableError, StoreError) as error:
            problems[name] = str(error)
            continue
        kind = _EXECUTABLE if os.access(path, os.X_OK) else _TYPE
        shown = os.path.join(os.curdir, name) if name.isidentifier() else name  # no variable has such a name
        summary = f"{path.stat().st_size:,} bytes"
        outputs[shown] = Output(
            shown, OutputKind.FILE, fingerprint, codec=_TYPE, type=kind, summary=summary, bytes=size
        )
    return outputs


def put_files_back(outputs: Iterable[Output], artifacts: Artifacts, folder: Path) -> None:
    """Write again the files of a reused step that are missing or changed.

    Raises:
        DamagedError: One cannot be brought back.
    """
    for output in outputs:
        if output.kind is OutputKind.FILE:
            target = folder / output.name
            if not _is_there(target, output.fingerprint):
                _put_back(target, output, artifacts)


def _is_there(path: Path, fingerprint: str) -> bool:
    try:
        return path.is_file() and file_fingerprint(path) == fingerprint
    except NotFingerprintableError:
        return False


def _put_back(target: Path, output: Output, artifacts: Artifacts) -> None:
    try:
        put_back(artifacts, output.fingerprint, target)
        if output.type == _EXECUTABLE:
            target.chmod(target.stat().st_mode | 0o111)
    except (StoreError, OSError) as error:
        raise DamagedError(f"the file {output.name} cannot be put back: {error}") from error

"""Dependencies that only show when a step runs: files it opened, and what its options declare."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.options import Options
from durable_nb.kernel.ambient import random_dependency
from durable_nb.kernel.files import file_fingerprint, glob_fingerprint, stamp
from durable_nb.kernel.inputs import module_dependency
from durable_nb.kernel.watch import OpenedFiles

_GLOB = "glob:"
_LONGEST_PATH = 1024
_LONGEST_COMMAND = 20_000
"""Characters; a longer text is data rather than a command."""
_WORDS_OF_COMMANDS = re.compile(r"""[^\s'"`(),;=<>|&]+""")
_PATTERN = re.compile(r"[\w./-]*\*[\w./*-]*\.\w+")
"""A glob with a file name's ending, such as ``data/*.csv``: not every text with a star is one."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Surroundings:
    """The files, modules and environment variables around a notebook, seen from one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, kind: DependencyKind, name: str) -> Dependency | None:
        """The present state of something that a trace names; None where it is gone or cannot be read."""
        try:
            if kind is DependencyKind.FILE:
                return self._glob(name) if name.startswith(_GLOB) else self._file(name)
            if kind is DependencyKind.ENV:
                return _variable(name)
            if kind is DependencyKind.MODULE:
                return module_dependency(name)
            if kind is DependencyKind.RANDOM:
                return random_dependency(name)
        except NotFingerprintableError:
            return None
        return None

    def declared(self, options: Options) -> Iterator[Dependency]:
        """What ``--env`` and ``--reads`` name, as it is now."""
        yield from (_variable(name) for name in options.env)
        yield from (self._glob(_GLOB + pattern) for pattern in options.reads)

    def variables(self, names: Iterable[str]) -> Iterator[Dependency]:
        """Environment variables by their names, set or not; what cannot be a name is left out."""
        return (_variable(name) for name in names if _VARIABLE.fullmatch(name))

    def named_files(self, texts: Iterable[str]) -> Iterator[Dependency]:
        """Files and globs that stand in the code or in a value: some readers bypass ``open``.

        A text may be a path, or hold paths as SQL and shell commands do.
        """
        for text in texts:
            if self._is_file(text):
                yield self._file(self._name(os.path.join(self._folder, text)))
            elif len(text) <= _LONGEST_COMMAND:
                yield from self._files_within(text)

    def _files_within(self, text: str) -> Iterator[Dependency]:
        for word in dict.fromkeys(_WORDS_OF_COMMANDS.findall(text)):
            if _PATTERN.fullmatch(word):
                yield self._glob(_GLOB + word)
            elif ("." in word or os.sep in word) and self._is_file(word):
                yield self._file(self._name(os.path.join(self._folder, word)))

    def still(
        self,
        before: Iterable[Dependency],
        files: OpenedFiles,
        written: Iterable[str],
        problems: dict[str, str],
    ) -> Iterator[Dependency]:
        """The declared and named files and variables that the step left as they were.

        Those it wrote itself are no dependencies; ``problems`` gets those that changed otherwise.
        """
        made = {self._name(path) for path in files.written} | {
            self._name(os.path.join(self._folder, text)) for text in written
        }
        for was in before:
            now = self.find(was.kind, was.name)
            same = now is not None and now.fingerprint == was.fingerprint
            if same or was.kind is DependencyKind.ENV:  # the step may set a variable after it has read it
                yield was
            elif was.name not in made:
                problems[was.name] = "changed while the step ran"

    def opened(self, files: OpenedFiles, problems: dict[str, str]) -> Iterator[Dependency]:
        """The files that were read, if they are still as they were; ``problems`` gets those that are not."""
        for path, seen in files.read.items():
            if path in files.written and seen is None:
                continue  # made by the step itself
            name = self._name(path)
            if path in files.written or _stamp_or_none(path) != seen:
                problems[name] = "the file changed while the step ran"
            elif seen is None:
                yield _missing(name)
            else:
                yield self._file(name)

    def _is_file(self, text: str) -> bool:
        if not text or len(text) > _LONGEST_PATH or "\n" in text or "\0" in text:
            return False
        return os.path.isfile(os.path.join(self._folder, text))

    def _name(self, path: str) -> str:
        """Relative inside the folder, so that a project can be moved as a whole."""
        relative = os.path.relpath(path, self._folder)
        return path if relative.startswith(os.pardir) else relative

    def _file(self, name: str) -> Dependency:
        path = Path(os.path.join(self._folder, name))
        if not path.exists():
            return _missing(name)
        try:
            return Dependency(DependencyKind.FILE, name, file_fingerprint(path), name)
        except NotFingerprintableError:
            # The step cannot read it either; that it names the file must not keep it from running.
            return Dependency(DependencyKind.FILE, name, digest("unreadable"), f"{name} unreadable")

    def _glob(self, name: str) -> Dependency:
        pattern = name.removeprefix(_GLOB)
        return Dependency(
            DependencyKind.FILE, name, glob_fingerprint(pattern, self._folder), f"files {pattern}"
        )


def _missing(name: str) -> Dependency:
    return Dependency(DependencyKind.FILE, name, digest("missing"), f"{name} missing")


def _stamp_or_none(path: str) -> tuple[int, int, int] | None:
    try:
        return stamp(path)
    except OSError:
        return None


def _variable(name: str) -> Dependency:
    value = os.environ.get(name)
    # The value may be a secret: only its fingerprint is kept.
    return Dependency(DependencyKind.ENV, name, digest("unset") if value is None else digest("set", value))


def unique(dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """Dependencies without repetition, in their order."""
    return tuple({(d.kind, d.name): d for d in dependencies}.values())

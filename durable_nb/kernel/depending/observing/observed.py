"""What was noticed while a step ran."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from types import CodeType

from durable_nb.core.places import Aspect
from durable_nb.kernel.depending.files import stamp
from durable_nb.kernel.depending.observing.aspects import State, state_of
from durable_nb.kernel.depending.observing.origins import is_machinery, is_program

Stamp = tuple[int, int, int] | None
"""Modification time, size, inode; None for a file that is not there."""

_REMOTE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<host>[^/?#]*)")


class Observed:
    """Files, folders, variables and modules that a step used, as they were when it used them first.

    Args:
        store: Absolute path of the store, with a separator at its end: it is written while steps run.
    """

    def __init__(self, store: str = "") -> None:
        self._store = store
        self.read: dict[str, Stamp] = {}
        """Absolute path of a file that was read → its stamp."""
        self.trees: dict[str, dict[str, Stamp]] = {}
        """Absolute glob whose files are read by something that bypasses ``open`` → their stamps."""
        self.states: dict[tuple[Aspect, str], State] = {}
        """What was asked about an absolute path or glob → the answer."""
        self.questions: set[tuple[str, CodeType, CodeType | None]] = set()
        """Path as it was given, and who asked about it: need not be looked at again in the same folder."""
        self.written: set[str] = set()
        """Absolute paths that the step made, changed, moved or removed."""
        self.declared: set[str] = set()
        """Absolute paths of the files that the author declared to be of the step's making."""
        self._folders: set[str] = set()
        """Those of them that are folders: all that is in them is the step's own."""
        self.environment: dict[str, str | None] = {}
        """Variable → its value before the step; None where it was not set."""
        self._set_by_user: set[str] = set()
        self._set_by_others: dict[str, str | None] = {}
        """Variable that a package has set → its value before."""
        self.reads_all_environment = False
        self.listed_variables: dict[int, str] = {}
        """id → that name as a walk over all variables gave it: a copy of the mapping asks for its value."""
        self.modules: dict[str, bool] = {}
        """Dotted name that was imported → whether the notebook or the project asked for it."""
        self.unprovable: dict[str, str] = {}
        """What was used that no fingerprint covers → why that matters."""
        self.default_tables: frozenset[str] | None = None
        """Tables of DuckDB's default connection before the step used it; None where it has not."""
        self.remote: dict[str, None] = {}
        """Where something was read over a network."""

    # Files.

    def opened(self, path: str, *, writing: bool) -> None:
        """Take note of one call of ``open``."""
        absolute = os.path.abspath(path)
        if self.is_own(absolute):
            return
        if writing:
            self.written.add(absolute)
        elif absolute not in self.read and not is_machinery(absolute):
            self._look(absolute)

    def is_own(self, absolute: str) -> bool:
        """Whether a path is the store's, or the step made it or a folder around it."""
        if absolute in self.written or absolute in self.declared:
            return True
        if self._store and (absolute + os.sep).startswith(self._store):
            return True
        return bool(self._folders) and any(parent in self._folders for parent in _parents(absolute))

    def _look(self, path: str) -> None:
        if not os.path.isdir(path):  # opening a folder, to flush it, reads nothing of it
            self.read[path] = stamp_of(path)

    def wrote(self, path: str, *, folder: bool = False) -> None:
        """Take note of something that the step made, changed or removed."""
        absolute = os.path.abspath(path)
        self.written.add(absolute)
        if folder:
            self._folders.add(absolute)

    def moved(self, source: str, target: str) -> None:
        """Take note of a renamed file or folder: its content counts as read."""
        if os.path.isfile(source):
            self.opened(source, writing=False)
        is_folder = os.path.isdir(source)
        self.wrote(source)
        self.wrote(target, folder=is_folder)

    # The environment and modules.

    def read_variable(self, name: str, value: str | None) -> None:
        """Take note of a variable; what the step itself gave it before says nothing of the surroundings."""
        if name not in self.environment and name not in self._set_by_user:
            self.environment[name] = self._set_by_others.get(name, value)

    def set_variable(self, name: str, before: str | None, *, by_user: bool) -> None:
        """Take note that a variable changes from a value."""
        if by_user:
            self._set_by_user.add(name)
        else:
            self._set_by_others.setdefault(name, before)

    def imported(self, name: str, *, by_user: bool) -> None:
        """Take note of an import of a module, loaded before or not."""
        if by_user or name not in self.modules:
            self.modules[name] = by_user

    # Readers and commands that open files themselves.

    def reads(self, path: str) -> None:
        """Take note of a file, folder or glob that something reads without calling ``open``."""
        remote = _REMOTE.match(path)
        if remote is not None and remote["scheme"] != "file":
            self.reads_remote(remote[0])
            return
        local = path.removeprefix("file://") if remote is not None else path
        absolute = os.path.abspath(os.path.expanduser(local))
        if os.path.isdir(absolute):
            self._look_into(os.path.join(glob.escape(absolute), "**"))
        elif glob.has_magic(local) and not os.path.exists(absolute):
            self._look_into(absolute)
        else:
            self.opened(absolute, writing=False)

    def opens_database(self, path: str) -> None:
        """Take note of a database file, which is made where there is none."""
        if os.path.exists(path):
            self.reads(path)
        else:
            self.wrote(path)

    def reads_if_there(self, path: str) -> None:
        """Take note of a word that may be a path: where nothing is there, it is only a word."""
        if glob.has_magic(path) or _REMOTE.match(path) is not None or self._is_data(path):
            self.reads(path)

    def _is_data(self, path: str) -> bool:
        return os.path.isfile(path) and not is_program(os.path.abspath(path))

    def _look_into(self, pattern: str) -> None:
        if pattern not in self.trees and not self.is_own(pattern.removesuffix(os.sep + "**")):
            self.trees[pattern] = stamps_in(pattern)

    def reads_remote(self, where: str) -> None:
        """Take note of something that is read over a network."""
        self.remote.setdefault(where)

    # Questions about paths.

    def asked(self, aspect: Aspect, path: str) -> None:
        """Take note of a question about a path, with what the answer is now."""
        absolute = os.path.abspath(path)
        key = (aspect, absolute)
        if key not in self.states and not self.is_own(absolute) and not is_machinery(absolute + os.sep):
            self.states[key] = state_of(aspect, absolute)


def stamp_of(path: str) -> Stamp:
    """The stamp of a file; None where there is none."""
    try:
        return stamp(path)
    except (OSError, ValueError):  # ValueError: a null byte, which no path has
        return None


def stamps_in(pattern: str) -> dict[str, Stamp]:
    """The files that match an absolute glob, with their stamps."""
    return {path: stamp_of(path) for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)}


def _parents(path: str) -> Iterator[str]:
    parent = os.path.dirname(path)
    while parent != path:
        yield parent
        path, parent = parent, os.path.dirname(parent)

"""See which files a step opens, by the interpreter's own audit events.

What bypasses ``open`` (pyarrow, polars, DuckDB, subprocesses) is not seen here; path literals and ``--reads``
globs cover it.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from durable_nb.kernel.files import stamp

_WRITING = frozenset("wax+")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/")


class OpenedFiles:
    """The files that were opened while a step ran."""

    def __init__(self, store: str = "") -> None:
        self._store = store
        self.read: dict[str, tuple[int, int, int] | None] = {}
        """Absolute path → stamp when it was first opened for reading; None if it was missing."""
        self.written: set[str] = set()

    def opened(self, path: str, *, writing: bool) -> None:
        """Take note of one call of ``open``."""
        absolute = os.path.abspath(path)
        if self._store and (absolute + os.sep).startswith(self._store):
            return  # the ledger is written while steps run
        if writing:
            self.written.add(absolute)
        elif absolute not in self.written and absolute not in self.read and not _is_machinery(absolute):
            self._look(absolute)

    def _look(self, path: str) -> None:
        if os.path.isdir(path):
            return  # opening a folder, as our own writer does to flush it, reads nothing of it
        try:
            self.read[path] = stamp(path)
        except OSError:
            self.read[path] = None


_watching: OpenedFiles | None = None
_inside = threading.local()
_installed = False


def install() -> None:
    """Add the audit hook, once per process: Python offers no way to take one out again."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


@contextmanager
def watching(store: Path) -> Iterator[OpenedFiles]:
    """Collect what the whole process opens inside the block, threads included, but for our own store."""
    global _watching
    outer, _watching = _watching, OpenedFiles(os.path.abspath(store) + os.sep)
    try:
        yield _watching
    finally:
        _watching = outer


@contextmanager
def unwatched() -> Iterator[None]:
    """Files that this thread opens inside the block are our own business, not the step's."""
    before = getattr(_inside, "own", False)
    _inside.own = True
    try:
        yield
    finally:
        _inside.own = before


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event != "open" or _watching is None or getattr(_inside, "own", False):
        return
    path, mode, flags = args
    if isinstance(path, int) or path is None:
        return
    _inside.own = True  # the look at the file below must not be seen as the step's
    try:
        _watching.opened(os.fsdecode(path), writing=_is_writing(mode, flags))
    finally:
        _inside.own = False


def _is_writing(mode: str | None, flags: int | None) -> bool:
    if mode is not None:
        return bool(_WRITING & set(mode)) and mode.replace("b", "").replace("t", "") != "r+"
    return bool((flags or 0) & (os.O_WRONLY | os.O_CREAT | os.O_TRUNC))


@cache
def _machinery_roots() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    roots = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")}
    roots |= {entry for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}}
    roots |= {
        str(Path.home() / name)
        for name in (".cache", ".config", ".ipython", ".jupyter", ".local/share/jupyter")
    }
    return tuple(os.path.abspath(root) + os.sep for root in roots)


def _is_machinery(path: str) -> bool:
    """Files of Python, of installed packages and of the system: covered by versions, or no data."""
    return (
        path.startswith(_SYSTEM)
        or path.startswith(_machinery_roots())
        or path.endswith((".py", ".pyc", ".so"))
    )

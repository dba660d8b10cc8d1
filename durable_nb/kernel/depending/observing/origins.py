"""Whose a file is, or a piece of running code: the user's, or Python's, a package's, the system's."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import FrameType

import durable_nb

_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/share/locale/", "/usr/share/zoneinfo/")
_PROGRAMS = ("/bin/", "/sbin/", "/lib", "/usr/")
_SHARED_PREFIXES = frozenset({"/", "/usr", "/usr/local"})
"""Where Python may be installed beside things that are not Python's."""
_SOURCE_ENDINGS = (".py", ".pyc", ".so")
_SOURCE_READERS = frozenset(
    {
        "IPython.core.oinspect",
        "IPython.core.ultratb",
        "IPython.utils.openpy",
        "executing.executing",
        "importlib._bootstrap_external",
        "importlib.metadata",
        "importlib.util",
        "inspect",
        "linecache",
        "pkgutil",
        "stack_data.core",
        "traceback",
        "zipimport",
    }
)
"""Modules that look at source files to run or to show them, not as data."""


@cache
def _installed_roots() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    roots = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")}
    roots |= {entry for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}}
    roots |= {prefix for prefix in (sys.prefix, sys.base_prefix) if prefix not in _SHARED_PREFIXES}
    roots.add(str(Path(durable_nb.__file__).parent))
    return tuple(os.path.abspath(root) + os.sep for root in roots)


@cache
def _machinery_roots() -> tuple[str, ...]:
    names = (".cache", ".config", ".ipython", ".jupyter", ".local/share/jupyter")
    homes = tuple(os.path.abspath(Path.home() / name) + os.sep for name in names)
    return (*_SYSTEM, *_installed_roots(), *homes)


def is_machinery(path: str) -> bool:
    """Whether an absolute path is of Python, a package or the system: covered by versions, or no data."""
    return path.startswith(_machinery_roots())


def is_program(path: str) -> bool:
    """Whether an absolute path is where the system keeps programs, which are seldom data."""
    return path.startswith(_PROGRAMS)


def reads_source(path: str, frame: FrameType | None) -> bool:
    """Whether the code that ``frame`` runs opens a source file in order to run or to show it."""
    if not path.endswith(_SOURCE_ENDINGS):
        return False
    if frame is not None and frame.f_globals.get("__name__") == "tokenize":
        frame = frame.f_back
    return frame is not None and is_source_reader(frame)


def is_source_reader(frame: FrameType) -> bool:
    """Whether a frame belongs to what looks at source files to run or to show them."""
    return frame.f_globals.get("__name__") in _SOURCE_READERS


@cache
def is_users_code(filename: str) -> bool:
    """Whether code compiled under this file name is the notebook's or the project's own."""
    return not filename.startswith(("<frozen", *_installed_roots()))

"""The present state of a path, as far as one aspect goes."""

from __future__ import annotations

import glob
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from durable_nb.core.places import Aspect

State = Mapping[str, str]
"""Name, or word such as ``kind`` → a short text. Equal states give equal fingerprints."""

_ESCAPED = re.compile(r"\[([*?[])\]")
"""A character that ``glob.escape`` has kept from being magic."""
NOT_LISTED = frozenset({".durable", ".ipynb_checkpoints", "__pycache__"})
"""Folders that come and go beside a notebook without anybody asking for them."""


def state_of(aspect: Aspect, path: str, folder: str | None = None) -> State:
    """The present state of a path or glob.

    Args:
        aspect: What of it matters.
        path: Absolute, or relative to ``folder``.
        folder: The working directory by default.
    """
    return _STATES[aspect](path, folder or os.getcwd())


def state_text(state: State) -> str:
    """A state as text that is equal for equal states only."""
    return json.dumps(dict(state), sort_keys=True)


def _names(pattern: str, folder: str, *, hidden: bool = False) -> State:
    base, rest = _divided(pattern)
    found = glob.glob(rest, root_dir=os.path.join(folder, base), recursive=True, include_hidden=hidden)
    return {match: "" for match in sorted(found) if NOT_LISTED.isdisjoint(match.split(os.sep))}


def _divided(pattern: str) -> tuple[str, str]:
    """The folder at a pattern's beginning, as a path, and the rest, which has the magic."""
    parts = pattern.split(os.sep)
    count = next((n for n, part in enumerate(parts) if _has_magic(part)), len(parts) - 1)
    return os.sep.join(_plain(part) for part in [*parts[:count], ""]), os.sep.join(parts[count:])


def _has_magic(part: str) -> bool:
    return glob.has_magic(_ESCAPED.sub("", part))


def _plain(part: str) -> str:
    return _ESCAPED.sub(r"\1", part)


def _all_names(pattern: str, folder: str) -> State:
    return _names(pattern, folder, hidden=True)


def _list(path: str, folder: str, *, sizes: bool = False) -> State:
    try:
        with os.scandir(os.path.join(folder, path)) as entries:
            found = {e.name: _entry(e, sizes=sizes) for e in entries if e.name not in NOT_LISTED}
    except OSError as error:
        return {"": str(error.strerror)}
    return found


def _entry(entry: os.DirEntry[str], *, sizes: bool) -> str:
    if entry.is_dir():
        return "folder"
    try:
        return f"{entry.stat().st_size} bytes" if sizes else "file"
    except OSError:
        return "broken link"


def _sizes(path: str, folder: str) -> State:
    return _list(path, folder, sizes=True)


def _status(path: str, folder: str) -> os.stat_result | None:
    try:
        return os.stat(os.path.join(folder, path))
    except (OSError, ValueError):  # ValueError: a null byte, which no path has
        return None


def _kind(status: os.stat_result | None) -> str:
    if status is None:
        return "missing"
    if stat.S_ISREG(status.st_mode):
        return "file"
    return "folder" if stat.S_ISDIR(status.st_mode) else "special"


def _exists(path: str, folder: str) -> State:
    return {"kind": _kind(_status(path, folder))}


def _size(path: str, folder: str) -> State:
    status = _status(path, folder)
    found = {"kind": _kind(status)}
    if status is not None and found["kind"] == "file":
        found["bytes"] = str(status.st_size)
    return found


def _time(path: str, folder: str) -> State:
    status = _status(path, folder)
    changed = {"changed": str(status.st_mtime_ns)} if status is not None else {}
    return {**_size(path, folder), **changed}


def state_summary(state: State) -> str:
    """The state of one path for people: ``missing``, ``1,024 bytes``, ``changed 2026-11-01 12:00:00``."""
    if "changed" in state:
        changed = datetime.fromtimestamp(int(state["changed"]) / 1e9, UTC)
        return f"changed {changed.isoformat(' ', 'seconds')}"
    return f"{int(state['bytes']):,} bytes" if "bytes" in state else state["kind"]


_STATES: Mapping[Aspect, Callable[[str, str], State]] = {
    Aspect.NAMES: _names,
    Aspect.ALL_NAMES: _all_names,
    Aspect.LIST: _list,
    Aspect.SIZES: _sizes,
    Aspect.EXISTS: _exists,
    Aspect.SIZE: _size,
    Aspect.TIME: _time,
}

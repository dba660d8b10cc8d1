"""The identity of files: their content; size and times only save reading them again."""

from __future__ import annotations

import glob
import os
import threading
import time
from pathlib import Path

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import digest
from durable_nb.store.kept_files import content_fingerprint

_SETTLED_NS = 2_000_000_000
"""A file changed more recently could change again without a new time stamp: its hash is not kept."""
_Stamp = tuple[int, int, int]

_known: dict[str, tuple[_Stamp, str]] = {}
_lock = threading.Lock()


def stamp(path: str | os.PathLike[str]) -> _Stamp:
    """Modification time in ns, size in bytes and inode: equal stamps save a rehash.

    Raises:
        OSError: There is no such file.
    """
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino


def file_fingerprint(path: Path) -> str:
    """Fingerprint of a file's content, or of a folder's list of names.

    Raises:
        NotFingerprintableError: It is missing or cannot be read.
    """
    try:
        if path.is_dir():
            return digest("folder", *sorted(os.listdir(path)))
        now = stamp(path)
        with _lock:
            known = _known.get(str(path))
        if known is not None and known[0] == now:
            return known[1]
        found = content_fingerprint(path)
    except OSError as error:
        raise NotFingerprintableError(f"file {path}: {error.strerror}") from error
    if time.time_ns() - now[0] > _SETTLED_NS:
        with _lock:
            _known[str(path)] = (now, found)
    return found


def glob_fingerprint(pattern: str, folder: Path) -> str:
    """Fingerprint of the names and contents of all files that match a glob, ``**`` included."""
    matches = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    parts: list[str] = []
    for match in matches:
        if (folder / match).is_file():
            parts += [match, file_fingerprint(folder / match)]
    return digest("glob", *parts)

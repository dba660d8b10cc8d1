"""Files that are either whole or not there, and the one place where OSError becomes our own error."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from durable_nb.core.errors import StoreAccessError, StoreError, StoreFullError

STAGE_MARK = ".stage-"
"""Part of the name of every file that is not finished; one that is left over is garbage."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ACCESS = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENOENT,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}


def write_durably(path: Path, write: Callable[[BinaryIO], None], *, modified_at: float | None = None) -> int:
    """Write a file that survives power loss once this returns, and is whole whenever it is seen.

    Stages in the same folder, flushes, renames, then flushes the folder. A failure removes the stage.

    Args:
        path: The file; missing folders are made.
        write: Writes the content to the open stage file.
        modified_at: The file's modification time, in seconds since the epoch; now by default.

    Returns:
        The size in bytes.

    Raises:
        StoreFullError: No room on the disk, in the quota or under the file size limit.
        StoreAccessError: The folder cannot be written.
        StoreError: Anything else the operating system refused.
    """
    with translated(path):
        make_folder(path.parent)
        with _staged(path) as stage:
            size = _write_stage(stage, write, modified_at)
        sync_folder(path.parent)
    return size


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file that is whole whenever it is seen, and outlives this process, but perhaps no power loss.

    Args:
        path: The file; missing folders are made.
        write: Writes the content to the open stage file.

    Raises:
        StoreError: As from `write_durably`.
    """
    with translated(path):
        make_folder(path.parent)
        with _staged(path) as stage, _open_stage(stage) as file:
            write(file)


@contextlib.contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """Give a name in the same folder; the file made there becomes ``path``, or is removed after an error."""
    stage = path.with_name(f".{path.name[:100]}{STAGE_MARK}{os.getpid()}-{os.urandom(4).hex()}")
    try:
        yield stage
        stage.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            stage.unlink()
        raise


def _open_stage(stage: Path) -> BinaryIO:
    descriptor = os.open(stage, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    return os.fdopen(descriptor, "wb")


def _write_stage(stage: Path, write: Callable[[BinaryIO], None], modified_at: float | None) -> int:
    with _open_stage(stage) as file:
        write(file)
        file.flush()
        descriptor = file.fileno()
        if modified_at is not None:
            os.utime(descriptor, ns=(round(modified_at * 1e9),) * 2)
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size


def make_folder(folder: Path) -> None:
    """Make a folder and its parents so that they survive power loss.

    Raises:
        OSError: It cannot be made, or a file stands in its place.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder; a missing one is empty.

    Raises:
        StoreError: It cannot be read.
    """
    with translated(folder):
        try:
            with os.scandir(folder) as found:
                return list(found)
        except FileNotFoundError:
            return []


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses about ``path`` into an error of the store."""
    try:
        yield
    except OSError as error:
        raise store_error(error, path) from error


def store_error(error: OSError, path: Path) -> StoreError:
    """Return the error of the store that says what an OSError means and what to do."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return StoreFullError(
            f"No room to write {path}: {reason}. Nothing that was stored before is lost. "
            "Make room (df -h shows how much there is), then run again."
        )
    if error.errno in _ACCESS:
        culprit = error.filename or path
        return StoreAccessError(
            f"The store cannot use {culprit}: {reason}. A folder this user can write was expected. "
            "Mend it, or name another: export DURABLE_NB_STORE=FOLDER"
        )
    return StoreError(f"{path} could not be read or written: {reason}. Check the disk, then run again.")

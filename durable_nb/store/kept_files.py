"""Files that steps write: kept beside the values, put back where they are missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import xxhash

from durable_nb.core.errors import DamagedError, NotStorableError
from durable_nb.core.fingerprint import digest
from durable_nb.store.artifacts import Artifacts
from durable_nb.store.files import translated, write_durably

_CHUNK = 1 << 20


def content_fingerprint(path: Path) -> str:
    """Fingerprint of a file's content.

    Raises:
        OSError: It cannot be read.
    """
    hasher = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return digest("file", hasher.hexdigest())


def keep_file(artifacts: Artifacts, source: Path, fingerprint: str) -> int:
    """Store a file's content; once this returns it survives power loss.

    Args:
        artifacts: Where.
        source: The file.
        fingerprint: Of its content, as ``content_fingerprint`` gives it.

    Returns:
        The size of the artifact on disk, in bytes.

    Raises:
        NotStorableError: The file changed meanwhile, or cannot be read.
        StoreError: It could not be written.
    """
    from durable_nb.store.codecs.file_copies import write_copy  # with pyarrow, so only when a file is stored

    path = artifacts.path(fingerprint)
    if not _is_sound(artifacts, fingerprint):
        try:
            source_file = source.open("rb")
        except OSError as error:
            raise NotStorableError(f"{source} cannot be read: {error.strerror}") from error
        with source_file as file:
            write_durably(path, lambda sink: write_copy(_Checked(file, fingerprint), sink, fingerprint))
    with translated(path):
        return path.stat().st_size


def put_back(artifacts: Artifacts, fingerprint: str, target: Path) -> None:
    """Write a stored file's content to a path: whole, or not at all.

    Raises:
        DamagedError: The artifact is missing or damaged.
        StoreError: The path cannot be written.
    """
    try:
        write_durably(target, _writer(artifacts.path(fingerprint), fingerprint))
    except DamagedError:
        artifacts.set_aside(fingerprint)
        raise


def _writer(path: Path, fingerprint: str) -> Callable[[BinaryIO], None]:
    def write(sink: BinaryIO) -> None:
        from durable_nb.store.codecs.file_copies import read_copy

        hasher = xxhash.xxh3_128()
        for piece in read_copy(path):
            hasher.update(piece)
            sink.write(piece)
        found = digest("file", hasher.hexdigest())
        if found != fingerprint:
            raise DamagedError(
                f"{path} holds something else than what was stored: its fingerprint is {found}."
            )

    return write


def _is_sound(artifacts: Artifacts, fingerprint: str) -> bool:
    """Whether the store has the content already, whole as far as a look at the file's end tells."""
    try:
        artifacts.check(fingerprint)
    except DamagedError:
        return False
    return True


class _Checked:
    """A file that must turn out to have a fingerprint when it has been read to its end."""

    def __init__(self, file: BinaryIO, fingerprint: str) -> None:
        self._file = file
        self._fingerprint = fingerprint
        self._hasher = xxhash.xxh3_128()

    def read(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            NotStorableError: They were the last ones, and the content is another.
        """
        piece = self._file.read(size)
        self._hasher.update(piece)
        if not piece and digest("file", self._hasher.hexdigest()) != self._fingerprint:
            raise NotStorableError(f"{self._file.name} changed while it was stored")
        return piece

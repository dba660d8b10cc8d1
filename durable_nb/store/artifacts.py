"""Stored values: immutable Parquet files, each named by the fingerprint of its value."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import DamagedError, ValueNotDurableError
from durable_nb.store.files import translated, write_durably

if TYPE_CHECKING:
    from durable_nb.store.codecs import CodecContext

_NAME = re.compile(r"[0-9a-f]{32}")
_END = b"PAR1"
"""The last bytes of a Parquet file."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a value that was stored."""

    codec: str
    """Name of the codec that keeps it."""
    bytes: int
    """Size of the file on disk."""


class Artifacts:
    """The values under one folder: ``ab/ab12….parquet``.

    Args:
        folder: Made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._codecs: dict[str, tuple[str, tuple[int, int, int]]] = {}
        self._damaged: set[str] = set()

    def put(self, value: object, fingerprint: str, context: CodecContext) -> Stored:
        """Store a value; once this returns it survives power loss.

        A value that is there already is not written again, unless its file turned out to be damaged.

        Raises:
            NotStorableError: No codec keeps the value without loss.
            StoreError: It could not be written.
        """
        path = self.path(fingerprint)
        if stored := self._known(fingerprint, path):
            return stored
        from durable_nb.store.codecs import encode  # with pyarrow, so only when a value is stored

        encoded = encode(value, fingerprint, context)
        if not self._is_sound(fingerprint, path, context):
            write_durably(path, encoded.write)
            self._damaged.discard(fingerprint)
        state = _state(path)
        if state is not None:
            self._codecs[fingerprint] = (encoded.codec, state)
        return Stored(encoded.codec, state[1] if state else 0)

    def get(self, fingerprint: str, context: CodecContext) -> Any:
        """Return a stored value, proven to be the one that was stored.

        Raises:
            DamagedError: It is missing, truncated, altered or signed by somebody else.
            StoreError: It cannot be read.
        """
        path = self.path(fingerprint)
        try:
            value = _decoded(path, context)
            _check(value, fingerprint, path, context)
        except DamagedError:
            self._damaged.add(fingerprint)
            self._codecs.pop(fingerprint, None)
            raise
        return value

    def check(self, fingerprint: str) -> None:
        """See that a value's file is there and was not cut off, without reading it.

        Raises:
            DamagedError: It is missing or truncated, or turned out to be damaged before.
        """
        path = self.path(fingerprint)
        if fingerprint in self._damaged:
            raise DamagedError(f"The stored value {path} is damaged.")
        with translated(path):
            try:
                with path.open("rb") as file:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(0, size - len(_END)))
                    if file.read() != _END:
                        raise DamagedError(f"The stored value {path} is truncated or altered.")
            except FileNotFoundError:
                raise DamagedError(f"The stored value {path} is missing.") from None

    def set_aside(self, fingerprint: str) -> None:
        """Rename the file of a value that is damaged, so that no process relies on it again."""
        path = self.path(fingerprint)
        self._damaged.add(fingerprint)
        self._codecs.pop(fingerprint, None)
        with translated(path), contextlib.suppress(FileNotFoundError):
            path.rename(path.with_suffix(".damaged"))

    def path(self, fingerprint: str) -> Path:
        """Return the file of a value, whether or not it is there.

        Raises:
            DamagedError: What a trace gave is no fingerprint.
        """
        if not _NAME.fullmatch(fingerprint):
            raise DamagedError(f"{fingerprint!r} is no fingerprint; 32 hexadecimal digits were expected.")
        return self.folder / fingerprint[:2] / f"{fingerprint}.parquet"

    def exists(self, fingerprint: str) -> bool:
        """Return whether there is a file for a value, and none of its damage is known."""
        return fingerprint not in self._damaged and self.path(fingerprint).exists()

    def all(self) -> Iterator[str]:
        """Yield the fingerprint of every stored value."""
        with translated(self.folder):
            for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*.parquet")):
                if _NAME.fullmatch(path.stem):
                    yield path.stem

    def _is_sound(self, fingerprint: str, path: Path, context: CodecContext) -> bool:
        """Whether an earlier process left the value whole: a new step must not rely on a file that rotted."""
        if fingerprint in self._damaged or not path.exists():
            return False
        try:
            self.get(fingerprint, context)
        except DamagedError:
            return False
        return True

    def _known(self, fingerprint: str, path: Path) -> Stored | None:
        """Return what this process stored before, if its file is still the same."""
        codec, state = self._codecs.get(fingerprint, ("", None))
        if state is None or state != _state(path):
            return None
        return Stored(codec, state[1])


def _decoded(path: Path, context: CodecContext) -> Any:
    from durable_nb.store.codecs import decode

    with translated(path):
        if not path.exists():
            raise DamagedError(f"The stored value {path} is missing.")
        return decode(path, context)


def _check(value: object, fingerprint: str, path: Path, context: CodecContext) -> None:
    from durable_nb.core.fingerprint import fingerprint as fingerprint_of  # with all kinds of values

    try:
        found = fingerprint_of(value, of_code=context.of_code)
    except ValueNotDurableError as error:
        raise DamagedError(f"{path} holds something else than what was stored: {error}") from error
    if found != fingerprint:
        raise DamagedError(f"{path} holds something else than what was stored: its fingerprint is {found}.")


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns

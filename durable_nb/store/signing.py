"""The user's key, with which pickles are signed: a pickle of anyone else is never loaded."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

from durable_nb.core.errors import StoreAccessError, StoreError
from durable_nb.store.files import STAGE_MARK, make_folder, sync_folder, translated

VARIABLE = "DURABLE_NB_KEY_FILE"
LENGTH = 32
"""Of the key, in bytes."""


def user_key() -> bytes:
    """Return this user's 32 secret bytes; made once, readable by this user alone.

    ``DURABLE_NB_KEY_FILE`` names another file: 32 bytes, or 64 hexadecimal digits. It is made if missing.

    Raises:
        StoreAccessError: The file cannot be made or read.
        StoreError: The file holds no key.
    """
    return _key(key_file())


def key_file() -> Path:
    """Return the file that holds, or will hold, the key."""
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("durable_nb", appauthor=False)) / "signing.key"


@functools.lru_cache(maxsize=4)
def _key(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        content = path.read_bytes()
    except OSError as error:
        raise StoreAccessError(
            f"The signing key {path} cannot be used: {error.strerror or error}. It signs stored pickles. "
            f"Mend it, or name another file: export {VARIABLE}=FILE"
        ) from error
    return _parsed(content, path)


def _make(path: Path) -> None:
    """Make the key; when two processes do so at once, both use the one that was first."""
    with translated(path):
        make_folder(path.parent)
        stage = path.with_name(f".{path.name}{STAGE_MARK}{os.getpid()}-{os.urandom(4).hex()}")
        descriptor = os.open(stage, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(LENGTH))
                file.flush()
                os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(stage)
        finally:
            stage.unlink()
        sync_folder(path.parent)


def _parsed(content: bytes, path: Path) -> bytes:
    if len(content) == LENGTH:
        return content
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(content.decode("ascii", "replace").strip())
        if len(key) == LENGTH:
            return key
    raise StoreError(
        f"{path} holds {len(content)} bytes and no key; {LENGTH} bytes or {2 * LENGTH} hexadecimal digits "
        "were expected. Move it away to get a new one; steps stored as pickles then execute again."
    )

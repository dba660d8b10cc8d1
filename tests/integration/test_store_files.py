"""Files are whole or not there; what the operating system refuses becomes an error of ours."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from durable_nb.core.errors import StoreAccessError, StoreError, StoreFullError
from durable_nb.store.files import store_error, write_durably
from durable_nb.store.signing import user_key


def test_write(tmp_path: Path) -> None:
    """The file has its content, its size is returned, and nothing else is left."""
    path = tmp_path / "a" / "b" / "file"

    size = write_durably(path, lambda file: file.write(b"content"), modified_at=1_700_000_000.5)

    assert (path.read_bytes(), size, path.stat().st_mtime) == (b"content", 7, 1_700_000_000.5)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_failure_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    """A write that fails half way changes nothing and leaves no stage behind."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise error

    with pytest.raises((StoreFullError, KeyboardInterrupt)):
        write_durably(path, write)

    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    """The culprit is named."""
    (tmp_path / "store").write_text("")

    with pytest.raises(StoreAccessError, match="store"):
        write_durably(tmp_path / "store" / "artifacts" / "x", lambda file: file.write(b""))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StoreFullError),
        (errno.EDQUOT, StoreFullError),
        (errno.EFBIG, StoreFullError),
        (errno.EACCES, StoreAccessError),
        (errno.EROFS, StoreAccessError),
        (errno.EIO, StoreError),
    ],
)
def test_what_an_oserror_means(number: int, expected: type[StoreError]) -> None:
    """Each has one meaning and says what to do."""
    error = store_error(OSError(number, os.strerror(number)), Path("/x"))

    assert type(error) is expected
    assert os.strerror(number) in str(error)


def test_key_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is 32 bytes that only this user can read, and stays the same."""
    path = tmp_path / "keys" / "key"
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(path))

    key = user_key()

    assert (len(key), path.read_bytes()) == (32, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_processes_agree_on_the_key(tmp_path: Path) -> None:
    """Processes that need a key at once, before there is any, all get the same."""
    code = "from durable_nb.store.signing import user_key; print(user_key().hex())"
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    environment.pop("DURABLE_NB_KEY_FILE", None)
    command = [sys.executable, "-c", code]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(4)]

    keys = {process.communicate()[0] for process in processes}

    assert len(keys) == 1
    assert len(bytes.fromhex(keys.pop().decode())) == 32


@pytest.mark.parametrize("content", [bytes(range(32)), bytes(range(32)).hex().encode() + b"\n"])
def test_key_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """A key may be 32 bytes or their hexadecimal digits."""
    path = tmp_path / "key"
    path.write_bytes(content)
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(path))

    assert user_key() == bytes(range(32))


def test_a_file_that_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A truncated key is an error: to use it would make signatures weak."""
    path = tmp_path / "key"
    path.write_bytes(b"short")
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(path))

    with pytest.raises(StoreError, match="5 bytes"):
        user_key()


def test_a_key_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file and the variable that moves it."""
    (tmp_path / "data").write_text("")
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(tmp_path / "data" / "key"))

    with pytest.raises(StoreAccessError, match="DURABLE_NB_"):
        user_key()

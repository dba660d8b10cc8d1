"""Files in the store: the same bytes come back, or it is said that they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_nb.core.errors import DamagedError, NotStorableError
from durable_nb.store.artifacts import Artifacts
from durable_nb.store.codecs.file_copies import PIECE, read_copy
from durable_nb.store.kept_files import content_fingerprint, keep_file, put_back


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


@pytest.mark.parametrize("size", [0, 1, PIECE, 2 * PIECE + 1])
def test_a_file_comes_back(artifacts: Artifacts, tmp_path: Path, size: int) -> None:
    """An empty one too, and one of several pieces."""
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    source.write_bytes(bytes(range(251)) * (size // 251) + b"x" * (size % 251))
    fingerprint = content_fingerprint(source)

    keep_file(artifacts, source, fingerprint)
    put_back(artifacts, fingerprint, target)

    assert source.read_bytes() == target.read_bytes()
    assert [fingerprint] == list(artifacts.all())
    assert -(-size // PIECE) == sum(1 for _ in read_copy(artifacts.path(fingerprint)))


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_damaged_copy_is_never_put_back(artifacts: Artifacts, tmp_path: Path, at: float) -> None:
    """The target stays as it is; the next time the file is kept, it is whole again."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content" * 1000)
    target.write_text("as it was")
    fingerprint = content_fingerprint(source)
    keep_file(artifacts, source, fingerprint)
    path = artifacts.path(fingerprint)
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(DamagedError):
        put_back(artifacts, fingerprint, target)

    assert "as it was" == target.read_text()
    keep_file(artifacts, source, fingerprint)
    put_back(artifacts, fingerprint, target)
    assert source.read_bytes() == target.read_bytes()


def test_a_file_that_changed_meanwhile_is_not_kept(artifacts: Artifacts, tmp_path: Path) -> None:
    """The store never holds content under another's name."""
    source = tmp_path / "source"
    source.write_text("before")
    fingerprint = content_fingerprint(source)
    source.write_text("after")

    with pytest.raises(NotStorableError, match="changed while it was stored"):
        keep_file(artifacts, source, fingerprint)

    assert [] == list(artifacts.all())

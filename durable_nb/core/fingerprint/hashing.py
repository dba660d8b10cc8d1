"""The hash itself: typed, length-prefixed parts into XXH3-128."""

from __future__ import annotations

from typing import Any

import xxhash


def length(number: int) -> bytes:
    """A non-negative number as eight bytes, the prefix of everything of variable size."""
    return number.to_bytes(8, "little")


class Stream:
    """Bytes on their way into one digest: small pieces are gathered, large ones are hashed where they lie."""

    __slots__ = ("_hash", "pending")

    def __init__(self) -> None:
        self.pending = bytearray()
        self._hash: xxhash.xxh3_128 | None = None

    def flush(self) -> xxhash.xxh3_128:
        """Hash what was gathered so far; ``pending`` stays the same object."""
        if self._hash is None:
            self._hash = xxhash.xxh3_128()
        self._hash.update(self.pending)
        self.pending.clear()
        return self._hash

    def raw(self, data: Any) -> None:
        """Add a contiguous buffer without a copy; its size must be fixed by what was added before."""
        self.flush().update(data)

    def digest(self) -> bytes:
        """The sixteen bytes of everything added."""
        if self._hash is None:
            return xxhash.xxh3_128_digest(self.pending)
        return self.flush().digest()


def digest(*parts: bytes | str) -> str:
    """Digest of an ordered list of parts, as 32 hexadecimal characters.

    A text differs from its bytes, and ``("ab", "c")`` from ``("a", "bc")``.
    """
    gathered = bytearray(b"durable_nb parts 1")
    for part in parts:
        if isinstance(part, str):
            data, tag = part.encode("utf-8", "surrogatepass"), b"s"
        else:
            data, tag = bytes(part), b"b"
        gathered += tag + length(len(data)) + data
    return xxhash.xxh3_128_hexdigest(gathered)

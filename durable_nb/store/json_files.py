"""Small JSON files, each with a digest of what was written, so that what was altered is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from durable_nb.core.errors import DamagedError, StoreVersionError
from durable_nb.store.files import store_error, write_durably


class JsonFiles:
    """Reads and writes files of one kind.

    Args:
        format_number: Of the layout that is written; what has a higher one cannot be read.
        what: The kind, in words for messages.
        digest_name: The field that holds the digest.
    """

    def __init__(self, format_number: int, what: str, digest_name: str) -> None:
        self._format = format_number
        self._what = what
        self._digest_name = digest_name

    def content(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be written of some fields: with format and digest, and lists for tuples."""
        # JSON has lists only; what is written must be what is read.
        content: dict[str, Any] = json.loads(json.dumps({"format": self._format, **fields}))
        return content | {self._digest_name: self._digest(content)}

    def write(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write a file; once this returns it survives power loss.

        Raises:
            StoreError: It could not be written.
        """
        text = json.dumps(content, indent=1).encode()

        def write(file: BinaryIO) -> None:
            file.write(text)

        write_durably(path, write)

    def read(self, path: Path) -> dict[str, Any]:
        """Read a file.

        Raises:
            FileNotFoundError: There is none.
            DamagedError: It is truncated, altered or something else.
            StoreVersionError: It was written by a newer durable_nb.
            StoreError: It cannot be read.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise store_error(error, path) from error
        except ValueError as error:
            raise DamagedError(f"{path}: {self._what} that is truncated or altered") from error
        if not isinstance(content, dict):
            raise DamagedError(f"{path}: not {self._what}")
        if isinstance(content.get("format"), int) and content["format"] > self._format:
            raise StoreVersionError(
                f"{path}: {self._what} of format {content['format']}, this durable_nb knows formats up to "
                f"{self._format}. Upgrade: pip install --upgrade durable_nb"
            )
        if content.get(self._digest_name) != self._digest(content):
            raise DamagedError(f"{path}: {self._what} that is not as it was written")
        return content

    def _digest(self, content: Mapping[str, Any]) -> str:
        text = json.dumps({name: content[name] for name in sorted(content) if name != self._digest_name})
        return xxhash.xxh3_128_hexdigest(text.encode())

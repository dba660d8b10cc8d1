"""Events on their way to the ledger: small files, brought into it by whoever opens it next.

To write one takes no lock: a process can stop in the middle of it, for hours or for ever, and nobody waits.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import xxhash

from durable_nb.core.errors import DamagedError, DurableWarning, StoreVersionError
from durable_nb.core.event_message import as_json, from_message
from durable_nb.core.model import StepEvent, Trace
from durable_nb.store.files import entries, store_error, translated, write_durably, write_whole
from durable_nb.store.ledger_rows import readable

FORMAT = 1
"""Number of the layout of these files: one line with the digest of the rest, which is JSON."""

_HEAD = b"durable_nb events %d "
_SUFFIX = ".json"


class Spool:
    """The files of one store: ``<nanoseconds since the epoch>-<pid>.json``, in the order of their names.

    Args:
        folder: Made at the first write.
        find_trace: Gives a trace of a step by its id, or None: an event names its trace, which is stored.
    """

    def __init__(
        self, folder: Path, find_trace: Callable[[str, str], Trace | None] = lambda *_: None
    ) -> None:
        self.folder = folder
        self._find_trace = find_trace
        self._last = 0

    def add(self, events: Sequence[StepEvent], *, durably: bool) -> None:
        """Write events to a file of their own.

        Args:
            events: In their order.
            durably: Whether they are to survive power loss once this returns, not only this process.

        Raises:
            StoreError: It could not be written.
        """
        body = json.dumps([_content(event) for event in events], default=readable).encode()
        head = _HEAD % FORMAT + xxhash.xxh3_128_hexdigest(body).encode() + b"\n"

        def write(file: BinaryIO) -> None:
            file.write(head + body)

        self._last = max(self._last + 1, time.time_ns())
        path = self.folder / f"{self._last:020}-{os.getpid()}{_SUFFIX}"
        (write_durably if durably else write_whole)(path, write)

    def files(self) -> list[Path]:
        """Return the files, oldest first.

        Raises:
            StoreError: The folder cannot be read.
        """
        found = (entry for entry in entries(self.folder) if entry.name.endswith(_SUFFIX))
        return sorted(Path(entry.path) for entry in found if not entry.name.startswith("."))

    def read(self, path: Path) -> list[StepEvent]:
        """Return the events of a file; none if it is gone, or damaged, which is warned of.

        Raises:
            StoreVersionError: A newer durable_nb wrote it.
            StoreError: It cannot be read.
        """
        try:
            return [self._event(item) for item in _body(path.read_bytes())]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise store_error(error, path) from error
        except StoreVersionError as error:
            raise StoreVersionError(f"{path}: {error}") from error
        except (DamagedError, ValueError, KeyError, TypeError) as error:
            self.set_aside(path, error)
            return []

    def set_aside(self, path: Path, why: Exception) -> None:
        """Keep a file that cannot be brought into the ledger for people to look at; warns."""
        kept = path.with_name(f"{path.name}.damaged")
        with translated(path):
            path.rename(kept)
        warnings.warn(
            f"The ledger lacks some events: {kept} cannot be used ({why}). Completed steps are not "
            "concerned, they are known from their traces.",
            DurableWarning,
            stacklevel=2,
        )

    def remove(self, paths: Sequence[Path]) -> None:
        """Remove files whose events are in the ledger.

        Raises:
            StoreError: One cannot be removed.
        """
        for path in paths:
            with translated(path):
                path.unlink(missing_ok=True)

    def _event(self, item: dict[str, Any]) -> StepEvent:
        event, trace_id = from_message(item), item["trace"]
        return dataclasses.replace(event, trace=self._find_trace(event.step, trace_id)) if trace_id else event


def _content(event: StepEvent) -> dict[str, Any]:
    return as_json(event) | {"trace": event.trace.trace_id if event.trace is not None else None}


def _body(content: bytes) -> list[dict[str, Any]]:
    head, _, body = content.partition(b"\n")
    words = head.split(b" ")
    if len(words) != 4 or words[:2] != _HEAD.split(b" ")[:2] or not words[2].isdigit():
        raise DamagedError("it holds no events")
    if int(words[2]) > FORMAT:
        raise StoreVersionError(
            f"it has format {int(words[2])}, this durable_nb knows formats up to {FORMAT}. "
            "Upgrade: pip install --upgrade durable_nb"
        )
    if xxhash.xxh3_128_hexdigest(body).encode() != words[3]:
        raise DamagedError("it is truncated or altered")
    items: list[dict[str, Any]] = json.loads(body)
    return items

"""Files that have been closed, as ``with open(…) as file`` leaves them: what is left to be asked of one."""

from __future__ import annotations

import io
from typing import Any

from durable_nb.core.fingerprint.objects import instance
from durable_nb.core.fingerprint.walker import EXACT, Obstacle, Walker, type_name

CLOSED_FILES = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO)
IN_MEMORY = (io.StringIO, io.BytesIO)
"""Their content counts while they are open."""


def description(file: Any) -> tuple[object, ...]:
    """Everything that a closed file still tells: name, mode, encoding, what to do with wrong characters."""
    return file.name, file.mode, getattr(file, "encoding", None), getattr(file, "errors", None)


def _closed(walker: Walker, value: Any) -> None:
    if not value.closed:
        raise Obstacle(type_name(type(value)))
    if walker.first(value):
        walker.tag(type_name(type(value)))
        walker.walk(description(value))


def _in_memory(walker: Walker, value: Any) -> None:
    if not value.closed:
        instance(walker, value)
    elif walker.first(value):
        walker.tag(f"closed {type_name(type(value))}")


EXACT.update(dict.fromkeys(IN_MEMORY, _in_memory))
EXACT.update(dict.fromkeys(CLOSED_FILES, _closed))

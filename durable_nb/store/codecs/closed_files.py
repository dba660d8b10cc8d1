"""Closed files in a pickle: an open one is no value, a closed one must not keep a step from being kept."""

from __future__ import annotations

import io
import os
from typing import Any

from durable_nb.core.fingerprint.files import CLOSED_FILES, IN_MEMORY, description


def reduced(value: Any) -> Any:
    """How a closed file is taken apart; None for anything else."""
    if type(value) in IN_MEMORY and value.closed:
        return make_closed_in_memory, (type(value),)
    if type(value) not in CLOSED_FILES or not value.closed:
        return None
    return make_closed, (type(value), *description(value))


def make_closed(kind: Any, name: object, mode: str, encoding: str | None, errors: str | None) -> Any:
    """A closed file that tells the same; no file of that name needs to be there."""
    raw = io.FileIO(os.devnull, mode.replace("b", "").replace("t", "").replace("x", "w"))
    raw.name = name
    file: Any = raw
    if kind is io.TextIOWrapper:
        buffered = (
            io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
        )
        file = io.TextIOWrapper(buffered(raw), encoding=encoding, errors=errors)
        file.mode = mode
    elif kind is not io.FileIO:
        file = kind(raw)
    file.close()
    return file


def make_closed_in_memory(kind: Any) -> Any:
    """A closed file that was never on a disk."""
    file = kind()
    file.close()
    return file

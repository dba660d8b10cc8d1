"""What a notebook file says of a step: how it stood when the file was written, for who opens it later."""

from __future__ import annotations

from zlib import crc32

from durable_nb.core.model import Json, State

SNAPSHOT = "durable_nb"
"""Key of a cell's metadata under which it stands. A front end writes the same: step, state, seconds, at (when
that was, in seconds since the epoch), digest."""


def source_digest(source: str) -> str:
    """What tells whether a cell was edited since: eight hexadecimal digits.

    It is the CRC-32 of the text in UTF-8, without white space at its end: a front end can make it, too.
    """
    return f"{crc32(source.rstrip().encode('utf-8', 'surrogatepass')):08x}"


def snapshot(step: str, state: State, source: str, **facts: Json) -> dict[str, Json]:
    """The snapshot of a step.

    Args:
        step: Its name.
        state: How it stands.
        source: Its cell, as the file has it.
        facts: ``seconds`` and ``at``, as far as they are known.
    """
    return {"step": step, "state": state.value, **facts, "digest": source_digest(source)}

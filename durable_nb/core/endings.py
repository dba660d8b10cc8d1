"""Cells that run at the end of a batch run: ``%%on_failure`` or ``# on_failure:``, and for success."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum

from durable_nb.core.cells import find_marker_line
from durable_nb.core.model import Json, State

_MAGIC = re.compile(r"%%on_(failure|success)(?:\s[^\n]*)?")
_COMMENT = re.compile(r"#\s*on_(failure|success):[^\n]*")


class Ending(StrEnum):
    """Which end of a run a cell waits for; its value is also the variable that holds the outcome."""

    FAILURE = "failure"
    """Some cell did not do what it should: it failed, its kernel died too often, or a person must decide."""
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class EndingMarker:
    """Where a cell says that it runs at the end."""

    ending: Ending
    line: int
    """Index of the marker's line in the cell; the first line is 0."""
    magic: bool
    """Whether it is the ``%%`` form, which Python cannot parse."""


def find_ending(source: str) -> EndingMarker | None:
    """The marker of a cell that runs at the end; only comments and blank lines may stand above it."""
    found = find_marker_line(source, _MAGIC, _COMMENT)
    if found is None:
        return None
    match, line = found
    return EndingMarker(Ending(match[1]), line, magic=match.re is _MAGIC)


def comment_out_ending(source: str) -> str:
    """The cell with a ``%%on_failure`` line made a comment, so that Python can parse it."""
    marker = find_ending(source)
    if marker is None or not marker.magic:
        return source
    lines = source.splitlines(keepends=True)
    lines[marker.line] = lines[marker.line].replace("%%", "# ", 1)
    return "".join(lines)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch run ended: what ``failure`` and ``success`` are in those cells, and what a hook is told."""

    run_id: str
    state: State
    """``completed``, ``failed``, ``interrupted`` (its kernel died too often), …"""
    notebook: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    output: str = ""
    """Where the executed notebook goes."""
    step: str = ""
    """The first step that failed; empty where it was a plain cell, or none."""
    cell: int = 0
    """Number of the first cell that failed, from 1; 0 for none."""
    error_type: str = ""
    error_message: str = ""
    traceback: str = ""
    failed: tuple[str, ...] = ()
    """All steps and cells that failed."""
    blocked: tuple[str, ...] = ()
    """Those that were not run because they need what a failed one would have made."""

    def __str__(self) -> str:
        """A few lines that can be sent to people as they are."""
        lines = [f"Run {self.run_id} of {self.notebook or 'a notebook'}: {self.state}"]
        if self.cell:
            where = f"step {self.step} (cell {self.cell})" if self.step else f"cell {self.cell}"
            lines.append(f"{where}: {self.error}")
        elif self.error_type:
            lines.append(self.error)
        lines.extend(
            f"{word}: {', '.join(names)}"
            for word, names in (("failed", self.failed), ("blocked", self.blocked))
            if len(names) > (word == "failed")
        )
        return "\n".join(lines)

    @property
    def error(self) -> str:
        """Type and message of the error."""
        return ": ".join(part for part in (self.error_type, self.error_message) if part)

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        values: dict[str, Json] = asdict(self)
        return values | {"state": self.state.value, "failed": [*self.failed], "blocked": [*self.blocked]}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> Outcome:
        """What `as_json` has made; names of a later version are left out."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        for name in ("failed", "blocked"):
            found = known.get(name)
            known[name] = tuple(found) if isinstance(found, list) else ()  # type: ignore[assignment]
        known["state"] = State(str(known["state"]))
        return cls(**known)  # type: ignore[arg-type]

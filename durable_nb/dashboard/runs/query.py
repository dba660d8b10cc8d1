"""What a person asks of the table of runs, as a front end sends it: checked, completed, made into SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json, State

LARGEST_PAGE = 200
_SIZE = 50
_SORTS = {
    "started_at": "coalesce(r.resumed_at, r.started_at)",
    "seconds": "r.finished_at - coalesce(r.resumed_at, r.started_at)",
    "state": "r.state",
    "notebook": "r.notebook",
}
_NOT_IN_PATHS = re.compile(r"[^\w .-]")
Condition = tuple[str, list[Any]]
"""SQL with question marks, and what stands for them."""


@dataclass(frozen=True, slots=True)
class RunsQuery:
    """Which runs, in which order, which page of them."""

    states: tuple[str, ...] = ()
    notebook: str = ""
    """A part of its path."""
    parameter: str = ""
    """``day=2026``: its value begins like this; ``day``: it was given."""
    tag: str = ""
    """The same of a tag."""
    since: float | None = None
    """Only runs begun or resumed since then, in seconds since the epoch."""
    text: str = ""
    """Part of an error, of the run or of any attempt in it, or of the run's id."""
    sort: str = "started_at"
    descending: bool = True
    page: int = 1
    """From 1."""
    size: int = _SIZE
    interactive: bool = False
    """Whether the runs of notebooks' own kernels are wanted too."""

    def as_json(self) -> dict[str, Json]:
        """As a front end sends it back."""
        return {
            "states": list(self.states),
            "notebook": self.notebook,
            "parameter": self.parameter,
            "tag": self.tag,
            "since": self.since,
            "text": self.text,
            "sort": self.sort,
            "descending": self.descending,
            "page": self.page,
            "size": self.size,
            "interactive": self.interactive,
        }

    def conditions(self, *, states: bool = True) -> Condition:
        """What stands behind ``where``.

        Args:
            states: Whether to choose by state too.
        """
        parts = [*self._parts(), *(self._of_states() if states else ())]
        return " and ".join(sql for sql, _ in parts) or "true", [value for _, all_ in parts for value in all_]

    def order(self) -> str:
        """What stands behind ``order by``."""
        way = "desc" if self.descending else "asc"
        return f"{_SORTS[self.sort]} {way} nulls last, r.run_id {way}"

    def _of_states(self) -> Iterator[Condition]:
        if self.states:
            yield "list_contains(?::varchar[], r.state)", [list(self.states)]

    def _parts(self) -> Iterator[Condition]:
        if not self.interactive:
            yield "r.engine <> 'interactive'", []
        if self.notebook:
            yield "contains(lower(r.notebook), lower(?))", [self.notebook]
        for column, asked in (("parameters", self.parameter), ("tags", self.tag)):
            if asked:
                yield _named(column, asked)
        if self.since is not None:
            yield "coalesce(r.resumed_at, r.started_at) >= make_timestamp(?)", [int(self.since * 1e6)]
        if self.text:
            yield _TEXT, [self.text] * 4


def _named(column: str, asked: str) -> Condition:
    """Runs with a parameter or tag: ``name=beginning of its value``, or only ``name``."""
    name, equals, value = (part.strip() for part in asked.partition("="))
    path = '$."' + _NOT_IN_PATHS.sub("", name) + '"'
    if not equals:
        return f"json_exists(r.{column}, ?)", [path]
    return f"starts_with(lower(json_extract_string(r.{column}, ?)), lower(?))", [path, value]


_TEXT = """(contains(lower(r.error_message), lower(?)) or contains(lower(r.error_type), lower(?))
    or starts_with(r.run_id, ?) or r.run_id in (
        select a.run_id from attempts a where a.error_message is not null
        and contains(lower(concat(a.error_type, ': ', a.error_message)), lower(?))))"""


def read_query(asked: Mapping[str, Any]) -> RunsQuery:
    """The query that a front end sends; what it leaves out is as ever.

    Raises:
        UsageError: Something in it cannot be understood.
    """
    made = RunsQuery(
        states=tuple(str(state) for state in asked.get("states") or ()),
        **{name: str(asked.get(name) or "").strip() for name in ("notebook", "parameter", "tag", "text")},
        since=_number(asked, "since"),
        sort=str(asked.get("sort") or "started_at"),
        descending=bool(asked.get("descending", True)),
        page=max(1, int(_number(asked, "page") or 1)),
        size=min(LARGEST_PAGE, max(1, int(_number(asked, "size") or _SIZE))),
        interactive=bool(asked.get("interactive", False)),
    )
    known = {state.value for state in State}
    if made.sort not in _SORTS or not set(made.states) <= known:
        found = made.sort if made.sort not in _SORTS else ", ".join(set(made.states) - known)
        raise UsageError(f"runs: found {found!r}, expected one of {', '.join([*_SORTS, *sorted(known)])}")
    return made


def _number(asked: Mapping[str, Any], name: str) -> float | None:
    value = asked.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"runs: found {name} {value!r}, expected a number")
    return float(value)


NOTHING_ASKED = RunsQuery()
"""All batch runs, the newest first."""

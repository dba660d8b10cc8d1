"""What may be typed in the marker of a step, at a cursor."""

from __future__ import annotations

import builtins
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

from durable_nb.core.analysis import analyse
from durable_nb.core.cells import comment_out, find_marker, parse_loosely
from durable_nb.core.marker_cursor import Cursor, Expects
from durable_nb.core.option_help import OPTION_HELP, OptionHelp, Value
from durable_nb.core.step_names import suggest_step_name
from durable_nb.kernel.assisting.steps_here import free_names, step_names
from durable_nb.kernel.session import Session

_UNITS = ("s", "m", "h", "d")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Candidate(NamedTuple):
    """Something that may be typed."""

    text: str
    type: str
    """The kind of it, for people: ``option``, ``step``, …"""
    about: str = ""
    """What it is, in a line."""


def candidates_at(session: Session, source: str, cursor: Cursor) -> list[Candidate]:
    """What may stand at a cursor in a marker and begins as it is typed there, the likeliest first."""
    found: list[Candidate] = []
    if cursor.expects is Expects.NAME:
        found = _fitting(_names(session, source), cursor)
    elif cursor.expects is Expects.VALUE and cursor.option is not None:
        find = _VALUES[cursor.option.value]
        found = _fitting(find(_Values(session, source, cursor.option, cursor)), cursor)
    is_option = cursor.expects is Expects.OPTION or (cursor.expects is Expects.NAME and not cursor.typed)
    return [*found, *_options(cursor)] if is_option else found


def _fitting(found: Iterable[Candidate], cursor: Cursor) -> list[Candidate]:
    """Each once; a path may be in quotes that are not typed yet."""
    fitting = {c.text: c for c in found if c.text.lstrip("'").startswith(cursor.typed)}
    return [candidate for text, candidate in fitting.items() if text not in cursor.named]


def _options(cursor: Cursor) -> list[Candidate]:
    """The options that may still be given; those may be again that add up."""
    return [
        Candidate(name, "option", f"{option.form}: {option.text}")
        for name, option in OPTION_HELP.items()
        if name.startswith(cursor.typed) or name.lstrip("-").startswith(cursor.typed)
        if name not in cursor.given or option.value.adds_up
    ]


def _names(session: Session, source: str) -> Iterator[Candidate]:
    """Names for the step of this cell."""
    suggested = suggest_step_name(source, step_names(session))
    yield Candidate(suggested, "step", "from what the cell does")
    yield from (Candidate(name, "step", "has run in this notebook") for name in free_names(session))


@dataclass(frozen=True, slots=True)
class _Values:
    """The values that an option may have in a cell."""

    session: Session
    source: str
    option: OptionHelp
    cursor: Cursor

    def none(self) -> Iterator[Candidate]:
        yield from ()

    def often_meant(self) -> Iterator[Candidate]:
        kind = "duration" if self.option.value is Value.DURATION else "number"
        if kind == "duration" and _NUMBER.fullmatch(self.cursor.typed):
            yield from (Candidate(self.cursor.typed + unit, kind) for unit in _UNITS)
        yield from (Candidate(value, kind) for value in self.option.values)

    def variables(self) -> Iterator[Candidate]:
        """Names in the cell first, then all others of the notebook."""
        marker = find_marker(self.source)
        names = analyse(parse_loosely(comment_out(self.source, marker) if marker else self.source))
        known = self._plain_variables()
        here = {name for name in known if name in names.reads | names.mentioned} | names.writes
        yield from (Candidate(name, "variable", "in this cell") for name in sorted(here))
        yield from (Candidate(name, "variable") for name in known)

    def _plain_variables(self) -> list[str]:
        """The notebook's variables without modules and without what is meant to be hidden."""
        namespace = self.session.namespace
        names = [name for name in sorted(namespace.names()) if not name.startswith("_")]
        return [name for name in names if not isinstance(namespace.values.get(name), ModuleType)]

    def environment(self) -> Iterator[Candidate]:
        """Only the names: a value may be a secret."""
        yield from (Candidate(name, "environment") for name in sorted(os.environ))

    def steps(self) -> Iterator[Candidate]:
        yield from (Candidate(name, "step") for name in step_names(self.session, above=self.source))

    def errors(self) -> Iterator[Candidate]:
        """Classes in the namespace, in a module that is named with a dot, and built in."""
        prefix, dot, _ = self.cursor.typed.rpartition(".")
        values = self.session.namespace.values
        if dot:
            found = _error_classes(_members(values, prefix))
            yield from (Candidate(f"{prefix}.{name}", "class") for name in found)
            return
        yield from (Candidate(name, "class", "of this notebook") for name in _error_classes(values))
        yield from (Candidate(name, "class") for name in _error_classes(vars(builtins)))

    def paths(self) -> Iterator[Candidate]:
        """Files and folders that go on as it is typed; quoted where a marker needs that."""
        folder, slash, begun = self.cursor.typed.rpartition("/")
        try:
            entries = sorted(os.scandir(folder or slash or "."), key=lambda entry: entry.name)
        except OSError:
            return  # there is no such folder, or it cannot be read: a path may be typed all the same
        for entry in entries:
            if not entry.name.startswith(".") or begun.startswith("."):
                kind = "folder" if entry.is_dir() else "file"
                path = folder + slash + entry.name + ("/" if kind == "folder" else "")
                yield Candidate(path if self.cursor.quoted else shlex.quote(path), kind)


def _members(values: Mapping[str, object], path: str) -> Mapping[str, object]:
    """What a module has that is named in the notebook by a dotted path; nothing where it is no module."""
    name, *rest = path.split(".")
    found = values.get(name)
    for part in rest:
        found = vars(found).get(part) if isinstance(found, ModuleType) else None
    return vars(found) if isinstance(found, ModuleType) else {}


def _error_classes(values: Mapping[str, object]) -> list[str]:
    return sorted(
        name
        for name, value in list(values.items())
        if isinstance(value, type) and issubclass(value, Exception) and not name.startswith("_")
    )


_VALUES: Mapping[Value, Callable[[_Values], Iterator[Candidate]]] = {
    Value.NOTHING: _Values.none,
    Value.TEXT: _Values.none,
    Value.DURATION: _Values.often_meant,
    Value.COUNT: _Values.often_meant,
    Value.FACTOR: _Values.often_meant,
    Value.NAMES: _Values.variables,
    Value.VARIABLES: _Values.environment,
    Value.STEPS: _Values.steps,
    Value.ERRORS: _Values.errors,
    Value.GLOB: _Values.paths,
}

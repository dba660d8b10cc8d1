"""What a trace keeps of a dependency so that a later difference can be told: bounded JSON.

A detail never decides anything: fingerprints do. It may be missing, shortened, or written by another version.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import xxhash

from durable_nb.core.cells import parse_loosely
from durable_nb.core.model import Dependency
from durable_nb.core.secrets import looks_secret
from durable_nb.core.summary import summarise

LARGEST_TEXT = 32_768
"""Characters of one source that is kept as a whole; of a longer one only its outline is."""
LARGEST_DETAIL = 65_536
"""Characters of one detail; what is over is left out, sources becoming outlines first."""
MOST_ENTRIES = 400
"""Columns, items or attributes that are named; more are only counted."""
_PLAIN = frozenset({str, bytes, bytearray, int, float, list, tuple, set, frozenset, dict})


@dataclass(frozen=True, slots=True)
class Detail:
    """The content of something a step used, as far as it helps people."""

    rows: int | None = None
    """Of a table."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column of a table → its dtype."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Item, attribute, default, file → a short text about its value."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Function, class or file → its source text."""
    outlines: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """A source that is too long → what it defines → a digest of each definition."""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return self == Detail()


EMPTY = Detail()


def encode(detail: Detail) -> str:
    """The detail as text for a trace; empty where it says nothing."""
    if detail.is_empty:
        return ""
    for shorten in (_with_short_sources, _with_outlines, _without_sources):
        text = _json(shorten(detail))
        if len(text) <= LARGEST_DETAIL:
            return text
    return ""


def decode(text: str) -> Detail:
    """The detail that a trace holds; an empty one where this version cannot read it."""
    try:
        found: Any = json.loads(text) if text else {}
    except ValueError:
        return EMPTY
    if not isinstance(found, dict):
        return EMPTY
    outlines = found.get("outlines")
    return Detail(
        rows=found["rows"] if type(found.get("rows")) is int else None,
        columns=_texts(found.get("columns")),
        values=_texts(found.get("values")),
        sources=_texts(found.get("sources")),
        outlines={n: _texts(o) for n, o in outlines.items()} if isinstance(outlines, dict) else {},
    )


def without_repetition(dependencies: Iterable[Dependency]) -> Iterator[Dependency]:
    """The dependencies of one trace, each source text kept only where it is met first.

    Functions of one file all have its text: in the others its outline stands for it.
    """
    met: set[str] = set()
    for dependency in dependencies:
        detail = decode(dependency.detail)
        if met.isdisjoint(detail.sources.values()):
            yield dependency
        else:
            yield replace(dependency, detail=encode(_outlining(detail, met.__contains__)))
        met |= set(detail.sources.values())


def is_secret(name: str, value: object) -> bool:
    """Whether a variable, item or attribute seems to hold a password or the like, by its name and type."""
    return type(value) in _PLAIN and looks_secret(name)


def in_words(name: str, value: object) -> str:
    """A few words about the value that has this name; of what seems secret only its type."""
    return type(value).__name__ if is_secret(name, value) else summarise(value)


def outline(source: str) -> dict[str, str]:
    """What a source defines → a digest of each definition, comments and formatting left out.

    Statements between the definitions go by the name ``other statements``.
    """
    found: dict[str, str] = {}
    others: list[ast.stmt] = []
    for statement in parse_loosely(source).body:
        if isinstance(statement, ast.ClassDef):
            members = [s for s in statement.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
            found |= {f"{statement.name}.{member.name}": _digest(member) for member in members}
            rest = [s for s in statement.body if s not in members]
            found[statement.name] = _digest(*rest, *statement.bases, *statement.decorator_list)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            found[statement.name] = _digest(statement)
        else:
            others.append(statement)
    return {**found, "other statements": _digest(*others)} if others else found


def _digest(*nodes: ast.AST) -> str:
    return xxhash.xxh3_64_hexdigest("\n".join(ast.dump(node) for node in nodes).encode("utf-8", "replace"))


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name): text for name, text in value.items() if isinstance(text, str)}


def _with_short_sources(detail: Detail) -> Detail:
    return _outlining(detail, lambda text: len(text) > LARGEST_TEXT)


def _with_outlines(detail: Detail) -> Detail:
    return _outlining(detail, lambda _: True)


def _outlining(detail: Detail, is_too_long: Callable[[str], bool]) -> Detail:
    long = {name: text for name, text in detail.sources.items() if is_too_long(text)}
    if not long:
        return detail
    short = {name: text for name, text in detail.sources.items() if name not in long}
    outlines = {**detail.outlines, **{name: outline(text) for name, text in long.items()}}
    return Detail(detail.rows, detail.columns, detail.values, short, outlines)


def _without_sources(detail: Detail) -> Detail:
    return Detail(detail.rows, detail.columns, detail.values)


def _json(detail: Detail) -> str:
    parts = {
        "rows": detail.rows,
        "columns": dict(list(detail.columns.items())[:MOST_ENTRIES]),
        "values": dict(list(detail.values.items())[:MOST_ENTRIES]),
        "sources": dict(detail.sources),
        "outlines": {name: dict(entries) for name, entries in detail.outlines.items()},
    }
    said = {name: part for name, part in parts.items() if part is not None and part != {}}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))

"""What differs between two states of a thing: a few words for a line, and the changed lines of its source."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from durable_nb.core.details import MOST_ENTRIES, Detail, decode, outline
from durable_nb.core.model import Dependency, DependencyKind
from durable_nb.core.places import Aspect, describe_place, split_place

CONTEXT = 2
"""Unchanged lines shown around changed ones."""
LONGEST_DIFF = 80
"""Lines of one difference; what is over is counted."""
_MOST_WORDS = 3
"""Things of one sort that are named on a line; what is over is counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference for people."""

    text: str
    """One line: ``df: 336,776 → 336,770 rows, column delay int64 → float64``."""
    lines: tuple[str, ...] = ()
    """A unified diff, where the difference is in a source: a heading, then lines that begin with ' +-@…'."""


def of_dependencies(was: Dependency, now: Dependency) -> Difference:
    """How a dependency differs from what it was."""
    before, after = _comparable(decode(was.detail), decode(now.detail))
    words, lines = _words(before, after, was.name), tuple(diff(before.sources, after.sources))
    if words and _same_sort(was, now):
        text = ", ".join(words)
        return Difference(text if was.kind is DependencyKind.MODULE else f"{called(was)}: {text}", lines)
    return Difference(_by_summary(was, now), lines)


def has_same_source(was: Dependency, now: Dependency) -> bool:
    """Whether both come from one source, as far as their details tell."""
    before, after = _comparable(decode(was.detail), decode(now.detail))
    known = bool(before.sources or before.outlines)
    return known and before.sources == after.sources and before.outlines == after.outlines


def of_gone(was: Dependency, words: str = "is gone") -> str:
    """What is said of a dependency that is not there any more."""
    return f"{was.name} share no objects any more" if _is_shared(was) else f"{called(was)} {words}"


def of_new(now: Dependency, words: str = "is now defined") -> str:
    """What is said of a dependency that was not there."""
    return f"{now.name} share objects now" if _is_shared(now) else f"{called(now)} {words}"


def of_code(was: str, now: str) -> Difference:
    """How the source of a cell differs from what it was."""
    return Difference("code changed", tuple(diff({"": was}, {"": now})))


def of_mappings(was: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """``name old → new`` for each entry that differs."""
    names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    return [f"{name} {_said(was.get(name))} → {_said(now.get(name))}" for name in names]


def _said(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "not set" if value is None else str(value)


def diff(was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """A unified diff of sources by their names; equal ones are left out."""
    written = 0
    for name in dict.fromkeys([*was, *now]):
        lines = list(_unified(was.get(name, ""), now.get(name, "")))
        if lines and name:
            yield name
        room = max(0, LONGEST_DIFF - written)
        yield from lines[:room]
        if len(lines) > room:
            yield f"… {len(lines) - room:,} more lines"
            return
        written += len(lines)


def _unified(was: str, now: str) -> Iterator[str]:
    lines = difflib.unified_diff(was.splitlines(), now.splitlines(), lineterm="", n=CONTEXT)
    yield from (line for number, line in enumerate(lines) if number >= 2)  # the first two name files


def _comparable(was: Detail, now: Detail) -> tuple[Detail, Detail]:
    """The same two with an outline in place of a source of which the other has only an outline."""
    return _outlined(was, now.outlines), _outlined(now, was.outlines)


def _outlined(detail: Detail, names: Iterable[str]) -> Detail:
    found = {name: outline(detail.sources[name]) for name in names if name in detail.sources}
    sources = {name: text for name, text in detail.sources.items() if name not in found}
    return replace(detail, sources=sources, outlines={**detail.outlines, **found})


def _is_shared(dependency: Dependency) -> bool:
    return dependency.kind is DependencyKind.SHARING and ", " in dependency.name


def called(dependency: Dependency) -> str:
    """What people call a dependency: ``df``, ``$HOME``, ``files data/*.csv``."""
    kind, name = dependency.kind, dependency.name
    if kind is DependencyKind.ENV:
        return f"${name}" if name.isidentifier() else "the environment"
    return describe_place(name) if kind is DependencyKind.FILE else name


def _same_sort(was: Dependency, now: Dependency) -> bool:
    """Whether both are, say, data frames: else what they are says more than their parts."""
    if was.kind is not DependencyKind.VALUE or now.kind is not DependencyKind.VALUE:
        return was.kind is now.kind
    return was.summary.partition(" ")[0] == now.summary.partition(" ")[0]


def _by_summary(was: Dependency, now: Dependency) -> str:
    name = called(was)
    if was.kind is DependencyKind.FILE:
        return _file(was, now)
    if was.kind is DependencyKind.RANDOM:
        return f"{name} is in another state"
    if was.summary and now.summary and was.summary != now.summary:
        before, after = was.summary.removeprefix(f"{name} "), now.summary.removeprefix(f"{name} ")
        return f"{name} {before} → {after}"
    return f"{name} changed"


def _file(was: Dependency, now: Dependency) -> str:
    aspect, path = split_place(was.name)
    if now.summary in {"missing", f"{now.name} missing"}:
        return f"{path} is missing"
    if was.summary in {"missing", f"{was.name} missing"}:
        return f"{path} is there now"
    if aspect in {Aspect.EXISTS, Aspect.SIZE, Aspect.TIME}:
        return f"{path} {was.summary} → {now.summary}"
    return f"{path} modified" if aspect is Aspect.CONTENT else f"{called(was)} changed"


def _words(was: Detail, now: Detail, name: str) -> list[str]:
    """What differs, in a few words each; what they are about need not be said of ``name`` itself."""
    return [
        *_rows(was.rows, now.rows),
        *_columns(was.columns, now.columns),
        *_entries(was.values, now.values),
        *_sources(was.sources, now.sources, name),
        *_outlines(was, now),
    ]


def _rows(was: int | None, now: int | None) -> list[str]:
    if was is None or now is None or was == now:
        return []
    return [f"{was:,} → {now:,} rows"]


def _columns(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    if not was or not now:
        return []
    gone, new = _one_sided(was, now)
    if len(gone) == len(new) == 1 and _place(was, gone[0]) == _place(now, new[0]):
        both = f"column {gone[0]} renamed to {new[0]}"
        types = [] if was[gone[0]] == now[new[0]] else [f"{was[gone[0]]} → {now[new[0]]}"]
        moved = [" ".join([both, *types])]
    else:
        moved = [*_listed("column {} removed", gone), *_listed("column {} added", new)]
    kept = [name for name in was if name in now]
    if not moved and kept != [name for name in now if name in was]:
        moved = ["columns in another order"]
    retyped = [f"column {name} {was[name]} → {now[name]}" for name in kept if was[name] != now[name]]
    return [*moved, *_shortened(retyped)]


def _one_sided(was: Mapping[str, str], now: Mapping[str, str]) -> tuple[list[str], list[str]]:
    if max(len(was), len(now)) >= MOST_ENTRIES:  # the rest is not known
        return [], []
    return [name for name in was if name not in now], [name for name in now if name not in was]


def _place(columns: Mapping[str, str], name: str) -> int:
    return list(columns).index(name)


def _entries(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    if not was or not now:
        return []
    gone, new = _one_sided(was, now)
    changed = [f"{name} {was[name]} → {now[name]}" for name in was if name in now and was[name] != now[name]]
    return [*_shortened(changed), *_listed("{} removed", gone), *_listed("{} added", new)]


def _sources(was: Mapping[str, str], now: Mapping[str, str], known: str) -> list[str]:
    both = [name for name in was if name in now and was[name] != now[name]]
    gone, new = [name for name in was if name not in now], [name for name in now if name not in was]
    changed = {name: f"{_changed_lines(was[name], now[name])} changed" for name in both}
    words = [text if name == known else f"{name} {text}" for name, text in changed.items()]
    return [*_shortened(words), *_listed("{} removed", gone), *_listed("{} added", new)]


def _changed_lines(was: str, now: str) -> str:
    matcher = difflib.SequenceMatcher(None, was.splitlines(), now.splitlines())
    changed: list[int] = []
    for sort, _, _, start, end in matcher.get_opcodes():
        if sort != "equal":
            changed += range(start + 1, max(end, start + 1) + 1)
    if len(changed) == 1:
        return f"line {changed[0]}"
    if changed and changed == list(range(changed[0], changed[-1] + 1)):
        return f"lines {changed[0]}–{changed[-1]}"
    more = "…" if len(changed) > _MOST_WORDS else ""
    return "lines " + ", ".join(str(line) for line in changed[:_MOST_WORDS]) + more


def _outlines(was: Detail, now: Detail) -> list[str]:
    words = []
    for name, before in was.outlines.items():
        after = now.outlines.get(name)
        if after is not None and after != before:
            changed = [part for part in {**before, **after} if before.get(part) != after.get(part)]
            words.append(f"{name} changed in {', '.join(_shortened(changed))}")
    return words


def _listed(wording: str, names: list[str]) -> list[str]:
    return [wording.format(", ".join(_shortened(names)))] if names else []


def _shortened(words: Iterable[str]) -> list[str]:
    words = list(words)
    if len(words) <= _MOST_WORDS + 1:
        return words
    return [*words[:_MOST_WORDS], f"{len(words) - _MOST_WORDS} more"]

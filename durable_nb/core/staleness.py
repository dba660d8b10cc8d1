"""Why a step cannot be reused: one ordered list of small predicates that both decides and explains.

A trace may be reused exactly when no predicate of ``REASONS`` finds anything. ``%steps why``, ``plan``, the
status line and the dashboard all say what this list says.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from durable_nb.core.cells import comment_out, find_marker, parse_loosely
from durable_nb.core.differences import of_code, of_dependencies, of_gone, of_mappings, of_new
from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.model import SCHEME, Dependency, DependencyKind, Json, Trace
from durable_nb.core.options import affects_result


class Cause(StrEnum):
    """The sort of thing that makes a trace unusable, in the order in which they are looked at."""

    MARKER = "marker"
    """Running it would be refused, or its code cannot be read."""
    NEVER_RUN = "never run"
    ALWAYS = "always"
    INVALIDATED = "invalidated"
    FORCED = "forced"
    """A person wants it executed in this run, whatever is proven."""
    SCHEME = "scheme"
    OPTION = "option"
    CODE = "code"
    NOT_DURABLE = "not durable"
    TTL = "ttl"
    VALUE = "value"
    FUNCTION = "function"
    CLASS = "class"
    MODULE = "module"
    FILE = "file"
    ENV = "env"
    RANDOM = "random"
    SHARING = "sharing"
    DAMAGED = "damaged"
    CHECK = "check"
    GIVEN = "given"
    """A person gave some of its outputs by hand, and the others must be made."""
    DEPENDS = "depends"
    """Not known before something else has run."""


@dataclass(frozen=True, slots=True)
class StaleReason:
    """One reason why a step executes instead of being reused."""

    cause: Cause
    text: str
    """For people: ``threshold 0.4 → 0.5``."""
    name: str = ""
    """The variable, module, file, … that differs, where one does."""
    lines: tuple[str, ...] = ()
    """The difference as a unified diff, where it is in a source."""

    def as_json(self) -> dict[str, Json]:
        """For programs."""
        return {"cause": self.cause.value, "text": self.text, "name": self.name, "lines": list(self.lines)}

    @classmethod
    def checked(cls) -> StaleReason:
        """Up to date, but executed to see whether the same comes out."""
        return cls(Cause.CHECK, "checked: it could have been reused")

    @classmethod
    def damaged(cls, what: str) -> StaleReason:
        """Up to date, but its stored values cannot be read."""
        return cls(Cause.DAMAGED, what)


@dataclass(frozen=True, slots=True)
class Present:
    """A step as it stands now, before it runs."""

    code: str
    """Fingerprint of the cell's code and of the options that change its result."""
    always: bool
    ttl: float | None
    """Seconds."""
    now: float
    """Seconds since the epoch, UTC."""
    read: Mapping[tuple[DependencyKind, str], Dependency]
    """What the cell reads, as found before it runs: its variables, functions, classes and modules."""
    unprovable: Mapping[str, str]
    """Name → why it cannot be fingerprinted."""
    find: Callable[[DependencyKind, str], Dependency | None]
    """The present state of anything a trace names; None where it is gone.

    Raises NotFingerprintableError where it is there, but what it holds cannot be told.
    """
    source: str = ""
    """The cell as the user wrote it."""
    options: Mapping[str, Json] = field(default_factory=dict)
    """The options that change the result and differ from their default."""
    describe: Callable[[Dependency], str] = lambda dependency: dependency.detail
    """The detail of a present dependency; asked for only where it differs."""
    why_not: Callable[[Trace], str] = lambda _: ""
    """What a person decided against a trace; empty where nothing was."""
    forced_since: float | None = None
    """A person wants it executed: only what was made since then, in seconds since the epoch, is reused."""
    uncertain: Mapping[str, str] = field(default_factory=dict)
    """Name that something must make first → on what it depends: ``df depends on clean``."""
    gone: str = "is gone"
    """What is said of a dependency that is not there any more."""
    new: str = "is now defined"
    """What is said of a dependency that the trace does not have."""


_READ_FROM_THE_CODE = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})
"""Kinds whose dependencies are all known before the cell runs."""
_MADE_BY_CELLS = _READ_FROM_THE_CODE | {DependencyKind.RANDOM, DependencyKind.ENV, DependencyKind.FILE}
"""Kinds whose present state may hang on cells that have not run."""

_LONGEST_LINE = 100
"""Characters of reasons that a status line has room for."""

Predicate = Callable[[Present, Trace], Iterator[StaleReason]]


def _always(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if present.always:
        yield StaleReason(Cause.ALWAYS, "marked --always")


def _invalidated(present: Present, trace: Trace) -> Iterator[StaleReason]:
    decided = present.why_not(trace)
    if decided:
        yield StaleReason(Cause.INVALIDATED, decided)


def _forced(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if present.forced_since is not None and trace.created_at < present.forced_since:
        yield StaleReason(Cause.FORCED, "forced")


def _scheme(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if trace.scheme != SCHEME:
        yield StaleReason(Cause.SCHEME, f"recorded with fingerprint scheme {trace.scheme}, now {SCHEME}")


def _code(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if trace.code == present.code:
        return
    was = {name: value for name, value in trace.options.items() if affects_result(name)}
    options = [f"--{words}" for words in of_mappings(was, present.options)]
    if options:
        yield StaleReason(Cause.OPTION, ", ".join(options))
    if not options or _statements(trace.source) != _statements(present.source):
        difference = of_code(trace.source, present.source)
        yield StaleReason(Cause.CODE, difference.text, lines=difference.lines)


def _statements(source: str) -> str:
    """The code of a cell without its marker and its formatting."""
    marker = find_marker(source)
    return ast.dump(parse_loosely(comment_out(source, marker) if marker is not None else source))


def _not_durable(present: Present, trace: Trace) -> Iterator[StaleReason]:
    for name, why in {**trace.not_durable, **present.unprovable}.items():
        yield StaleReason(Cause.NOT_DURABLE, f"{name} is not durable: {why}", name)


def _ttl(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if present.ttl is not None and present.now - trace.created_at > present.ttl:
        yield StaleReason(Cause.TTL, f"older than --ttl {present.ttl:g} s")


def _dependencies(kind: DependencyKind) -> Predicate:
    def differing(present: Present, trace: Trace) -> Iterator[StaleReason]:
        recorded = {d.name: d for d in trace.dependencies if d.kind is kind}
        for _, was in sorted(recorded.items()):
            yield from _differing(present, was)
        new = [d for (k, name), d in present.read.items() if k is kind and name not in recorded]
        new = [now for now in new if not _made_by(trace, now)]
        yield from _appeared(present, trace, new) if new else ()

    return differing


def _differing(present: Present, was: Dependency) -> Iterator[StaleReason]:
    """The reason that a recorded dependency gives; none where it is as it was."""
    cause, name = Cause(was.kind.value), was.name
    try:
        is_now = _now(present, was.kind, name)
    except NotFingerprintableError as error:
        yield StaleReason(Cause.NOT_DURABLE, f"{name} is not durable: {error}", name)
        return
    if is_now is not None and is_now.fingerprint == was.fingerprint:
        return
    if name in present.uncertain and was.kind in _MADE_BY_CELLS:
        yield StaleReason(Cause.DEPENDS, present.uncertain[name], name)
        return
    is_now = is_now or _of_another_kind(present, was)
    if is_now is not None:
        now = replace(is_now, detail=present.describe(is_now))
        difference = of_dependencies(was, now)
        yield StaleReason(cause, difference.text, name, difference.lines)
    elif name not in present.unprovable:  # else that was said already
        yield StaleReason(cause, of_gone(was, present.gone), name)


def _appeared(present: Present, trace: Trace, new: list[Dependency]) -> Iterator[StaleReason]:
    """The reasons that dependencies give which the trace does not have."""
    recorded = {d.name for d in trace.dependencies if d.kind in _READ_FROM_THE_CODE}
    for now in sorted(new, key=lambda dependency: dependency.name):
        if now.kind not in _READ_FROM_THE_CODE or now.name not in recorded:  # else that was said already
            yield StaleReason(Cause(now.kind.value), of_new(now, present.new), now.name)


def _of_another_kind(present: Present, was: Dependency) -> Dependency | None:
    """What has the name of a variable, function or class now, if it is another of these."""
    kinds = _READ_FROM_THE_CODE if was.kind in _READ_FROM_THE_CODE else ()
    return next((present.read[kind, was.name] for kind in kinds if (kind, was.name) in present.read), None)


_COMPARED = 8
"""Traces among which one of the same code is looked for."""


def _now(present: Present, kind: DependencyKind, name: str) -> Dependency | None:
    found = present.read.get((kind, name))
    return found if found is not None or kind in _READ_FROM_THE_CODE else present.find(kind, name)


REASONS: tuple[Predicate, ...] = (
    _always,
    _invalidated,
    _forced,
    _scheme,
    _code,
    _not_durable,
    _ttl,
    *(_dependencies(kind) for kind in DependencyKind),
)


def reasons(present: Present, trace: Trace) -> Iterator[StaleReason]:
    """Everything that keeps the trace from being reused, most telling first; nothing means: reuse."""
    for predicate in REASONS:
        yield from predicate(present, trace)


def to_compare_with(traces: Iterable[Trace], code: str) -> Trace | None:
    """The trace by which to say why none is reused: of the last few the newest of this code, or the newest.

    Another notebook may have a step of this name; and where a parameter changes after an edit was undone, one
    wants to hear of the parameter.
    """
    recent = list(islice(traces, _COMPARED))
    return next((trace for trace in recent if trace.code == code), recent[0] if recent else None)


def never_run(present: Present) -> list[StaleReason]:
    """The reasons of a step that has no trace at all."""
    found = [StaleReason(Cause.NEVER_RUN, "first execution")]
    found += [
        StaleReason(Cause.NOT_DURABLE, f"{name} is not durable: {why}", name)
        for name, why in present.unprovable.items()
    ]
    return found


def in_short(found: Sequence[StaleReason]) -> str:
    """Reasons for one line: as many as fit, and the number of those that do not."""
    texts = list(dict.fromkeys(reason.text for reason in found))
    for count in range(len(texts), 1, -1):
        left = len(texts) - count
        line = ", ".join([*texts[:count], *([f"and {left} more"] if left else [])])
        if len(line) <= _LONGEST_LINE:
            return line
    return f"{texts[0]}, and {len(texts) - 1} more" if len(texts) > 1 else "".join(texts)


def _made_by(trace: Trace, now: Dependency) -> bool:
    """Whether a name that the trace did not read holds exactly what the trace itself made of it.

    So it is after running the same cell twice in one kernel: the clean run had no such name before.
    """
    return any(output.name == now.name and output.fingerprint == now.fingerprint for output in trace.outputs)

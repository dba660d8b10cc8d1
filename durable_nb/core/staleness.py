"""Why a step cannot be reused: one ordered list of small predicates that both decides and explains.

A trace may be reused exactly when no predicate of ``REASONS`` finds anything. ``%steps why``, ``plan``, the
status line and the dashboard all say what this list says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from durable_nb.core.model import SCHEME, Dependency, DependencyKind, Trace


class Cause(StrEnum):
    """The sort of thing that makes a trace unusable, in the order in which they are looked at."""

    NEVER_RUN = "never run"
    ALWAYS = "always"
    SCHEME = "scheme"
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
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class StaleReason:
    """One reason why a step executes instead of being reused."""

    cause: Cause
    text: str
    """For people: ``threshold 0.4 → 0.5``."""
    name: str = ""
    """The variable, module, file, … that differs, where one does."""

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
    """The present state of anything a trace names; None where it is gone."""


_READ_FROM_THE_CODE = frozenset({DependencyKind.VALUE, DependencyKind.FUNCTION, DependencyKind.CLASS})
"""Kinds whose dependencies are all known before the cell runs."""

Predicate = Callable[[Present, Trace], Iterator[StaleReason]]


def _always(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if present.always:
        yield StaleReason(Cause.ALWAYS, "marked --always")


def _scheme(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if trace.scheme != SCHEME:
        yield StaleReason(Cause.SCHEME, f"recorded with fingerprint scheme {trace.scheme}, now {SCHEME}")


def _code(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if trace.code != present.code:
        yield StaleReason(Cause.CODE, "code changed")


def _not_durable(present: Present, trace: Trace) -> Iterator[StaleReason]:
    for name, why in {**trace.not_durable, **present.unprovable}.items():
        yield StaleReason(Cause.NOT_DURABLE, f"{name} is not durable: {why}", name)


def _ttl(present: Present, trace: Trace) -> Iterator[StaleReason]:
    if present.ttl is not None and present.now - trace.created_at > present.ttl:
        yield StaleReason(Cause.TTL, f"older than --ttl {present.ttl:g} s")


def _dependencies(kind: DependencyKind) -> Predicate:
    def differing(present: Present, trace: Trace) -> Iterator[StaleReason]:
        recorded = {d.name: d for d in trace.dependencies if d.kind is kind}
        for name, was in recorded.items():
            is_now = present.read.get((kind, name))
            if is_now is None and kind not in _READ_FROM_THE_CODE:
                is_now = present.find(kind, name)
            if is_now is None or is_now.fingerprint != was.fingerprint:
                yield StaleReason(Cause(kind.value), _difference(was, is_now), name)
        for now_kind, name in present.read:
            if (
                now_kind is kind
                and name not in recorded
                and not _made_by(trace, present.read[now_kind, name])
            ):
                yield StaleReason(Cause(kind.value), f"{name} is now defined", name)

    return differing


REASONS: tuple[Predicate, ...] = (
    _always,
    _scheme,
    _code,
    _not_durable,
    _ttl,
    _dependencies(DependencyKind.VALUE),
    _dependencies(DependencyKind.FUNCTION),
    _dependencies(DependencyKind.CLASS),
    _dependencies(DependencyKind.MODULE),
    _dependencies(DependencyKind.FILE),
    _dependencies(DependencyKind.ENV),
    _dependencies(DependencyKind.RANDOM),
)


def reasons(present: Present, trace: Trace) -> Iterator[StaleReason]:
    """Everything that keeps the trace from being reused, most telling first; nothing means: reuse."""
    for predicate in REASONS:
        yield from predicate(present, trace)


def never_run(present: Present) -> list[StaleReason]:
    """The reasons of a step that has no trace at all."""
    found = [StaleReason(Cause.NEVER_RUN, "first execution")]
    found += [
        StaleReason(Cause.NOT_DURABLE, f"{name} is not durable: {why}", name)
        for name, why in present.unprovable.items()
    ]
    return found


def _made_by(trace: Trace, now: Dependency) -> bool:
    """Whether a name that the trace did not read holds exactly what the trace itself made of it.

    So it is after running the same cell twice in one kernel: the clean run had no such name before.
    """
    return any(output.name == now.name and output.fingerprint == now.fingerprint for output in trace.outputs)


def _difference(was: Dependency, is_now: Dependency | None) -> str:
    if is_now is None:
        return f"{was.name} is gone"
    if was.summary != is_now.summary and was.summary and is_now.summary:
        return f"{was.name} {was.summary} → {is_now.summary}"
    return f"{was.name} changed"

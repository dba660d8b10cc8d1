"""What people decided: an edit accepted, results invalidated, a value given by hand, a parameter edited.

Decisions are never changed. What they come to is worked out each time from all that were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from durable_nb.core.model import Dependency, DependencyKind, Output, OutputKind, Trace


class OverrideKind(StrEnum):
    """What was decided."""

    ACCEPT = "accept"
    """An edit does not change the result: one trace counts as made by what is there now."""
    INVALIDATE = "invalidate"
    """Some traces are not reused any more."""
    SET = "set"
    """An output of the step has a value that was given by hand, in one run."""
    OPTIONS = "options"
    """How often and how long the step is tried is another than its marker says, in one run."""
    PARAMETER = "parameter"
    """A parameter of a notebook has another value than its default, in every run that is not given one."""
    RENAME = "rename"
    """The step is another one under a new name: what that one leaves counts for it, too."""
    UNDO = "undo"
    """An earlier decision does not hold any more."""


CODE = "code"
"""The kind of a change in the cell itself; other kinds are those of dependencies."""
OPTION, OUTPUT = "option", "output"
"""Kinds of changes that a person makes to something else than what traces say."""
PARAMETER = "parameter"
"""The kind of a change of a parameter: what it was and is now are JSON, or empty for its default."""
NAME = "name"
"""The kind of a change of a step's name."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference that was accepted, or made: what it was, as for a trace, and what it may be instead."""

    kind: str
    """``code``, or the kind of the dependency that differed."""
    name: str
    was: str
    """Fingerprint in the trace; empty where the trace did not use it."""
    now: str
    """Fingerprint that was accepted; empty where it is not used any more."""
    text: str = ""
    """For people: what differs."""


@dataclass(frozen=True, slots=True)
class Override:
    """One decision of one person."""

    kind: OverrideKind
    step: str
    """Empty where it is about a parameter of a notebook."""
    at: float
    """Seconds since the epoch, UTC."""
    user: str
    host: str
    run_id: str = ""
    """The run in which it was decided; empty outside of one."""
    notebook: str = ""
    traces: tuple[str, ...] = ()
    """The ids of the traces that it is about."""
    changes: tuple[Change, ...] = ()
    """What was accepted, and nothing else."""
    definitions: tuple[str, ...] = ()
    """Names that the edited cell defines by its import, def and class statements."""
    values: tuple[Output, ...] = ()
    """The outputs that were given by hand."""
    undoes: str = ""
    """The id of the decision that is taken back."""
    override_id: str = ""
    """Digest of everything above; given by the store."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a step is and was called."""

    step: str
    former: tuple[str, ...] = ()
    """Names from which it was renamed, the last one first: what was left under them counts for it."""
    doubtful_until: float = 0.0
    """A renaming of this time cannot be read: there may be a name that is not known; 0 where all can."""

    @property
    def all(self) -> tuple[str, ...]:
        """The name that it has, and those that it had."""
        return (self.step, *self.former)


@dataclass(frozen=True, slots=True)
class Standing:
    """What all decisions about one step come to."""

    invalidated: Mapping[str, Override] = field(default_factory=dict)
    """Trace → the decision that it is not reused any more."""
    accepted: tuple[Override, ...] = ()
    """The edits that are accepted, newest first."""
    set_by_hand: tuple[Override, ...] = ()
    """The decisions that gave a value by hand, in any run, oldest first."""
    edited: tuple[Override, ...] = ()
    """The decisions that changed options, in any run, oldest first."""
    doubtful_until: float = 0.0
    """A decision of this time cannot be read: traces that are not newer may be invalidated by it."""

    def why_not(self, trace: Trace) -> str:
        """What keeps a trace from being reused whatever it says; empty where nothing does."""
        by = self.invalidated.get(trace.trace_id)
        if by is not None:
            return f"invalidated by {by.user}"
        if trace.created_at <= self.doubtful_until:
            return "a decision about this step cannot be read, and may have invalidated it"
        return ""

    def given(self, run_id: str) -> dict[str, tuple[Output, str]]:
        """Output → the value that a person gave it in a run, and who: where there are several, the last."""
        return {
            output.name: (output, one.user)
            for one in self.set_by_hand
            if one.run_id == run_id
            for output in one.values
        }

    def options(self, run_id: str) -> dict[str, str]:
        """Option → its value in a run as it would be typed, where a person has changed it."""
        return {
            change.name: change.now for one in self.edited if one.run_id == run_id for change in one.changes
        }


def standing(overrides: Iterable[Override], doubtful_until: float = 0.0) -> Standing:
    """What decisions about one step come to.

    Args:
        overrides: The decisions that can be read, in any order.
        doubtful_until: The time of the newest one that cannot be read; 0 where all can.
    """
    holding = still_holding(overrides)
    return Standing(
        {trace: one for one in holding if one.kind is OverrideKind.INVALIDATE for trace in one.traces},
        tuple(one for one in reversed(holding) if one.kind is OverrideKind.ACCEPT),
        tuple(one for one in holding if one.kind is OverrideKind.SET),
        tuple(one for one in holding if one.kind is OverrideKind.OPTIONS),
        doubtful_until,
    )


def still_holding(overrides: Iterable[Override]) -> list[Override]:
    """The decisions that were not taken back, oldest first; what takes back is among them."""
    made = sorted(overrides, key=lambda one: (one.at, one.override_id))
    undone = {one.undoes for one in made if one.kind is OverrideKind.UNDO}
    return [one for one in made if one.override_id not in undone]


def as_accepted(trace: Trace, accepted: Override) -> Trace | None:
    """The trace as it would be if it had been made by what was accepted; None where it is about another.

    It is reused only if nothing else differs: the result goes through the same predicates as any trace.
    """
    if trace.trace_id not in accepted.traces:
        return None
    dependencies = {(d.kind, d.name): d for d in trace.dependencies}
    code = trace.code
    for change in accepted.changes:
        if change.kind == CODE:
            code = change.now
            continue
        key = DependencyKind(change.kind), change.name
        if change.now:
            was = dependencies.get(key, Dependency(*key, ""))
            dependencies[key] = replace(was, fingerprint=change.now)
        else:
            dependencies.pop(key, None)
    return replace(
        trace,
        code=code,
        dependencies=tuple(dependencies.values()),
        outputs=_outputs(trace, accepted.definitions),
    )


def _outputs(trace: Trace, definitions: tuple[str, ...]) -> tuple[Output, ...]:
    """The outputs, with what the edited cell defines now in place of what it defined then.

    A definition comes from the edited cell. It has no fingerprint: none was seen of it.
    """
    kept = [output for output in trace.outputs if output.kind is not OutputKind.DEFINITION]
    taken = {output.name for output in kept}
    made = [Output(name, OutputKind.DEFINITION) for name in definitions if name not in taken]
    return (*made, *kept)

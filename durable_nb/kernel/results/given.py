"""Values that a person has given the outputs of a step by hand, for the run that this kernel works on.

Where they are all that the step would make, it is not executed. Otherwise it is reused or executed as ever,
and then they take the place of what it made.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial

from durable_nb.core.errors import DamagedError, StoreError
from durable_nb.core.model import Output, OutputKind, Trace
from durable_nb.core.staleness import Cause, StaleReason
from durable_nb.kernel.isolating.unmade import made_by, unmade
from durable_nb.kernel.results.lazy import Bundle, Waiting
from durable_nb.kernel.session import Session
from durable_nb.kernel.step_code import StepCode


@dataclass(frozen=True, slots=True)
class GivenValues:
    """What a person has given one step in this run."""

    values: dict[str, Output] = field(default_factory=dict)
    users: tuple[str, ...] = ()
    """Who."""
    lacking: tuple[str, ...] = ()
    """What the step would make besides; empty where nothing was given."""

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def words(self) -> str:
        """For people: ``df = 5 given by anna``; empty where nothing was given."""
        if not self:
            return ""
        shown = ", ".join(f"{name} = {output.summary}" for name, output in sorted(self.values.items()))
        return f"{shown} given by {' and '.join(self.users)}"

    @property
    def is_all(self) -> bool:
        """Whether the step would make nothing besides."""
        return bool(self) and not self.lacking

    def reason(self) -> StaleReason:
        """What is said where the step executes though something was given."""
        rest = f", but not {', '.join(self.lacking)}" if self.lacking else ""
        return StaleReason(Cause.GIVEN, self.words + rest, min(self.values))


def find_given(session: Session, step: StepCode) -> GivenValues:
    """What was given to a step in this run."""
    found = session.store.overrides.standing(step.cell.name).given(session.run.run_id)
    if not found:
        return GivenValues()
    values = {name: output for name, (output, _) in found.items()}
    users = dict.fromkeys(user for _, user in found.values())
    return GivenValues(values, tuple(users), tuple(sorted(_made(session, step) - values.keys())))


def _made(session: Session, step: StepCode) -> set[str]:
    """The names that the step would bind or change, but for what its statements define."""
    session.namespace.lazy.load_for(step.tree)
    latest = next(session.store.traces.latest(step.cell.name, limit=1), None)
    last = session.made.get(step.cell.name) or (made_by(latest) if latest is not None else None)
    names = unmade(step.tree, session.namespace.own(), code=step.fingerprint, last=last)
    return (
        names - {name for _, defined in step.definitions for name in defined} - set(step.cell.options.ignore)
    )


def as_trace(session: Session, step: StepCode, given: GivenValues) -> Trace:
    """What a step leaves that is not executed, because all that it would make was given."""
    definitions = [Output(name, OutputKind.DEFINITION) for _, names in step.definitions for name in names]
    return Trace(
        step=step.cell.name,
        code=step.fingerprint,
        key="",
        source=step.cell.source,
        options=step.cell.options.changed(),
        dependencies=(),
        outputs=(*definitions, *given.values.values()),
        display=(),
        created_at=time.time(),
        seconds=0.0,
        run_id=session.run.run_id,
        attempt=0,
        notebook=session.run.notebook,
        cell_id=step.cell_id,
    )


def check_given(session: Session, step: StepCode, given: GivenValues) -> None:
    """Make sure that what was given can be read.

    Raises:
        DamagedError: It cannot.
    """
    for name, output in given.values.items():
        try:
            session.store.artifacts.check(output.fingerprint)
        except DamagedError as error:
            again = f"durable-nb resume {session.run.run_id} --set {step.cell.name}.{name}=VALUE"
            raise DamagedError(
                f"the value given for {name} of step {step.cell.name}: {error} {again}"
            ) from error


def bind_given(session: Session, given: GivenValues) -> None:
    """Let the values that were given take the place of what the step has made."""
    read = partial(_read, session)
    waiting = {
        name: Waiting(output, Bundle(output.fingerprint, read)) for name, output in given.values.items()
    }
    session.namespace.lazy.defer({name: one for name, one in waiting.items() if one.output.is_data})
    ready = {name: one.value() for name, one in waiting.items() if not one.output.is_data}
    session.namespace.lazy.forget(ready)
    session.namespace.values.update(ready)


def hold_given(session: Session, step: StepCode) -> set[str]:
    """Let values that were given stand though their step failed or was not run.

    Returns:
        Their names; none where they cannot be read.
    """
    try:
        given = find_given(session, step)
        check_given(session, step, given)
    except StoreError:
        return set()  # then they are missing, as all else that the step would have made
    bind_given(session, given)
    return set(given.values)


def _read(session: Session, artifact: str) -> object:
    return session.read(artifact)

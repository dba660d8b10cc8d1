"""What can go wrong, as values: where, when and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from durable_nb.core.errors import UsageError
from durable_nb.core.model import EventKind, Json

_WHEN = {
    "started": EventKind.ATTEMPT_STARTED,
    "executing": EventKind.EXECUTING,
    "storing": EventKind.STORING,
    "committing": EventKind.COMMITTING,
    "finished": EventKind.ATTEMPT_FINISHED,
    "reused": EventKind.STEP_REUSED,
}
BOUNDARIES = ("started", "executing", "storing", "committing", "finished")
"""The boundaries that a step passes when it is executed, in their order."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong; made by the functions of this module."""

    kind: str
    step: str = ""
    when: EventKind | None = None
    times: int = 1
    """How often it happens, over all kernels and runs of one laboratory call."""
    seconds: float = 0.0
    error: str = ""
    """Dotted name of an exception class."""
    message: str = ""
    statement: int = 0
    output: str = ""
    point: int = 0

    def __str__(self) -> str:
        where = self.step or (f"write {self.point} to the store" if self.point else "the ledger")
        if self.when is not None:
            return f"killed at {self.when.value} of {where}"
        return f"{self.kind.replace('_', ' ')} of {where}" if not self.point else f"killed at {where}"

    def as_json(self) -> dict[str, Json]:
        """The form in which a kernel is told of it."""
        names = ("kind", "step", "times", "seconds", "error", "message", "statement", "point")
        return {name: getattr(self, name) for name in names} | {"when": self.when and self.when.value}


def kill_at(step: str, when: str = "executing", times: int = 1) -> Fault:
    """The kernel is killed by SIGKILL when the step comes to a boundary, before anybody is told of it.

    Args:
        step: Name of the step.
        when: started, executing, storing, committing, finished or reused.
        times: How often; with more than the engine's kernel restarts the run ends failed.

    Raises:
        UsageError: There is no such boundary.
    """
    return Fault("kill", step, _boundary(when), times)


def kill_at_write(point: int, times: int = 1) -> Fault:
    """The kernel is killed before its nth write to the store: as a file is made or renamed."""
    return Fault("kill_at_write", times=times, point=point)


def fail(
    step: str,
    times: int = 1,
    with_: type[BaseException] = ConnectionError,
    message: str = "injected by durable_nb.testing",
    *,
    statement: int = 0,
) -> Fault:
    """The step's code raises an error.

    Args:
        step: Name of the step.
        times: In how many attempts; those after it do what the cell says.
        with_: Class of the error; it must be importable, and take a message.
        message: Its message.
        statement: Number of the statement of the cell, from 0, before which it is raised.

    Raises:
        UsageError: The class cannot be found by its name in another process.
    """
    if "<locals>" in with_.__qualname__ or with_.__module__ == "__main__":
        raise UsageError(
            f"{with_.__qualname__} cannot be imported by the notebook's kernel; fail() was expected to get "
            "a class of a module, as in with_=ConnectionError"
        )
    name = f"{with_.__module__}.{with_.__qualname__}"
    return Fault("fail", step, None, times, error=name, message=message, statement=statement)


def slow(step: str, seconds: float, times: int = 1) -> Fault:
    """The step's code takes so many seconds longer; the wait can be interrupted, and a time limit ends it."""
    return Fault("slow", step, None, times, seconds=seconds)


def disk_full(step: str, times: int = 1) -> Fault:
    """No file can be written to the store (ENOSPC) while an attempt of the step runs and is stored."""
    return Fault("disk_full", step, None, times)


def corrupt(step: str, output: str = "") -> Fault:
    """Before the notebook runs, stored values of a completed step are damaged: one bit of each file flipped.

    Args:
        step: Name of the step.
        output: The variable; all that the step stored by default.
    """
    return Fault("corrupt", step, output=output)


def lock_held(seconds: float) -> Fault:
    """Another process holds the lock of the ledger for so long, from before the notebook starts."""
    return Fault("lock_held", seconds=seconds)


def by_kind(faults: tuple[Fault, ...], *kinds: str) -> list[Fault]:
    """The faults of some kinds."""
    return [fault for fault in faults if fault.kind in kinds]


def from_json(about: Mapping[str, Json]) -> Fault:
    """The fault that a kernel is told of."""
    known = dict(about)
    when = known.pop("when")
    return Fault(when=EventKind(when) if when else None, **known)  # type: ignore[arg-type]


def _boundary(when: str) -> EventKind:
    if when not in _WHEN:
        raise UsageError(f"there is no boundary {when!r} of a step; expected one of: {', '.join(_WHEN)}")
    return _WHEN[when]

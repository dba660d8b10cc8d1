"""What the engine of a batch run says of the cell that it asks the kernel to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from IPython.core.interactiveshell import ExecutionInfo

from durable_nb.core import errors
from durable_nb.core.endings import Outcome
from durable_nb.core.errors import DurableError, KernelDiedError
from durable_nb.core.protocol import REQUEST_KEY


@dataclass(frozen=True, slots=True)
class DoneAhead:
    """What another kernel of the run has done of a step before its turn."""

    attempt: int
    """Number of the last attempt that it made."""
    completed: bool
    reason: str = ""
    """Why it executed the step."""


def told_of(info: ExecutionInfo | None) -> Mapping[str, Any]:
    """What stands in a request's metadata about its cell; nothing where no engine of ours sent it."""
    told = (info.cell_meta or {}).get(REQUEST_KEY) if info is not None else None
    return told if isinstance(told, Mapping) else {}


def tags_of(info: ExecutionInfo | None) -> list[str]:
    """The tags of the cell, where an engine of ours tells them."""
    return [str(tag) for tag in told_of(info).get("tags") or ()]


def given_up(info: ExecutionInfo | None) -> DurableError | None:
    """The error with which a cell is to fail at once because it has ended kernels before."""
    told = told_of(info).get("given_up")
    if not told:
        return None
    kind = getattr(errors, str(told.get("type")), KernelDiedError)
    made = kind if isinstance(kind, type) and issubclass(kind, DurableError) else KernelDiedError
    return made(str(told.get("message")))


def spent_attempts(info: ExecutionInfo | None) -> int:
    """How many attempts of the step have failed in this pass in kernels that are gone."""
    return int(told_of(info).get("spent") or 0)


def is_restored_only(info: ExecutionInfo | None) -> bool:
    """Whether a step is to be brought back for others that need it, and in no case to be executed."""
    return bool(told_of(info).get("restore"))


def done_ahead(info: ExecutionInfo | None) -> DoneAhead | None:
    """What another kernel of this run has done of the step already; None where none has."""
    told = told_of(info).get("ahead")
    return DoneAhead(**told) if told else None


def outcome_of_run(info: ExecutionInfo | None) -> Outcome | None:
    """How the run ended, if the cell is run for that end; None while the run goes on."""
    told = told_of(info).get("outcome")
    return None if not told else Outcome.from_json(told)

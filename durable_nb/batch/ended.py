"""How a pass over a notebook ended: what the ends of its cells come to."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.runs import Failure, as_json
from durable_nb.batch.steps import DeclaredStep
from durable_nb.core.endings import Outcome
from durable_nb.core.model import Json, State
from durable_nb.core.snapshot import snapshot

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_BY_WEIGHT = (CellEnd.WAITING, CellEnd.BLOCKED, CellEnd.EXITED)
_STATES = {
    CellEnd.BLOCKED: State.BLOCKED,
    CellEnd.WAITING: State.WAITING,
    CellEnd.DIED: State.INTERRUPTED,
    CellEnd.STOPPED: State.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a pass over a notebook ended."""

    how: CellEnd = CellEnd.COMPLETED
    cell: int | None = None
    """Index of the cell that made it end so; None if all cells did what they should."""
    error: Failure | None = None
    stop_signal: int | None = None
    """The signal by which this process was asked to end."""
    failed: tuple[int, ...] = ()
    """Indices of all cells that failed."""
    blocked: tuple[int, ...] = ()
    """Indices of the cells that were not run because they need what a failed one would have made."""

    @property
    def state(self) -> State:
        """What the run came to."""
        if self.how is CellEnd.DIED or self.stop_signal == signal.SIGTERM:
            return State.INTERRUPTED
        if self.how is CellEnd.STOPPED:
            return State.CANCELLED
        if self.how is CellEnd.WAITING:
            return State.WAITING
        return State.FAILED if self.how.is_failure else State.COMPLETED

    def outcome(self, run: Mapping[str, Any], steps: Mapping[int, DeclaredStep]) -> Outcome:
        """The end as people are told of it.

        Args:
            run: What the kernel is told of the run.
            steps: The notebook's steps by the index of their cell.
        """
        failed = self.state is not State.COMPLETED
        error = (self.error if failed else None) or Failure("", "")
        step = steps.get(self.cell) if self.cell is not None and failed else None
        return Outcome(
            run_id=run["run_id"],
            state=self.state,
            notebook=run["notebook"],
            parameters=as_json(run["parameters"]),
            output=run["output"],
            step=step.cell.name if step else "",
            cell=self.cell + 1 if self.cell is not None and failed else 0,
            error_type=error.type,
            error_message=error.message,
            traceback=_ANSI.sub("", error.traceback),
            failed=tuple(name_of(index, steps) for index in self.failed),
            blocked=tuple(name_of(index, steps) for index in self.blocked),
        )


def sum_up(
    ends: Mapping[int, CellEnd], error_of: Callable[[int], Failure | None], stop_signal: int | None
) -> Ended:
    """What the ends of single cells come to: the worst of them, and of that kind the first.

    Args:
        ends: How the cells that have been run ended, by their index.
        error_of: Finds the error of a cell.
        stop_signal: The signal by which this process was asked to end.
    """
    stopped = [index for index, how in ends.items() if how is CellEnd.STOPPED]
    failed = [i for i, how in ends.items() if how.is_failure and how not in {*_BY_WEIGHT, CellEnd.STOPPED}]
    lighter = [[index for index, how in ends.items() if how is wanted] for wanted in _BY_WEIGHT]
    decisive = next((found for found in (stopped, failed, *lighter) if found), None)
    if decisive is None:
        return Ended()
    blocked = lighter[_BY_WEIGHT.index(CellEnd.BLOCKED)]
    first = decisive[0]
    return Ended(ends[first], first, error_of(first), stop_signal, tuple(failed), tuple(blocked))


def last_error(cell: NotebookNode) -> Failure | None:
    """The error that a cell shows; None if it shows none."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if not errors:
        return None
    return Failure(errors[-1].ename, errors[-1].evalue, "\n".join(errors[-1].traceback))


def name_of(index: int, steps: Mapping[int, DeclaredStep]) -> str:
    """What a cell is called where people read it: by its step, or by its number."""
    step = steps.get(index)
    return step.cell.name if step else f"cell {index + 1}"


def in_our_words(
    step: DeclaredStep | None, how: CellEnd, report: Mapping[str, Any], source: str
) -> dict[str, Json]:
    """A cell's state, finer than papermill's; of a step, the snapshot that front ends show.

    Args:
        step: The step in the cell.
        how: How its execution ended.
        report: What the kernel said last of the step.
        source: The cell, as it is written to the file.
    """
    state = _STATES.get(how, State.FAILED) if how.is_failure else State.COMPLETED
    if step is None:
        return {"state": state.value}
    if state is State.COMPLETED and report.get("state") == State.REUSED:
        state = State.REUSED
    has_ended = report.get("state") not in {None, State.RUNNING}
    return snapshot(step.cell.name, state, source, **({"seconds": report["seconds"]} if has_ended else {}))

"""What the death of a kernel costs a run, and whether it is worth another kernel."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from durable_nb.batch import runs
from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.runs import Failure
from durable_nb.batch.settings import Settings
from durable_nb.batch.steps import DeclaredStep
from durable_nb.core.errors import StepTimeoutError
from durable_nb.core.model import State
from durable_nb.core.options import Options
from durable_nb.store.store import Store

_log = logging.getLogger("durable_nb.batch")
_TIMEOUT_CLASSES = {known.__name__ for known in StepTimeoutError.__mro__}


class Losses:
    """Keeps count of the kernels that a run has lost, and records what that did to attempts.

    A kernel that died is replaced a number of times, whatever the retries of the step in which it died. One
    that had to be killed because a step did not end at its time limit counts as a failed attempt of the step.
    """

    def __init__(
        self, store: Store, run_id: str, steps: Mapping[int, DeclaredStep], settings: Settings
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._steps = steps
        self._settings = settings
        self._died = 0
        self._overdue: dict[str, int] = {}
        self.attempts = runs.attempts_so_far(store, run_id)
        """Step → number of its last attempt in the run, before the present kernel was started."""
        self._before = dict(self.attempts)
        self._spent: dict[str, int] = {}
        self._given_up: dict[int, Failure] = {}

    def about(self, index: int) -> dict[str, Any]:
        """What the kernel is told of a cell because of the kernels that are gone."""
        told: dict[str, Any] = {}
        if spent := self._spent.get(self._name(index)):
            told["spent"] = spent
        if failure := self._given_up.get(index):
            told["given_up"] = {"type": failure.type, "message": failure.message}
        return told

    def take(self, index: int, how: CellEnd, error: Failure, report: Mapping[str, Any]) -> bool:
        """Record that the kernel was lost in a cell; whether to go on in another one.

        Args:
            index: Of the cell.
            how: How its execution ended.
            error: Why.
            report: What the kernel said last of the step in the cell.
        """
        state = State.INTERRUPTED if how is CellEnd.DIED else State.FAILED
        runs.lose_kernel(self._store, self._run_id, state, error, lost=self._lost(index, report))
        self.attempts = runs.attempts_so_far(self._store, self._run_id)
        self._spent = runs.failed_attempts(self._store, self._run_id, self._before)
        if how is CellEnd.DIED and self._died < self._settings.kernel_restarts:
            self._died += 1
            _log.warning(
                "%s: %s. Going on in another kernel (%d of %d)",
                self._where(index),
                error.message,
                self._died,
                self._settings.kernel_restarts,
            )
            return True
        if how is CellEnd.OVERDUE and self._may_retry(index):
            _log.warning("%s: %s. Trying it again in another kernel", self._where(index), error.message)
            return True
        if self._settings.keep_going and index not in self._given_up:
            self._given_up[index] = error
            _log.warning("%s: %s. Going on without it in another kernel", self._where(index), error.message)
            return True
        return False

    def _may_retry(self, index: int) -> bool:
        """Whether the step that did not end in time has attempts left, and wants them for this."""
        step = self._steps.get(index)
        if step is None:
            return False
        name, options = step.cell.name, step.cell.options
        self._overdue[name] = self._overdue.get(name, 0) + 1
        self._spent[name] = max(self._spent.get(name, 0), self._overdue[name])
        return self._spent[name] <= options.retries and _is_worth_it(options)

    def _lost(self, index: int, report: Mapping[str, Any]) -> tuple[str, int] | None:
        """The attempt that was begun, though the kernel may have died before it had written that down."""
        name = self._name(index)
        if report.get("state") == State.RUNNING:
            return str(report.get("step", name)), int(report.get("attempt", 1))
        if not name or report:
            return None
        return name, self.attempts.get(name, 0) + 1

    def _name(self, index: int) -> str:
        step = self._steps.get(index)
        return "" if step is None else step.cell.name

    def _where(self, index: int) -> str:
        name = self._name(index)
        return f"step {name}" if name else f"cell {index + 1}"


def _is_worth_it(options: Options) -> bool:
    """Whether a step's ``--retry-on`` and ``--no-retry-on`` let it try again after its time limit."""

    def named(classes: tuple[str, ...]) -> bool:
        return any(name.rpartition(".")[2] in _TIMEOUT_CLASSES for name in classes)

    return not named(options.no_retry_on) and (not options.retry_on or named(options.retry_on))

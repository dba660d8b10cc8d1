"""Steps that are executed before their turn, beside others, in further kernels of a run.

The notebook's own kernel still goes through all cells in their order: outputs and counts are those
of a run with one kernel. When it comes to a step that was executed meanwhile, it proves that the result
is right, as it does with every reuse, and takes it; where it cannot, it executes the step itself.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from durable_nb.batch.side_kernel import Outcome, SideKernel
from durable_nb.core.independence import CellFacts, Independence

_log = logging.getLogger("durable_nb.batch")
WORTH_IT = 0.5
"""Seconds from which a step is worth another kernel, which needs about as long to start."""
_PATIENCE = 0.2
"""Seconds that a cell takes before others are begun beside it: what is up to date comes back in less."""


class Ahead:
    """Executes steps of one pass over a notebook before their turn.

    Args:
        cells: The cells that are run, in their order.
        jobs: How many kernels execute at the same time, the notebook's own included.
        make: Makes a further kernel.
    """

    def __init__(
        self,
        cells: Sequence[CellFacts],
        jobs: int,
        make: Callable[[], SideKernel],
    ) -> None:
        self._steps = [cell for cell in cells if cell.step and cell.seconds >= WORTH_IT]
        self._independence = Independence(cells)
        self._jobs = jobs
        self._make = make
        self._kernels: list[SideKernel] = []
        self._idle: list[SideKernel] = []
        self._tasks: dict[int, asyncio.Task[Outcome]] = {}
        self._begun: set[int] = set()
        """Steps whose code has begun to run in a further kernel."""
        self._taken: set[int] = set()
        """Steps that the notebook's own kernel executes: their turn came before a further one was ready."""
        self._run: Mapping[str, Any] = {}
        self._attempts: Mapping[str, int] = {}
        self._turn = -1
        self._is_executing = False
        """Whether the notebook's own kernel is at work."""
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def begin(self, run: Mapping[str, Any]) -> None:
        """A pass begins, from the first cell.

        Args:
            run: What a kernel is told of the run.
        """
        self._independence.begin_again()
        self._run = {**run, "ahead": True}
        self._attempts = run.get("attempts") or {}
        self._turn = -1

    async def arrive(self, index: int) -> dict[str, Any]:
        """It is a cell's turn: wait for the kernel that executes it, if one does.

        Returns:
            What the notebook's own kernel is told of the cell.
        """
        self._turn = index
        self._is_executing = False
        task = self._tasks.get(index)
        if task is not None and index not in self._begun:
            self._taken.add(index)
            task = None
        if task is not None and not task.done():
            self._dispatch()
            await asyncio.wait({task})
        self._is_executing = True
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._dispatch)
        return {} if task is None else self._told(index, task.result())

    def passed(self, index: int, *, well: bool) -> None:
        """The cell has ended in the notebook's own kernel."""
        if self._timer is not None:
            self._timer.cancel()
        self._is_executing = False
        self._independence.ended(index, well=well)

    def request_stop(self, signum: int) -> None:
        """Begin nothing more, and interrupt what runs."""
        self._stopped = True
        for kernel in self._kernels:
            kernel.request_stop(signum)

    async def close(self) -> None:
        """End all further kernels."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for kernel in self._kernels:
            if kernel not in self._idle:
                kernel.request_stop(signal.SIGINT)
        ends = await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for error in (end for end in ends if isinstance(end, Exception)):
            _log.warning("a step could not be executed before its turn: %r", error)
        await asyncio.gather(*(kernel.close() for kernel in self._kernels))

    def _told(self, index: int, outcome: Outcome) -> dict[str, Any]:
        if not outcome.began:
            return {}
        step = next(cell.step for cell in self._steps if cell.index == index)
        number = outcome.report.get("attempt") or self._attempts.get(step, 0) + 1
        reason = str(outcome.report.get("reason") or "")
        return {"ahead": {"attempt": number, "completed": outcome.completed, "reason": reason}}

    def _dispatch(self) -> None:
        """Begin as many steps as there is room for."""
        while not self._stopped and self._at_work < self._jobs:
            index = self._next()
            if index is None:
                return
            kernel = self._idle.pop() if self._idle else self._another()
            self._tasks[index] = asyncio.create_task(self._execute(index, kernel))

    @property
    def _at_work(self) -> int:
        return len(self._kernels) - len(self._idle) + self._is_executing

    def _another(self) -> SideKernel:
        self._kernels.append(self._make())
        return self._kernels[-1]

    def _next(self) -> int | None:
        """The next step that may go ahead."""
        for step in self._steps:
            is_later = step.index > self._turn and step.index not in self._tasks
            if is_later and self._independence.can_go(step.index):
                return step.index
        return None

    def _may_begin(self, index: int) -> bool:
        """Whether a further kernel that is ready is still to execute the step; it then does."""
        if index in self._taken or self._stopped:
            return False
        self._begun.add(index)
        return True

    async def _execute(self, index: int, kernel: SideKernel) -> Outcome:
        try:
            before = self._independence.before(index)
            outcome = await kernel.execute(index, before, self._run, lambda: self._may_begin(index))
        finally:
            self._idle.append(kernel)
        if outcome.is_there:
            self._independence.ended(index, well=True)
        if index == self._turn and index not in self._taken:
            self._is_executing = True  # the notebook's own kernel waited for this
        self._dispatch()
        return outcome

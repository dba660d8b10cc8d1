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
from durable_nb.core.ahead_choice import Candidate, choose
from durable_nb.core.independence import CellFacts, Independence

_log = logging.getLogger("durable_nb.batch")
WORTH_IT = 0.5
"""Seconds from which a step is worth being executed elsewhere and brought back."""
START = 1.0
"""How long a further kernel takes to start, measured by what the notebook's own took just before."""
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
        self._cells = cells
        self._steps = {cell.index: cell for cell in cells if cell.step}
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
        self._since: dict[int, float] = {}
        """Steps that are being executed, here or there → since when, by the clock of the event loop."""
        self._start_seconds = 0.0
        self._is_executing = False
        """Whether the notebook's own kernel is at work."""
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def begin(self, run: Mapping[str, Any], start_seconds: float) -> None:
        """A pass begins, from the first cell.

        Args:
            run: What a kernel is told of the run.
            start_seconds: How long the notebook's own kernel took to start.
        """
        self._start_seconds = start_seconds
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
        self._since[index] = asyncio.get_running_loop().time()
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
        if self._timer is not None:
            self._timer.cancel()
        if not self._stopped:  # asked twice, a kernel is ended before it has recorded what became of its step
            self._stopped = True
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
        step = self._steps[index].step
        number = outcome.report.get("attempt") or self._attempts.get(step, 0) + 1
        if not outcome.completed:
            number -= 1  # tried too early: in its turn the attempt is made again, and takes this one's place
        reason = str(outcome.report.get("reason") or "")
        return {"ahead": {"attempt": number, "completed": outcome.completed, "reason": reason}}

    def _dispatch(self) -> None:
        """Begin as many steps as there is room for."""
        while not self._stopped and self._at_work < self._jobs:
            index = choose(self._candidates(), 0.0 if self._idle else START * self._start_seconds)
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

    def _candidates(self) -> list[Candidate]:
        """The steps that may go ahead now."""
        found: list[Candidate] = []
        until_turn = 0.0
        for cell in self._cells:
            if cell.index > self._turn and self._may_go(cell):
                found.append(Candidate(cell.index, cell.seconds, until_turn))
            if cell.index >= self._turn and not self._independence.is_done(cell.index):
                until_turn += self._left(cell)
        return found

    def _may_go(self, cell: CellFacts) -> bool:
        is_free = cell.index not in self._tasks and cell.seconds >= WORTH_IT
        return bool(cell.step) and is_free and self._independence.can_go(cell.index)

    def _left(self, cell: CellFacts) -> float:
        """How much longer a cell will take, if it is as it was."""
        since = self._since.get(cell.index)
        passed = 0.0 if since is None else asyncio.get_running_loop().time() - since
        return max(0.0, cell.seconds - passed)

    def _may_begin(self, index: int) -> bool:
        """Whether a further kernel that is ready is still to execute the step; it then does."""
        if index in self._taken or self._stopped:
            return False
        self._begun.add(index)
        self._since[index] = asyncio.get_running_loop().time()
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

"""One pass over a notebook's cells, saved as it goes."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from time import monotonic
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch import cell_status
from durable_nb.batch.ahead import Ahead
from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.ended import Ended, in_our_words, last_error, name_of, sum_up
from durable_nb.batch.inspecting.logs import shown_by_last_attempt
from durable_nb.batch.kernel_client import KernelClient
from durable_nb.batch.kernels import Kernels
from durable_nb.batch.losses import Losses
from durable_nb.batch.notebook_file import NotebookFile
from durable_nb.batch.progress import Progress
from durable_nb.batch.runs import Failure
from durable_nb.batch.side_kernel import further_kernel
from durable_nb.batch.steps import DeclaredStep, ending_cells, is_executable
from durable_nb.batch.stopping import signals_to
from durable_nb.core.endings import Ending
from durable_nb.core.independence import CellFacts
from durable_nb.core.model import State
from durable_nb.core.secrets import Secrets
from durable_nb.core.snapshot import snapshot

_SYNC_EVERY = 1.0
_BETWEEN = Failure("KeyboardInterrupt", "stopped between two cells")
_NOT_BEGUN = Failure("KeyboardInterrupt", "stopped before the first cell")
_LOST = Failure("KernelDied", "the kernel ended")
_log = logging.getLogger("durable_nb.batch")


class Execution:
    """Runs the cells of `nb`, in another kernel where one has died; `file` always holds what is finished."""

    def __init__(
        self,
        nb: NotebookNode,
        file: NotebookFile,
        steps: Mapping[int, DeclaredStep],
        progress: Progress,
        *,
        keep_going: bool,
        autosave_seconds: float,
        on_output: Callable[[NotebookNode], None],
        on_event: Callable[[Mapping[str, Any]], None],
        on_kernel: Callable[[Mapping[str, str]], None],
        jobs: int = 1,
        facts: Sequence[CellFacts] = (),
        secrets: Secrets,
        **traits: Any,
    ) -> None:
        self._nb = nb
        self._secrets = secrets
        traits["secrets"] = secrets  # for kernels
        self._file = file
        self._steps = steps
        self._progress = progress
        self._keep_going = keep_going
        self._autosave_seconds = autosave_seconds
        self._kernels = Kernels(
            nb,
            lambda: KernelClient(
                nb,
                on_change=file.touch,
                on_step=progress.step,
                on_output=on_output,
                on_event=on_event,
                **traits,
            ),
            on_kernel,
        )
        self._ends: dict[int, CellEnd] = {}
        self.given: set[str] = set()
        """Steps of which a person has given an output by hand: their failure does not stop the others."""
        self._ahead = Ahead(
            facts, jobs, lambda: further_kernel(nb, on_step=progress.step, on_event=on_event, **traits)
        )

    def run(self, run: Mapping[str, Any], losses: Losses) -> Ended:
        """Execute every cell, or up to the one that ends the run, and then the cells for that end.

        Args:
            run: What the kernel is told: run_id, store, notebook, engine, parameters, output.
            losses: Decides whether to go on when a kernel dies.

        Raises:
            UsageError: the kernel is not installed, or lacks durable_nb.
            KernelDiedError: the kernel ended before the first cell.
            StoreError: the output notebook cannot be written.
        """
        return _run_async(self._run(run, losses), self._request_stop)

    async def _run(self, run: Mapping[str, Any], losses: Losses) -> Ended:
        with signals_to(self._request_stop):
            try:
                return await self._run_saving(run, losses)
            except asyncio.CancelledError:
                if self._kernels.stop_signal is None:
                    raise
                return Ended(CellEnd.STOPPED, None, _NOT_BEGUN, self._kernels.stop_signal)
            finally:
                await self._ahead.close()
                await self._kernels.close()

    def _request_stop(self, signum: int) -> None:
        self._kernels.request_stop(signum)
        self._ahead.request_stop(signum)

    async def _run_saving(self, run: Mapping[str, Any], losses: Losses) -> Ended:
        duties = [asyncio.create_task(self._sync()), asyncio.create_task(self._autosave())]
        try:
            ended = await self._run_in_kernels(run, losses)
            return await self._run_endings(run, ended)
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)  # the last save raises what still is wrong

    async def _run_in_kernels(self, run: Mapping[str, Any], losses: Losses) -> Ended:
        """Go through the notebook, from its first cell again each time that a kernel is lost."""
        while True:
            told = {**run, "attempts": losses.attempts}
            before = monotonic()
            client = await self._kernels.start(told)
            self._ahead.begin(told, monotonic() - before)
            ended = await self._run_cells(client, losses)
            cell = next(reversed(self._ends), None)
            if ended.how is CellEnd.STOPPED or cell is None or not client.is_lost:
                return ended
            # At once, because a kernel that is stuck may hold the ledger's lock in another of its threads.
            await self._kernels.close()
            error = last_error(self._nb.cells[cell]) or _LOST
            error = replace(error, output=shown_by_last_attempt(self._nb.cells[cell]))
            if not losses.take(cell, self._ends[cell], error, client.step_report):
                return ended
            if self._kernels.stop_signal is not None:
                return Ended(CellEnd.STOPPED, None, _BETWEEN, self._kernels.stop_signal)
            self._begin_again()

    def _begin_again(self) -> None:
        cell_status.begin_again(self._nb)
        for index in range(len(self._nb.cells)):
            self._file.touch(index)
        self._progress.restart()

    # Cells

    async def _run_cells(self, client: KernelClient, losses: Losses) -> Ended:
        self._ends = {}
        for index, cell in enumerate(self._nb.cells):
            ahead = await self._ahead.arrive(index) if is_executable(cell) else {}
            if self._kernels.stop_signal is not None:
                return Ended(CellEnd.STOPPED, None, _BETWEEN, self._kernels.stop_signal)
            if is_executable(cell):
                how = await self._run_cell(client, index, {**losses.about(index), **ahead})
                self._ahead.passed(index, well=how.goes_on)
                if not self._goes_on_after(index, how) or client.is_lost:
                    break
            elif cell.cell_type != "code":
                self._pass_over(index, cell)
            self._progress.advance()
        return sum_up(self._ends, lambda i: last_error(self._nb.cells[i]), self._kernels.stop_signal)

    def _goes_on_after(self, index: int, how: CellEnd) -> bool:
        step = self._steps.get(index)
        others_too = self._keep_going or (step is not None and step.cell.name in self.given)
        return how.goes_on or (others_too and how.lets_others_go_on)

    async def _run_cell(self, client: KernelClient, index: int, about: Mapping[str, Any]) -> CellEnd:
        cell = self._nb.cells[index]
        self._begin_cell(index, cell)
        how = self._ends[index] = await client.run_cell(index, about)
        ours = in_our_words(self._steps.get(index), how, client.step_report, self._as_written(cell))
        cell_status.finish(self._nb, cell, failed=how.is_failure, ours=ours)
        self._file.touch(index)
        return how

    def _begin_cell(self, index: int, cell: NotebookNode) -> None:
        self._progress.start(name_of(index, self._steps))
        step = self._steps.get(index)
        cell_status.start(
            cell, snapshot(step.cell.name, State.RUNNING, self._as_written(cell)) if step else None
        )
        self._file.touch(index)
        self._file.save_cell()

    def _as_written(self, cell: NotebookNode) -> str:
        """The text of a cell as the file has it."""
        return self._secrets.masked(str(cell.source))

    def _pass_over(self, index: int, cell: NotebookNode) -> None:
        cell_status.start(cell)
        cell_status.finish(self._nb, cell, failed=False)
        self._file.touch(index)

    # The end

    async def _run_endings(self, run: Mapping[str, Any], ended: Ended) -> Ended:
        """Run the cells that are for this end of a run; an orderly stop by a person or the system is none."""
        if ended.how is CellEnd.STOPPED:
            return ended
        if ended.state is State.COMPLETED:
            ended = await self._run_ending(Ending.SUCCESS, run, ended)
        if ended.state is not State.COMPLETED and ended.how is not CellEnd.STOPPED:
            ended = await self._run_ending(Ending.FAILURE, run, ended)
        return ended

    async def _run_ending(self, ending: Ending, run: Mapping[str, Any], ended: Ended) -> Ended:
        for index in ending_cells(self._nb, ending):
            client = await self._kernels.usable(run)
            cell = self._nb.cells[index]
            self._begin_cell(index, cell)
            how = await client.run_cell(index, {"outcome": ended.outcome(run, self._steps).as_json()})
            cell_status.finish_ending(cell, failed=how.is_failure)
            self._file.touch(index)
            if how is CellEnd.STOPPED:
                return Ended(how, index, last_error(cell), self._kernels.stop_signal)
            if how.is_failure and ending is Ending.SUCCESS:
                cell_status.finish(self._nb, cell, failed=True)
                return Ended(CellEnd.FAILED, index, last_error(cell), failed=(index,))
            if how.is_failure:
                _log.warning("cell %d, for the end of a run, failed: %s", index + 1, last_error(cell))
        return ended

    # Saving

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY)
            self._file.sync()

    async def _autosave(self) -> None:
        while self._autosave_seconds > 0:
            await asyncio.sleep(self._autosave_seconds)
            self._file.autosave()


def _run_async(work: Coroutine[Any, Any, Ended], stop: Callable[[int], None]) -> Ended:
    """Run `work` in a loop of its own, in a thread of its own if this one has a loop that is running.

    Args:
        work: What to do.
        stop: Told, in that loop, of Ctrl-C: only the main thread hears of it.
    """
    if not _has_running_loop():
        return asyncio.run(work)
    begun: Future[asyncio.AbstractEventLoop] = Future()

    async def begin() -> Ended:
        begun.set_result(asyncio.get_running_loop())
        return await work

    with ThreadPoolExecutor(1, thread_name_prefix="durable_nb-execution") as pool:
        done = pool.submit(asyncio.run, begin())
        while True:
            try:
                return done.result()
            except KeyboardInterrupt:
                if done.done():
                    raise
                begun.result().call_soon_threadsafe(stop, signal.SIGINT)


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

"""One pass over a notebook's cells, saved as it goes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch import cell_status
from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.kernel_client import KernelClient
from durable_nb.batch.notebook_file import NotebookFile
from durable_nb.batch.progress import Progress
from durable_nb.batch.runs import Failure
from durable_nb.batch.steps import DeclaredStep, is_executable
from durable_nb.core.errors import UsageError

_LOADS_EXTENSION = re.compile(r"^\s*%?(?:re)?load_ext\s+durable_nb\b", re.MULTILINE)
_SYNC_EVERY = 1.0
_STAY = '__import__("durable_nb.batch.orphan", fromlist=["_"]).end_with_parent({parent})'
_BETWEEN = Failure("KeyboardInterrupt", "stopped between two cells")
_NOT_BEGUN = Failure("KeyboardInterrupt", "stopped before the first cell")
_LOAD = 'get_ipython().run_line_magic("load_ext", "durable_nb")'


@dataclass(frozen=True, slots=True)
class Ended:
    """How a pass over a notebook ended."""

    how: CellEnd = CellEnd.COMPLETED
    cell: int | None = None
    """Index of the cell that ended it; None if all cells ran."""
    error: Failure | None = None
    stop_signal: int | None = None
    """The signal by which this process was asked to end."""


class Execution:
    """Runs the cells of `nb` in one kernel; `file` always holds what has been finished."""

    def __init__(
        self,
        nb: NotebookNode,
        file: NotebookFile,
        steps: Mapping[int, DeclaredStep],
        progress: Progress,
        *,
        autosave_seconds: float,
        on_output: Callable[[NotebookNode], None],
        **traits: Any,
    ) -> None:
        self._nb = nb
        self._file = file
        self._steps = steps
        self._progress = progress
        self._autosave_seconds = autosave_seconds
        self._on_output = on_output
        self._traits = traits

    def run(self, run: Mapping[str, Any]) -> Ended:
        """Execute every cell, or up to the one that fails.

        Args:
            run: What the kernel is told: run_id, store, notebook, engine, parameters.

        Raises:
            UsageError: the kernel is not installed, or lacks durable_nb.
            KernelDiedError: the kernel ended before the first cell.
            StoreError: the output notebook cannot be written.
        """
        return _run_async(self._run(run))

    async def _run(self, run: Mapping[str, Any]) -> Ended:
        file, progress = self._file, self._progress
        self._client = client = KernelClient(
            self._nb, on_change=file.touch, on_step=progress.step, on_output=self._on_output, **self._traits
        )
        with _signals_to(client.request_stop):
            try:
                await client.start(run)
                await self._prepare()
                return await self._run_cells_saving()
            except asyncio.CancelledError:
                if client.stop_signal is None:
                    raise
                return Ended(CellEnd.STOPPED, None, _NOT_BEGUN, client.stop_signal)
            finally:
                await client.close()
                client.set_widgets_metadata()

    async def _run_cells_saving(self) -> Ended:
        duties = [asyncio.create_task(self._sync()), asyncio.create_task(self._autosave())]
        try:
            return await self._run_cells()
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)  # the last save raises what still is wrong

    async def _prepare(self) -> None:
        info = await self._client.language()
        self._nb.metadata["language_info"] = NotebookNode(info)
        if info.get("name") != "python":
            return
        code = _STAY.format(parent=os.getpid())
        if not any(_LOADS_EXTENSION.search(cell.source) for cell in self._nb.cells if is_executable(cell)):
            code += "\n" + _LOAD
        reply = await self._client.run_silently(code)
        if reply["status"] != "ok":
            raise UsageError(_cannot_load(self._client.kernel_name, reply))

    async def _run_cells(self) -> Ended:
        for index, cell in enumerate(self._nb.cells):
            if self._client.stop_signal is not None:
                return Ended(CellEnd.STOPPED, None, _BETWEEN, self._client.stop_signal)
            if is_executable(cell):
                how = await self._run_cell(index, cell)
                if not how.goes_on:
                    return Ended(how, index, _last_error(cell), self._client.stop_signal)
            elif cell.cell_type != "code":
                self._pass_over(index, cell)
            self._progress.advance()
        return Ended()

    async def _run_cell(self, index: int, cell: NotebookNode) -> CellEnd:
        step = self._steps.get(index)
        self._progress.start(step.cell.name if step else f"cell {index + 1}")
        cell_status.start(cell)
        self._file.touch(index)
        self._file.save_cell()
        how = await self._client.run_cell(index)
        cell_status.finish(self._nb, cell, failed=how.is_failure)
        self._file.touch(index)
        return how

    def _pass_over(self, index: int, cell: NotebookNode) -> None:
        cell_status.start(cell)
        cell_status.finish(self._nb, cell, failed=False)
        self._file.touch(index)

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY)
            self._file.sync()

    async def _autosave(self) -> None:
        while self._autosave_seconds > 0:
            await asyncio.sleep(self._autosave_seconds)
            self._file.autosave()


def _cannot_load(kernel: str, reply: Mapping[str, Any]) -> str:
    found = f"{reply.get('ename')}: {reply.get('evalue')}"
    if "No module named 'durable_nb'" not in found:
        return f"the kernel {kernel!r} cannot load durable_nb: {found}"
    return (
        f"the Python of the kernel {kernel!r} has no durable_nb. Install it there, "
        "or name a kernel that has it with -k; `jupyter kernelspec list` shows where each one is."
    )


def _last_error(cell: NotebookNode) -> Failure | None:
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if not errors:
        return None
    return Failure(errors[-1].ename, errors[-1].evalue, "\n".join(errors[-1].traceback))


def _run_async(work: Coroutine[Any, Any, Ended]) -> Ended:
    """Run `work` in a loop of its own, in a thread of its own if this one has a loop that is running."""
    if not _has_running_loop():
        return asyncio.run(work)
    with ThreadPoolExecutor(1, thread_name_prefix="durable_nb-execution") as pool:
        return pool.submit(asyncio.run, work).result()


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def _signals_to(stop: Callable[[int], None]) -> Iterator[None]:
    """While cells run, Ctrl-C and SIGTERM ask for an orderly end; only the main thread can listen."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in wanted}
    for number in wanted:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])

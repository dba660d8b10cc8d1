"""Several processes of this machine that do rows at the same time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from durable_nb.batch.stopping import signals_to
from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.core.model import State

_LONGEST_LINE = 1 << 26
_LAST_WORDS = 400
COMMAND = (sys.executable, "-m", "durable_nb.batch.sweeping.row_worker")

Task = Mapping[str, Any]


class RowPool:
    """Does rows in processes of this machine.

    Args:
        jobs: How many at the same time.
        on_start: Called with the number of a row that begins.
        on_result: Called with what became of a row.
    """

    def __init__(
        self, jobs: int, on_start: Callable[[int], None], on_result: Callable[[RowResult], None]
    ) -> None:
        self._jobs = jobs
        self._on_start = on_start
        self._on_result = on_result
        self._waiting: deque[Task] = deque()
        self._processes: set[Process] = set()
        self.stop_signal: int | None = None
        """The signal by which this process was asked to end, if any."""

    def run(self, tasks: Sequence[Task]) -> None:
        """Do all rows, or those that have begun when this process is asked to end."""
        asyncio.run(self._run(tasks))

    async def _run(self, tasks: Sequence[Task]) -> None:
        self._waiting.extend(tasks)
        with signals_to(self._request_stop):
            await asyncio.gather(*(self._work() for _ in range(min(self._jobs, len(tasks)))))

    def _request_stop(self, signum: int) -> None:
        """Rows that have begun end in good order; asked twice, they do not wait for their cells."""
        self.stop_signal = self.stop_signal or signum
        self._waiting.clear()
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signum)

    async def _work(self) -> None:
        """Do one row after the other in a process; in another one where that has died."""
        with tempfile.TemporaryFile() as errors:
            process: Process | None = None
            try:
                while self._waiting:
                    if process is None or process.returncode is not None:
                        process = await self._start(errors)
                    if self._waiting:  # a request to stop may have come meanwhile
                        await self._do(self._waiting.popleft(), process, errors)
            finally:
                if process is not None:
                    await self._end(process)

    async def _start(self, errors: BinaryIO) -> Process:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            limit=_LONGEST_LINE,
            start_new_session=True,  # a terminal's Ctrl-C is passed on from here, once
        )
        self._processes.add(process)
        return process

    async def _do(self, task: Task, process: Process, errors: BinaryIO) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._on_start(task["number"])
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            await process.stdin.drain()
        except ConnectionError:
            pass  # it has died; that it gives no answer says so
        line = await process.stdout.readline()
        if line:
            self._on_result(RowResult.from_json(json.loads(line)))
            return
        await process.wait()
        self._on_result(self._without_answer(task["number"], process, errors))

    def _without_answer(self, number: int, process: Process, errors: BinaryIO) -> RowResult:
        if self.stop_signal is not None:
            return RowResult(number, State.CANCELLED, error="stopped before it began")
        return RowResult(number, State.INTERRUPTED, error=how_it_died(process.returncode, errors))

    async def _end(self, process: Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        self._processes.discard(process)


def how_it_died(status: int | None, errors: BinaryIO) -> str:
    """One line on a process that gave no answer: its signal or its status, and its last words."""
    if status is not None and status < 0:
        return f"its process was killed by {signal.Signals(-status).name}"
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_WORDS))
    words = errors.read().decode("utf-8", "replace").strip().splitlines()
    return f"its process ended with status {status}" + (f": {words[-1]}" if words else "")

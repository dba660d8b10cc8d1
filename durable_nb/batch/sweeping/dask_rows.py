"""Rows of a sweep on the workers of a Dask cluster that share a folder with this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from durable_nb.batch.stopping import signals_to
from durable_nb.batch.sweeping.row_pool import COMMAND, Task, how_it_died
from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.core.errors import UsageError
from durable_nb.core.model import State

if TYPE_CHECKING:
    from distributed import Client

_LOOK = 0.3
"""Seconds between two looks of a worker at whether the sweep was stopped."""
PATIENCE = 5
"""Seconds that the scheduler has to answer."""


class DaskRows:
    """Does rows on a Dask cluster.

    Args:
        address: Of its scheduler.
        jobs: How many rows are with the cluster at the same time.
        on_start: Called with the number of a row that is sent.
        on_result: Called with what became of a row.

    Raises:
        UsageError: dask.distributed is not installed here.
    """

    def __init__(
        self,
        address: str,
        jobs: int,
        on_start: Callable[[int], None],
        on_result: Callable[[RowResult], None],
    ) -> None:
        try:
            import distributed  # noqa: F401  # said now, and not in the middle
        except ModuleNotFoundError as error:
            raise UsageError("--dask needs dask.distributed: pip install 'durable_nb[dask]'") from error
        self._address = address
        self._jobs = jobs
        self._on_start = on_start
        self._on_result = on_result
        self._stopping = asyncio.Event()
        self._is_lost = False
        """Whether the scheduler is gone: rows that have not begun are left."""
        self.stop_signal: int | None = None
        """The signal by which this process was asked to end, if any."""

    def run(self, tasks: Sequence[Task]) -> None:
        """Do all rows, or those that have begun when this process is asked to end.

        Raises:
            UsageError: No scheduler answers at the address.
        """
        with _quiet():
            asyncio.run(self._run(tasks))

    async def _run(self, tasks: Sequence[Task]) -> None:
        from distributed import Client

        stop = f"durable_nb-stop-{uuid4().hex}"
        try:
            client = await Client(self._address, asynchronous=True, timeout=PATIENCE)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {self._address}: {error}. Start one: dask scheduler"
            ) from error
        try:
            with signals_to(self._request_stop):
                passing_on = asyncio.create_task(self._pass_on(client, stop))
                free = asyncio.Semaphore(self._jobs)
                await asyncio.gather(*(self._do(client, task, stop, free) for task in tasks))
                passing_on.cancel()
        finally:
            await client.close()

    def _request_stop(self, signum: int) -> None:
        self.stop_signal = self.stop_signal or signum
        self._stopping.set()

    async def _pass_on(self, client: Client, stop: str) -> None:
        """Tell the workers that the sweep is to stop."""
        from distributed import Event

        await self._stopping.wait()
        await Event(stop, client=client).set()

    async def _do(self, client: Client, task: Task, stop: str, free: asyncio.Semaphore) -> None:
        async with free:
            if self._stopping.is_set() or self._is_lost:
                return
            self._on_start(task["number"])
            try:
                told = await client.submit(do_in_process, dict(task), stop, pure=False, key=_key(task, stop))
            except Exception as error:  # noqa: BLE001 - whatever befalls a worker, the other rows go on
                self._is_lost |= client.status != "running"
                told = RowResult(task["number"], State.INTERRUPTED, error=self._why(error)).as_json()
            self._on_result(RowResult.from_json(told))

    def _why(self, error: Exception) -> str:
        if self._is_lost:
            return f"the Dask scheduler at {self._address} does not answer any more"
        return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside the block dask logs nothing: what goes wrong with a row is in its result, in our words."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if _is_of_dask(name)]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was


def _is_of_dask(name: str) -> bool:
    return name.partition(".")[0] in {"distributed", "tornado"}


def _key(task: Task, stop: str) -> str:
    return f"durable_nb-row-{task['number']}-{stop[-12:]}"


def do_in_process(task: dict[str, Any], stop: str) -> dict[str, Any]:
    """Called on a Dask worker: do one row in a process of its own, and stop it when the sweep is stopped.

    A task of a worker runs in a thread, and a run needs the main one.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        with process:
            assert process.stdin is not None
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
            answer = _answer(process, stop)
        if answer:
            told: dict[str, Any] = json.loads(answer)
            return told
        error = how_it_died(process.returncode, errors)
        return RowResult(task["number"], State.INTERRUPTED, error=error).as_json()


def _answer(process: subprocess.Popen[bytes], stop: str) -> bytes:
    """What the process says when it is done."""
    from distributed import Event

    assert process.stdout is not None
    assert process.stdin is not None
    done = threading.Event()
    lines: list[bytes] = []

    def read() -> None:
        lines.append(process.stdout.readline())  # type: ignore[union-attr]  # asserted above
        done.set()

    threading.Thread(target=read, daemon=True).start()
    stopped = Event(stop)
    told = False
    while not done.wait(_LOOK):
        if not told and stopped.is_set():
            told = True
            process.send_signal(signal.SIGINT)
    process.stdin.close()
    return lines[0]

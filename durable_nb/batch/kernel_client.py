"""The conversation with a kernel: cells go out, outputs come in, and every cell comes to a stated end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, time
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode

from durable_nb.batch import streams
from durable_nb.batch.asked import OF_ONE_RUN
from durable_nb.batch.cell_end import CellEnd, ensure_error, error_output, how_it_ended
from durable_nb.batch.masked_messages import MaskedMessages
from durable_nb.batch.patience import GRACE, Move, Patience
from durable_nb.core.errors import KernelDiedError, StepTimeoutError, UsageError
from durable_nb.core.protocol import EVENT_MIME, REQUEST_KEY, RUN_VARIABLE, STATUS_MIME
from durable_nb.core.secrets import Secrets

_POLL = 0.2
_SETTLE = 0.3
_REPLY_OVERDUE = 0.5
_SUBSCRIBED = 1.0
_NOT_RUN = {"BlockedError": CellEnd.BLOCKED, "WaitingError": CellEnd.WAITING}
"""Errors by which the kernel says that it has not run a cell."""
_LONGEST_SOCKET_FOLDER = 90
"""Systems allow 103 bytes or more for a socket's path, of which its name takes up to 10."""


@dataclass(slots=True)
class _Request:
    """One execute_request on its way."""

    index: int | None
    """Of the cell; None for code that is not part of the notebook."""
    reply: asyncio.Future[dict[str, Any]] = field(default_factory=asyncio.Future)
    idle: asyncio.Future[None] = field(default_factory=asyncio.Future)


class KernelClient(NotebookClient):
    """Starts one kernel, executes cells of one notebook in it, and never leaves it behind.

    What a cell's messages mean is nbclient's work; how long to wait for them, and what it means when
    they do not come, is decided here.
    """

    def __init__(
        self,
        nb: NotebookNode,
        *,
        on_change: Callable[[int], None],
        on_step: Callable[[Mapping[str, Any]], None],
        on_output: Callable[[NotebookNode], None],
        on_event: Callable[[Mapping[str, Any]], None],
        secrets: Secrets | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(nb, **traits)
        self.secrets = secrets if secrets is not None else Secrets()
        """What is in no output."""
        self._messages = MaskedMessages(self.secrets)
        self.reset_execution_trackers()
        self._on_change = on_change
        self._on_step = on_step
        self._on_output = on_output
        self._on_event = on_event
        self._requests: dict[str, _Request] = {}
        self._background: list[asyncio.Task[None]] = []
        self._last_message = 0.0
        self._starting: asyncio.Task[None] | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._busy = False
        self.step_report: Mapping[str, Any] = {}
        """What the kernel said last of the step in the running cell; empty if it has said nothing."""
        loop = asyncio.get_running_loop()
        self._died: asyncio.Future[None] = loop.create_future()
        self._stop: asyncio.Future[int] = loop.create_future()
        self._news = asyncio.Event()
        self.exit_text = ""
        """Once the kernel has died: how, for people (``the kernel was killed by SIGKILL``)."""

    # Life of the kernel

    async def start(self, run: Mapping[str, Any]) -> None:
        """Start the kernel, tell it which run it works for, and wait until it answers.

        Raises:
            UsageError: no kernel of the notebook's kernel name is installed.
            KernelDiedError: the kernel ended while it started, or did not answer in time.
        """
        self._starting = asyncio.create_task(self._start({RUN_VARIABLE: json.dumps(run, default=str)}))
        try:
            await self._starting
        except NoSuchKernel as error:
            raise UsageError(
                f"the notebook asks for the kernel {error.name!r}, which is not installed here. "
                "See `jupyter kernelspec list`, and name one of those with -k."
            ) from error
        except RuntimeError as error:
            raise KernelDiedError(f"the kernel {self.kernel_name!r} did not start: {error}") from error
        finally:
            self._starting = None
        for duty in (self._receive_outputs(), self._receive_replies(), self._watch_process()):
            self._background.append(asyncio.create_task(duty))

    async def _start(self, environment: Mapping[str, str]) -> None:
        self.km = self.create_kernel_manager()
        self._folder = TemporaryDirectory(prefix="durable_nb-", ignore_cleanup_errors=True)
        self.km.connection_file = f"{self._folder.name}/kernel.json"
        if _shares_our_files(self.km) and len(self._folder.name) <= _LONGEST_SOCKET_FOLDER:
            # Sockets in a folder that only this user can open, and no race for a free TCP port.
            self.km.transport = "ipc"
            self.km.ip = f"{self._folder.name}/socket"
        # What was asked of this run is not asked of runs that its cells may start.
        ours = {name: text for name, text in os.environ.items() if name not in OF_ONE_RUN}
        await self.async_start_new_kernel(env={**ours, **environment})
        await self.async_start_new_kernel_client()

    async def language(self) -> dict[str, Any]:
        """The kernel's language_info, once it is sure that its outputs are heard here."""
        assert self.kc is not None
        for _ in range(max(1, self.startup_timeout)):
            request = self._requests[self.kc.kernel_info()] = _Request(None)
            message = await self._unless_dead(request.reply)
            # Whoever subscribes is not told when that has taken effect: until then outputs are lost.
            await self._first_of(request.idle, self._died, within=_SUBSCRIBED)
            if request.idle.done():
                info: dict[str, Any] = message["content"]["language_info"]
                return info
        raise KernelDiedError(f"the kernel {self.kernel_name!r} answers, but its outputs do not arrive")

    async def run_silently(self, code: str, expressions: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Execute code that is not part of the notebook; returns the content of the reply.

        Args:
            code: What is executed.
            expressions: What is asked then: name → expression.
        """
        request = self._send(code, index=None, silent=True, expressions=expressions)
        message = await self._unless_dead(request.reply)
        content: dict[str, Any] = message["content"]
        return content

    async def close(self) -> None:
        """End the kernel: by its own exit if it is idle, by SIGKILL if it is busy or does not answer.

        SIGKILL also ends what a kernel that is gone has left running in its process group: workers that
        went on writing files would meet the next kernel's attempt of the same step.
        """
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        try:
            if self.km is not None:
                await self._end_process()
        finally:
            if self._folder is not None:
                self._folder.cleanup()

    async def _end_process(self) -> None:
        manager = self._manager
        if manager.has_kernel:
            await manager.shutdown_kernel(now=self._busy or not await manager.is_alive())
        await manager.cleanup_resources()
        if self.kc is not None:
            self.kc.stop_channels()
            self.kc = None

    def request_stop(self, signum: int) -> None:
        """Interrupt the running cell and end the run; asked twice, do not wait for the cell."""
        if not self._stop.done():
            self._stop.set_result(signum)
            if self._starting is not None:
                self._busy = True
                self._starting.cancel()
        elif not self._died.done():
            self.exit_text = "the kernel was killed at the second request to stop"
            self._died.set_result(None)

    @property
    def is_lost(self) -> bool:
        """Whether no more cells can be run in this kernel: it is gone, or still busy with one."""
        return self._died.done() or self._busy

    @property
    def stop_signal(self) -> int | None:
        """The signal this process was asked to end by, if any."""
        return self._stop.result() if self._stop.done() else None

    # One cell

    async def run_cell(self, index: int, about: Mapping[str, Any] | None = None) -> CellEnd:
        """Execute the cell at `index`; its outputs are in the notebook when this returns.

        Args:
            index: Of the cell.
            about: What the kernel is told of it, beside its tags and its index.
        """
        cell = self.nb.cells[index]
        cell.outputs = []
        cell.metadata["execution"] = {}
        self.clear_before_next_output = False
        self.step_report = {}
        request = self._send(cell.source, index=index, metadata=_about(cell, index, about or {}))
        answered = asyncio.ensure_future(self._answer(request))
        self._busy = True
        try:
            end = await self._end_of(cell, answered, self._get_timeout(cell))
        finally:
            self._busy = not answered.done()
            answered.cancel()
        self._on_change(index)
        return end

    async def _end_of(
        self, cell: NotebookNode, answered: asyncio.Future[Any], limit: float | None
    ) -> CellEnd:
        overdue = await self._wait_for_end(answered, limit)
        if answered.done():
            return self._read_reply(cell, answered.result())
        if self._died.done():
            return self._end_by_death(cell)
        if not overdue or self._stop.done():
            await self._interrupt(answered)
        if self._stop.done():
            if answered.done() and (answered.result() or {}).get("status") == "ok":
                return CellEnd.COMPLETED
            reason = f"the run was stopped by {signal.Signals(self._stop.result()).name}"
            ensure_error(cell, "KeyboardInterrupt", reason)
            return CellEnd.STOPPED
        if overdue:
            why = "the step did not end at its time limit, nor when it was interrupted; its kernel was killed"
            cell.outputs.append(error_output(StepTimeoutError.__name__, why))
            return CellEnd.OVERDUE
        cell.outputs.append(
            error_output("CellTimeoutError", f"the cell ran for more than its limit of {limit} s")
        )
        return CellEnd.TIMED_OUT

    async def _wait_for_end(self, answered: asyncio.Future[Any], limit: float | None) -> bool:
        """Wait for the cell's end, its time limit, or the end of all; whether its step is past saving.

        A step's own limit is the kernel's business. Only if that does not end the attempt, because its code
        is deep in a library, it is interrupted from here, and at last given up.
        """
        until = None if limit is None else monotonic() + limit
        patience = Patience()
        while not (answered.done() or self._died.done() or self._stop.done()):
            left = None if until is None else until - monotonic()
            if left is not None and left <= 0:
                break
            move, pause = patience.next(self._deadline(), time())
            if move is Move.GIVE_UP:
                return True
            if move is Move.INTERRUPT:
                await self._manager.interrupt_kernel()
                continue
            await self._until_news(answered, _shorter(left, pause))
        return False

    async def _until_news(self, answered: asyncio.Future[Any], within: float | None) -> None:
        """Wait for the end of a cell, or for a word about its step."""
        self._news.clear()
        news = asyncio.ensure_future(self._news.wait())
        try:
            await self._first_of(answered, self._died, self._stop, news, within=within)
        finally:
            news.cancel()

    def _deadline(self) -> float | None:
        """When the running attempt should have ended by itself, in seconds since the epoch."""
        deadline = self.step_report.get("deadline")
        return float(deadline) if isinstance(deadline, int | float) else None

    def _end_by_death(self, cell: NotebookNode) -> CellEnd:
        for part in self._messages.rest():
            self._take_output(part, self._requests[part["parent_header"]["msg_id"]])
        cell.outputs.append(error_output("KernelDied", f"{self.exit_text} while this cell ran"))
        return CellEnd.STOPPED if self._stop.done() else CellEnd.DIED

    def _read_reply(self, cell: NotebookNode, reply: Mapping[str, Any] | None) -> CellEnd:
        if reply is None:
            ensure_error(cell, "LostReply", "the kernel became idle without saying how the cell ended")
            return CellEnd.FAILED
        cell.execution_count = reply.get("execution_count", cell.execution_count)
        if reply["status"] == "ok":
            return CellEnd.COMPLETED
        name, value = str(reply.get("ename", "Error")), str(reply.get("evalue", ""))
        ensure_error(cell, name, value, reply.get("traceback"))
        if name == "SystemExit" and value in {"", "0"}:
            return CellEnd.EXITED
        if name in _NOT_RUN:
            return _NOT_RUN[name]
        if self._may_fail(cell) or name in self.allow_error_names:
            return CellEnd.ERROR_ALLOWED
        return CellEnd.FAILED

    def _may_fail(self, cell: NotebookNode) -> bool:
        return not self.force_raise_errors and (
            self.allow_errors or "raises-exception" in cell.metadata.get("tags", [])
        )

    async def _interrupt(self, answered: asyncio.Future[Any]) -> None:
        await self._manager.interrupt_kernel()
        await self._first_of(answered, self._died, within=GRACE)

    # Messages

    def _send(
        self,
        code: str,
        *,
        index: int | None,
        silent: bool = False,
        metadata: Mapping[str, Any] | None = None,
        expressions: Mapping[str, str] | None = None,
    ) -> _Request:
        assert self.kc is not None
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": dict(expressions or {}),
            "allow_stdin": False,
            "stop_on_error": index is None or not self._may_fail(self.nb.cells[index]),
        }
        message = self.kc.session.msg("execute_request", content, metadata=dict(metadata or {}))
        request = self._requests[message["header"]["msg_id"]] = _Request(index)
        self.kc.shell_channel.send(message)
        return request

    async def _answer(self, request: _Request) -> dict[str, Any] | None:
        """The content of the reply, after the cell's last output; None if the kernel owes it for ever."""
        signs: list[asyncio.Future[Any]] = [request.reply, request.idle]
        await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        if not request.reply.done() and await self._reply_is_lost(request):
            return None
        while not request.idle.done():
            seen = self._last_message
            await asyncio.wait({request.idle}, timeout=self.iopub_timeout)
            if not request.idle.done() and seen == self._last_message:
                self.log.warning("the kernel never said that it is idle again; outputs may be missing")
                break
        content: dict[str, Any] = request.reply.result()["content"]
        return content

    async def _reply_is_lost(self, request: _Request) -> bool:
        """Prove that no reply will come: the kernel answers in turn, and has answered a later question.

        ipykernel loses a reply when it fails while it makes one, as it did for exception groups.
        """
        assert self.kc is not None
        await asyncio.wait({request.reply}, timeout=_REPLY_OVERDUE)
        if request.reply.done():
            return False
        question = _Request(None)
        self._requests[self.kc.kernel_info()] = question
        await asyncio.wait({request.reply, question.reply}, return_when=asyncio.FIRST_COMPLETED)
        return not request.reply.done()

    async def _receive_outputs(self) -> None:
        assert self.kc is not None
        while True:
            message = await self.kc.iopub_channel.get_msg(timeout=None)
            self._last_message = monotonic()
            request = self._requests.get(message["parent_header"].get("msg_id"))
            if request is not None:
                for part in self._messages.take(message):
                    self._take_output(part, request)

    def _take_output(self, message: dict[str, Any], request: _Request) -> None:
        if request.index is None:
            if message["content"].get("execution_state") == "idle" and not request.idle.done():
                request.idle.set_result(None)
            return
        cell = self.nb.cells[request.index]
        self._read_status(message)
        try:
            output = self.process_message(message, cell, request.index)
        except CellExecutionComplete:
            if not request.idle.done():
                request.idle.set_result(None)
            return
        self._on_change(request.index)
        if output is not None:
            self._on_output(output)

    def _read_status(self, message: Mapping[str, Any]) -> None:
        """Take note of what the kernel says of a step, in a new output or a changed one."""
        data = message["content"].get("data", {})
        if isinstance(data, dict) and isinstance(data.get(EVENT_MIME), dict):
            self._on_event(data[EVENT_MIME])
            return
        step = data.get(STATUS_MIME)
        if isinstance(step, dict) and message["msg_type"] in {"display_data", "update_display_data"}:
            self.step_report = step
            self._news.set()
            self._on_step(step)

    async def _receive_replies(self) -> None:
        assert self.kc is not None
        while True:
            message = await self.kc.shell_channel.get_msg(timeout=None)
            request = self._requests.get(message["parent_header"].get("msg_id"))
            if request is not None and not request.reply.done():
                request.reply.set_result(self._messages.masked(message))

    async def _watch_process(self) -> None:
        while await self._manager.is_alive():  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(_POLL)
        while monotonic() - self._last_message < _SETTLE:  # noqa: ASYNC110 - waits for silence
            await asyncio.sleep(_POLL)
        if not self._died.done():
            self.exit_text = how_it_ended(self._manager.provisioner)
            self._died.set_result(None)
        await asyncio.Event().wait()

    @property
    def _manager(self) -> AsyncKernelManager:
        assert isinstance(self.km, AsyncKernelManager)
        return self.km

    async def _first_of(self, *futures: asyncio.Future[Any], within: float | None = None) -> None:
        """Wait for any of `futures`; what went wrong in the background is raised, not waited out."""
        waiting = {*futures, *self._background}
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        for task in self._background:
            if task.done():
                task.result()

    async def _unless_dead(self, reply: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
        await self._first_of(reply, self._died, within=self.startup_timeout)
        if reply.done():
            return reply.result()
        how = self.exit_text or f"the kernel did not answer within {self.startup_timeout} s"
        raise KernelDiedError(f"before the first cell could run {how} (kernel {self.kernel_name!r})")

    # What nbclient calls for each message

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Add an output to a cell; a stream goes on in the output it began."""
        outputs = len(outs)
        out = super().output(outs, msg, display_id, cell_index)
        if out is not None and len(outs) == outputs + 1 and streams.continues(outs):
            return streams.join_last_two(outs)
        return out

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        super()._update_display_id(display_id, msg)
        for index in self._display_id_map.get(display_id, ()):
            self._on_change(index)


def _shares_our_files(manager: KernelManager) -> bool:
    """Whether the kernel is ipykernel, started as it is, and not through conda, docker, ssh or a gateway."""
    spec = manager.kernel_spec
    if spec is None or not spec.argv or not manager.ipykernel:
        return False
    return Path(spec.argv[0]).name.startswith("python") and "kernel_provisioner" not in spec.metadata


def _shorter(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)


def _about(cell: NotebookNode, index: int, more: Mapping[str, Any]) -> dict[str, Any]:
    tags = list(cell.metadata.get("tags", []))
    return {"cellId": cell.get("id", ""), REQUEST_KEY: {"tags": tags, "index": index, **more}}

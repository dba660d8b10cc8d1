"""The kernels of one run: one at a time, each told of the run, none left behind."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.kernel_client import KernelClient
from durable_nb.batch.steps import is_executable
from durable_nb.core.errors import UsageError

_LOADS_EXTENSION = re.compile(r"^\s*%?(?:re)?load_ext\s+durable_nb\b", re.MULTILINE)
_STAY = '__import__("durable_nb.batch.orphan", fromlist=["_"]).end_with_parent({parent})'
_LOAD = 'get_ipython().run_line_magic("load_ext", "durable_nb")'


class Kernels:
    """Starts a kernel, replaces it by another, ends it; passes on the request to stop."""

    def __init__(self, nb: NotebookNode, make: Callable[[], KernelClient]) -> None:
        self._nb = nb
        self._make = make
        self._client: KernelClient | None = None
        self.stop_signal: int | None = None
        """The signal by which this process was asked to end, if any."""

    def request_stop(self, signum: int) -> None:
        """Interrupt the running cell and end the run; asked twice, do not wait for the cell."""
        self.stop_signal = self.stop_signal or signum
        if self._client is not None:
            self._client.request_stop(signum)

    async def start(self, run: Mapping[str, Any]) -> KernelClient:
        """End the present kernel, if there is one, and start another.

        Args:
            run: What it is told.

        Raises:
            UsageError: the kernel is not installed, or lacks durable_nb.
            KernelDiedError: the kernel ended before the first cell.
        """
        await self.close()
        self._client = client = self._make()
        if self.stop_signal is not None:
            client.request_stop(self.stop_signal)
        await client.start(run)
        await self._prepare(client)
        return client

    async def usable(self, run: Mapping[str, Any]) -> KernelClient:
        """The present kernel, or another one if it is lost."""
        if self._client is None or self._client.is_lost:
            return await self.start(run)
        return self._client

    async def close(self) -> None:
        """End the present kernel."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
            client.set_widgets_metadata()

    async def _prepare(self, client: KernelClient) -> None:
        info = await client.language()
        self._nb.metadata["language_info"] = NotebookNode(info)
        if info.get("name") != "python":
            return
        code = _STAY.format(parent=os.getpid())
        if not any(_LOADS_EXTENSION.search(cell.source) for cell in self._nb.cells if is_executable(cell)):
            code += "\n" + _LOAD
        reply = await client.run_silently(code)
        if reply["status"] != "ok":
            raise UsageError(_cannot_load(client.kernel_name, reply))


def _cannot_load(kernel: str, reply: Mapping[str, Any]) -> str:
    found = f"{reply.get('ename')}: {reply.get('evalue')}"
    if "No module named 'durable_nb'" not in found:
        return f"the kernel {kernel!r} cannot load durable_nb: {found}"
    return (
        f"the Python of the kernel {kernel!r} has no durable_nb. Install it there, "
        "or name a kernel that has it with -k; `jupyter kernelspec list` shows where each one is."
    )

"""The kernels of one run: one at a time, each told of the run, none left behind."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.imports import imported_packages
from durable_nb.batch.kernel_client import KernelClient
from durable_nb.batch.steps import is_executable
from durable_nb.core.errors import UsageError

_LOADS_EXTENSION = re.compile(r"^\s*%?(?:re)?load_ext\s+durable_nb\b", re.MULTILINE)
_STAY = '__import__("durable_nb.batch.orphan", fromlist=["_"]).end_with_parent({parent})'
_TELL_SECRETS = '__import__("durable_nb.kernel.secret_values", fromlist=["_"]).receive({values!r})'
_LOAD = 'get_ipython().run_line_magic("load_ext", "durable_nb")'
_VERSIONS = '__import__("durable_nb.kernel.versions", fromlist=["_"]).versions({imported})'


class Kernels:
    """Starts a kernel, replaces it by another, ends it; passes on the request to stop.

    Args:
        nb: The notebook.
        make: Makes a client for another kernel.
        on_start: Told of each kernel that is ready, with the versions of what the notebook runs on.
    """

    def __init__(
        self,
        nb: NotebookNode,
        make: Callable[[], KernelClient],
        on_start: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._nb = nb
        self._make = make
        self._on_start = on_start
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
        asked = {"versions": _VERSIONS.format(imported=imported_packages(self._nb))}
        reply = await client.run_silently(code, asked)
        if reply["status"] != "ok":
            raise UsageError(_cannot_load(client.kernel_name, reply))
        if client.secrets:
            # Not by the environment: whatever the kernel starts would have them too.
            values = json.dumps(client.secrets.values, default=str)
            taken = await client.run_silently(_TELL_SECRETS.format(values=values))
            if taken["status"] != "ok":
                raise UsageError(_cannot_take_secrets(client))
        self._on_start(_versions(reply["user_expressions"]["versions"]))


def _versions(answer: Mapping[str, Any]) -> dict[str, str]:
    """What the kernel answered; nothing where its durable_nb is older than the question."""
    if answer.get("status") != "ok":
        return {}
    found: dict[str, str] = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
    return found


def _cannot_take_secrets(client: KernelClient) -> str:
    return (
        f"the durable_nb of the kernel {client.kernel_name!r} is too old to be given secret parameters "
        f"({', '.join(client.secrets.names)}). Upgrade it there: pip install --upgrade durable_nb"
    )


def _cannot_load(kernel: str, reply: Mapping[str, Any]) -> str:
    found = f"{reply.get('ename')}: {reply.get('evalue')}"
    if "No module named 'durable_nb'" not in found:
        return f"the kernel {kernel!r} cannot load durable_nb: {found}"
    return (
        f"the Python of the kernel {kernel!r} has no durable_nb. Install it there, "
        "or name a kernel that has it with -k; `jupyter kernelspec list` shows where each one is."
    )

"""A real kernel for the benchmarks, fed cell by cell as a notebook feeds it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager


class CellFailedError(Exception):
    """A cell of a benchmark raised."""


@contextmanager
def kernel(folder: Path, environment: Mapping[str, str]) -> Iterator[BlockingKernelClient]:
    """A started kernel whose working directory is the folder; shut down at the end."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env={**os.environ, **environment})
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def run(client: BlockingKernelClient, source: str) -> None:
    """Run one cell and wait for its reply."""
    reply = client.execute(source, reply=True, timeout=300)
    content = reply["content"]
    if content["status"] != "ok":
        raise CellFailedError(f"{source.splitlines()[0]}: {content.get('ename')}: {content.get('evalue')}")


def evaluate(client: BlockingKernelClient, expression: str) -> str:
    """The repr of an expression in the kernel."""
    reply = client.execute("", user_expressions={"asked": expression}, reply=True, timeout=300)
    return str(reply["content"]["user_expressions"]["asked"]["data"]["text/plain"])


def milliseconds_each(client: BlockingKernelClient, cells: list[str]) -> float:
    """Run the cells one after the other; the mean time of one."""
    start = time.perf_counter()
    for cell in cells:
        run(client, cell)
    return (time.perf_counter() - start) / len(cells) * 1e3

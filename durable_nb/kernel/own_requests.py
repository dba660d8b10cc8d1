"""Cells that the kernel asks itself to run, as a front end would: each in its turn, interruptible, recorded.

The requests go through the kernel's own shell channel. So they wait for the cell that runs, what comes after
waits for them, and a failure cancels those that were asked for together.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from durable_nb.core.errors import UsageError

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

ABORTED = "aborted"
"""What becomes of a cell that was asked for together with one that failed: it is not run."""
Cell = tuple[str, str]
"""Source and cell id."""
_LOOK = 1.0
"""Seconds between two looks whether the kernel is to end."""


def run_cells(cells: Sequence[Cell], on_end: Callable[[list[str]], None]) -> None:
    """Have cells run one after the other once the kernel is free; returns at once.

    Args:
        cells: Source and cell id of each.
        on_end: Called in another thread with what became of each: ``ok``, ``error`` or ABORTED.

    Raises:
        UsageError: This is no kernel that can be sent requests.
    """
    client = _client()
    requests = [_send(client, source, cell_id) for source, cell_id in cells]

    def wait() -> None:
        try:
            ends = [_end(client, request) for request in requests]
        finally:
            client.stop_channels()
        on_end(ends)

    threading.Thread(target=wait, name="durable_nb-requests", daemon=True).start()


def _client() -> BlockingKernelClient:
    from ipykernel.connect import get_connection_file
    from jupyter_client.blocking.client import BlockingKernelClient

    try:
        file = get_connection_file()
    except RuntimeError as error:
        raise UsageError(
            "cells can be run from the panel in a Jupyter kernel only; run the cell yourself"
        ) from error
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    client.start_channels(iopub=False, stdin=False, hb=False, control=False)
    return client


def _send(client: BlockingKernelClient, source: str, cell_id: str) -> str:
    content = {
        "code": source,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    metadata = {"cellId": cell_id} if cell_id else {}
    message = client.session.msg("execute_request", content, metadata=metadata)
    client.shell_channel.send(message)
    return str(message["header"]["msg_id"])


def _end(client: BlockingKernelClient, request: str) -> str:
    while True:
        try:
            reply = client.get_shell_msg(timeout=_LOOK)
        except queue.Empty:
            continue
        if reply["parent_header"].get("msg_id") == request:
            return str(reply["content"]["status"])

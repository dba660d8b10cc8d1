"""A further kernel of a run, in which steps are executed before their turn."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.kernel_client import KernelClient
from durable_nb.batch.kernels import Kernels
from durable_nb.core.errors import DurableError
from durable_nb.core.independence import CellFacts
from durable_nb.core.model import State

_log = logging.getLogger("durable_nb.batch")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step that was executed before its turn."""

    began: bool = False
    """Whether an attempt was made."""
    completed: bool = False
    is_there: bool = False
    """Whether its results are in the store, from this attempt or from before."""
    report: Mapping[str, Any] = field(default_factory=dict)
    """What the kernel said last of the step."""


class SideKernel:
    """One further kernel; another one replaces it after a failure.

    Args:
        kernels: Starts the kernel.
    """

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._has: set[int] = set()
        """The cells whose definitions or results it has."""
        self._last = -1
        """The last of them in the notebook's order."""

    async def execute(
        self,
        index: int,
        before: Sequence[CellFacts],
        run: Mapping[str, Any],
        may_begin: Callable[[], bool],
    ) -> Outcome:
        """Execute a step.

        Args:
            index: Of its cell.
            before: The cells that give it what it needs.
            run: What a kernel is told of the run.
            may_begin: Asked when the kernel is ready: whether the step is still to be executed here.
        """
        try:
            client = await self._ready(before, run)
            if client is None or not may_begin():
                return Outcome()
            how = await client.run_cell(index)
        except DurableError as error:
            _log.warning("cell %d could not be executed before its turn: %s", index + 1, error)
            return await self._failed(Outcome())
        self._took(index)
        report = client.step_report
        if how is not CellEnd.COMPLETED:
            return await self._failed(Outcome(how is not CellEnd.BLOCKED, report=report))
        executed = report.get("state") == State.COMPLETED
        return Outcome(executed, executed, True, report)

    async def _ready(self, before: Sequence[CellFacts], run: Mapping[str, Any]) -> KernelClient | None:
        """The kernel with all that a step needs; None where something cannot be brought back."""
        missing = [cell for cell in before if cell.index not in self._has]
        if any(cell.index < self._last for cell in missing):
            # What comes later in the notebook may have the same names: it must not be bound over again.
            await self.close()
            missing = list(before)
        client = await self._kernels.usable(run)
        for cell in missing:
            if not await _give(client, cell):
                await self.close()
                return None
            self._took(cell.index)
        return client

    def _took(self, index: int) -> None:
        self._has.add(index)
        self._last = max(self._last, index)

    async def _failed(self, outcome: Outcome) -> Outcome:
        """What a failure has left in the kernel is of no use to any other step."""
        await self.close()
        return outcome

    def request_stop(self, signum: int) -> None:
        """Interrupt the running step."""
        self._kernels.request_stop(signum)

    async def close(self) -> None:
        """End the kernel."""
        self._has.clear()
        self._last = -1
        await self._kernels.close()


def further_kernel(
    nb: NotebookNode,
    *,
    on_step: Callable[[Mapping[str, Any]], None],
    on_event: Callable[[Mapping[str, Any]], None],
    **traits: Any,
) -> SideKernel:
    """A further kernel for a notebook, whose outputs stay in a copy of it.

    Args:
        nb: The notebook.
        on_step: Told what the kernel says of a step.
        on_event: Told of the events that it passes on.
        traits: Settings of nbclient's NotebookClient.
    """
    own = copy.deepcopy(nb)
    without_cells = NotebookNode({**nb, "cells": [], "metadata": copy.deepcopy(nb.metadata)})

    def client() -> KernelClient:
        return KernelClient(
            own, on_change=_ignore, on_step=on_step, on_output=_ignore, on_event=on_event, **traits
        )

    return SideKernel(Kernels(without_cells, client, _ignore))


def _ignore(_: object) -> None:
    """Nobody reads the outputs of a further kernel: the notebook's own shows them again."""


async def _give(client: KernelClient, cell: CellFacts) -> bool:
    """Execute a cell's definitions, or bring its step back; whether that succeeded."""
    if not cell.step:
        reply = await client.run_silently(cell.replay)
        return bool(reply["status"] == "ok")
    return await client.run_cell(cell.index, {"restore": True}) is CellEnd.COMPLETED

"""Two kernels at one step: one executes it, the other waits, says for whom, and then reuses."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Mapping

from durable_nb.core.errors import StoreError
from durable_nb.core.model import EventKind, State
from durable_nb.core.wording import duration
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.results.recording import show_line
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.telling import Telling
from durable_nb.kernel.step_code import StepCode
from durable_nb.store.step_locks import step_lock

_PAUSE = 0.05
"""Seconds between two looks at a lock that another process holds."""


class StepLock:
    """Held while a step is executed: no other process executes the same meanwhile.

    The operating system frees it when this process ends, however it ends.

    Args:
        session: The kernel's session.
        step: The step.
        telling: Where it is told for whom the step waits.
        identities: Under each name that the step has and had, what tells executions of it apart that may go
            on at the same time: another kernel may have its cell as it was before it was renamed.
    """

    def __init__(
        self, session: Session, step: StepCode, telling: Telling, identities: Mapping[str, str]
    ) -> None:
        self._session = session
        self._step = step
        self._telling = telling
        locks = [step_lock(session.store.path, name, identity) for name, identity in identities.items()]
        self._locks = sorted(locks, key=lambda lock: lock.path)
        self._awaited = self._locks[0]
        self._held = False
        self._holder = ""
        self._shown = False
        self._started = time.monotonic()

    async def acquire(self, *, awaits: bool) -> bool:
        """Wait until nobody else executes the step; an interrupt cancels it.

        Args:
            awaits: Whether the cell runs in the kernel's event loop.

        Returns:
            Whether another process was at it, so that the decision is to be made anew.

        Raises:
            StoreError: The step is to be executed at most once, and the lock cannot be taken.
        """
        __tracebackhide__ = True
        try:
            if self._try():
                return False
        except StoreError:
            if self._step.cell.options.at_most_once:
                raise
            return False  # a store that cannot be written keeps nothing, and nobody waits for nothing
        await self._wait(awaits=awaits)
        return True

    def release(self) -> None:
        """Let the next one in."""
        if self._held:
            self._held = False
            with unwatched():
                for lock in self._locks:
                    lock.discard()

    def _try(self) -> bool:
        """Take all of them or none, so that two that need the same ones never wait for each other."""
        with unwatched(), contextlib.ExitStack() as taken:
            for lock in self._locks:
                if not lock.try_acquire():
                    self._awaited = lock
                    return False
                taken.callback(lock.discard)
            taken.pop_all()
        self._held = True
        return True

    async def _wait(self, *, awaits: bool) -> None:
        __tracebackhide__ = True
        try:
            while not self._try():
                with unwatched():
                    holder = self._awaited.holder()
                if holder != self._holder:
                    self._holder = holder
                    self._show(f"waits for {holder}, which executes it")
                if awaits:
                    await asyncio.sleep(_PAUSE)
                else:
                    time.sleep(_PAUSE)  # noqa: ASYNC251 - such a cell runs outside of any event loop
        except BaseException:
            self._cancelled()
            raise
        self._show(f"waited {self._waited()} for {self._holder}")

    def _waited(self) -> str:
        return duration(time.monotonic() - self._started)

    def _show(self, words: str) -> None:
        report = dataclasses.replace(self._telling.made(State.RUNNING, 0), reason=words)
        with unwatched():
            line = self._telling.line_id(0, f"waits-{self._started}")
            show_line(self._session.shell, report.waiting_bundle(), line, again=self._shown)
        self._shown = True

    def _cancelled(self) -> None:
        reason = f"interrupted while it waited for {self._holder}"
        self._telling.report(State.CANCELLED, 0, reason=reason)
        self._telling.emit(EventKind.STEP_CANCELLED, 0, cell_id=self._step.cell_id, reason=reason)

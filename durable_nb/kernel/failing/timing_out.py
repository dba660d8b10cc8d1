"""The time limit of an attempt: whatever its code does in Python, it is interrupted when the time is up.

A thread keeps the time. Code that awaits is cancelled by the event loop; code that runs, sleeps or waits for
a subprocess gets a signal, whose handler raises in it. It is raised in the step's own code only, and again
after a while if that goes on in spite of it. Code stuck in a C function that looks at no signals cannot be
interrupted from inside: for that an engine is told the deadline.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import CodeType, FrameType, TracebackType

from durable_nb.core.errors import StepTimeoutError
from durable_nb.core.wording import duration

_SIGNAL = signal.SIGRTMAX - 3 if hasattr(signal, "SIGRTMAX") else signal.SIGALRM
"""One that nobody else uses where there are such: the cell's code may set an alarm of its own."""
_LOOP_PATIENCE = 0.2
"""Seconds an event loop has to cancel the step, before its code counts as running and not as waiting."""
_AGAIN = 2.0
"""Seconds after which code that goes on in spite of an interrupt is interrupted again."""


class _TimeUp(BaseException):
    """Raised in a step's code; no ``except Exception`` of it must catch this."""


class TimeLimit:
    """The time limit of one attempt.

    Args:
        step: Name of the step.
        seconds: The limit; None for none yet.
        announce: Called with the deadline, in seconds since the epoch, whenever it is set; with None when the
            code has ended.
        in_batch: Whether an interrupt after the deadline comes from an engine that has waited for the end.
    """

    def __init__(
        self,
        step: str,
        seconds: float | None,
        announce: Callable[[float | None], None],
        *,
        in_batch: bool = False,
    ) -> None:
        self._in_batch = in_batch
        self._step = step
        self._limit = seconds
        self._announce = announce
        self._changed = threading.Condition()
        self._started = 0.0
        self._deadline: float | None = None
        self._ended = True
        self._expired = False
        self._thread: threading.Thread | None = None
        self._target = 0
        self._body: CodeType | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancels = 0
        self._cancels_before = 0
        self._handler: object = None

    def extend(self, seconds: float) -> float:
        """Move the deadline, and return how many seconds are left.

        Without a limit there is nothing to move, and any time is left.
        """
        with self._changed:
            if self._deadline is None or self._limit is None or self._ended:
                return float("inf")
            self._limit += seconds
            self._deadline += seconds
            left = self._deadline - time.monotonic()
            self._changed.notify_all()
        self._announce(time.time() + left)
        return left

    @asynccontextmanager
    async def limiting(self, body: CodeType, *, awaits: bool) -> AsyncIterator[None]:
        """Limit the time of the block.

        Args:
            body: Code of the function that runs the step's statements: interrupts reach what it calls.
            awaits: Whether it runs in the kernel's event loop.

        Raises:
            StepTimeoutError: The time was up.
        """
        if self._limit is None:
            yield
            return
        self._begin(body, awaits=awaits)
        try:
            yield
        except BaseException as error:
            interrupted = self._end(error)
            late = isinstance(error, (Exception, KeyboardInterrupt) if self._in_batch else Exception)
            if not self._expired or not (interrupted or late):
                raise
            cause = None if interrupted else error
            _leave_out(error.__traceback__, TimeLimit._on_signal.__code__)
            raise self._error().with_traceback(error.__traceback__) from cause
        self._end(None)
        if self._expired:
            # Its code caught the interrupt: what it made after that is not what it meant to make.
            raise self._error()

    def _begin(self, body: CodeType, *, awaits: bool) -> None:
        assert self._limit is not None
        self._body = body
        self._target = threading.get_ident()
        if awaits:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            self._cancels_before = self._task.cancelling() if self._task is not None else 0
        if self._is_main:
            self._handler = signal.signal(_SIGNAL, self._on_signal)
        self._started = time.monotonic()
        self._deadline = self._started + self._limit
        self._ended = False
        self._announce(time.time() + self._limit)
        self._thread = threading.Thread(target=self._keep_time, name="durable_nb-time-limit", daemon=True)
        self._thread.start()

    def _end(self, error: BaseException | None) -> bool:
        """The code has ended; whether by our interrupt."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        assert self._thread is not None
        self._thread.join()
        self._announce(None)
        if self._is_main:
            handler = signal.SIG_DFL if self._handler is None else self._handler
            signal.signal(_SIGNAL, handler)  # type: ignore[arg-type]  # what signal() has returned
        if self._task is not None and self._cancels:
            for _ in range(self._cancels):
                others = self._task.uncancel() - self._cancels_before
            if isinstance(error, asyncio.CancelledError):
                return others <= 0  # otherwise somebody else has cancelled it too
        return isinstance(error, _TimeUp) or (
            isinstance(error, BaseExceptionGroup) and error.subgroup(_TimeUp) is not None
        )

    def _error(self) -> StepTimeoutError:
        limit = duration(self._limit or 0.0)
        return StepTimeoutError(f"step {self._step} took longer than its --timeout of {limit}")

    @property
    def _is_main(self) -> bool:
        return self._target == threading.main_thread().ident

    # In the thread that keeps the time.

    def _keep_time(self) -> None:
        with self._changed:
            while not self._ended:
                assert self._deadline is not None
                left = self._deadline - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                self._expired = True
                self._stop()
                self._changed.wait(_AGAIN)

    def _stop(self) -> None:
        if self._loop is not None:
            before = self._cancels
            self._loop.call_soon_threadsafe(self._cancel)
            if self._changed.wait_for(lambda: self._ended or self._cancels > before, _LOOP_PATIENCE):
                return
        if self._is_main:
            signal.pthread_kill(self._target, _SIGNAL)
        elif self._runs():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._target), ctypes.py_object(_TimeUp)
            )

    def _runs(self) -> bool:
        return self._is_in_body(sys._current_frames().get(self._target))

    # In the thread of the step.

    def _cancel(self) -> None:
        """Called by the event loop, so the step waits."""
        with self._changed:
            if self._ended or self._task is None:
                return
            self._cancels += 1
            self._changed.notify_all()
        self._task.cancel()

    def _on_signal(self, _number: int, frame: FrameType | None) -> None:
        if not self._ended and self._is_in_body(frame):
            raise _TimeUp

    def _is_in_body(self, frame: FrameType | None) -> bool:
        """Whether the step's own code runs, and not ours before or after it, nor another task's."""
        while frame is not None:
            if frame.f_code is self._body:
                return True
            frame = frame.f_back
        return False


def _leave_out(frames: TracebackType | None, last: CodeType) -> None:
    """Cut off the end of a traceback that is our own."""
    while frames is not None and frames.tb_next is not None:
        if frames.tb_next.tb_frame.f_code is last:
            frames.tb_next = None
        frames = frames.tb_next

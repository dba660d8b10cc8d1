"""Work that needs the notebook's variables, done in the kernel's main thread while no cell runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from durable_nb.core.errors import DurableError
from durable_nb.kernel.session import Session

Result = TypeVar("Result")
_PATIENCE = 10.0
"""Seconds to wait for other work of the main thread."""


class CellRunsError(DurableError):
    """A cell runs, and what was asked needs the notebook's variables."""


def in_turn(session: Session, work: Callable[[], Result]) -> Result:
    """Do some work between two cells, in the thread that runs them.

    Raises:
        CellRunsError: A cell runs, so that variables may change at any moment.
        Exception: Whatever the work raises.
    """
    if threading.current_thread() is session.thread:
        return work()  # a cell that runs waits for this
    _refuse_while_busy(session)
    done = start_in_turn(session, work)
    try:
        return done.result(_PATIENCE)
    except TimeoutError as error:
        done.cancel()
        raise CellRunsError("the kernel is busy: ask again when it is free") from error


def _refuse_while_busy(session: Session) -> None:
    if session.open_cells:
        raise CellRunsError("a cell is running: ask again when it has ended")


def start_in_turn(session: Session, work: Callable[[], Result]) -> Future[Result]:
    """Have work done in the main thread soon; it fails with CellRunsError if a cell runs by then."""
    done: Future[Result] = Future()

    def do() -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            _refuse_while_busy(session)
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
            done.set_exception(error)

    loop: Any = getattr(getattr(session.shell, "kernel", None), "io_loop", None)
    if loop is None:
        done.set_running_or_notify_cancel()
        done.set_exception(CellRunsError("this is no Jupyter kernel: its variables cannot be looked at"))
    else:
        loop.add_callback(do)
    return done

"""An IPython extension that makes a kernel go wrong as it is told by its environment.

It is loaded by the kernel specification that a laboratory makes, and by nothing else. All it uses is open to
everybody: the observers of a session, audit events, and the points of a store.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from durable_nb.core.errors import NotFingerprintableError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import EventKind, StepEvent
from durable_nb.kernel import magics
from durable_nb.kernel.session import Session
from durable_nb.kernel.told import told_of
from durable_nb.testing.faults import Fault, from_json
from durable_nb.testing.points import NO_ROOM, Points, error_of

VARIABLE = "DURABLE_NB_TESTING"
"""Environment variable: faults, and a folder in which counts and what was seen are kept, as JSON."""
EVENTS, POINTS, VALUES = "events", "points", "values.json"
_BODY = "run_body"
"""The function that executes the statements of a step."""


def load_ipython_extension(shell: Any) -> None:
    """Called by IPython when the kernel starts."""
    told = json.loads(os.environ[VARIABLE])
    magics.load(shell)
    session = magics.session_of(shell)
    folder = Path(told["folder"])
    injected = Injected(session, folder, [from_json(about) for about in told["faults"]])
    injected.install(Path(told["store"]))
    values = Values(session, folder, told["last_cell"])
    shell.events.register("post_run_cell", values.after_cell)
    atexit.register(values.at_exit)


class Injected:
    """The faults of one kernel.

    Args:
        session: The kernel's session.
        folder: Where counts are kept: several kernels share them.
        faults: What is to go wrong.
    """

    def __init__(self, session: Session, folder: Path, faults: list[Fault]) -> None:
        self._session = session
        self._folder = folder
        self._faults = faults
        self._points = 0
        self._body: list[Fault] = []
        self._statement = 0
        self._full = False
        self._uncounted: list[Fault] = []

    def install(self, store: Path) -> None:
        """Let them happen from now on."""
        self._session.observers.insert(0, self._observe)
        sys.addaudithook(self._in_body)
        Points(store, self._pass).install()

    def _observe(self, event: StepEvent) -> None:
        self._note(EVENTS, f"{event.kind.value} {event.step}")
        mine = [fault for fault in self._faults if fault.step == event.step and self._is_left(fault)]
        for fault in mine:
            if fault.kind == "kill" and fault.when is event.kind:
                self._strike(fault)
                _die()
        if event.kind is EventKind.EXECUTING:
            self._statement = 0
            self._body = [fault for fault in mine if fault.kind in {"fail", "slow"}]
            self._uncounted = [fault for fault in mine if fault.kind == "disk_full"]
            self._full = bool(self._uncounted)
        elif event.kind in {EventKind.ATTEMPT_FINISHED, EventKind.ATTEMPT_STARTED}:
            self._body, self._uncounted, self._full = [], [], False

    def _in_body(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Audit hook: each statement of a step is executed by ``exec`` or ``eval``."""
        if event != "exec" or not self._body or sys._getframe(1).f_code.co_name != _BODY:
            return
        number, self._statement = self._statement, self._statement + 1
        for fault in [fault for fault in self._body if fault.statement == number]:
            self._body.remove(fault)
            self._strike(fault)
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            else:
                raise _error(fault)

    def _pass(self, name: str) -> None:
        """A point of the store."""
        self._points += 1
        self._note(POINTS, name)
        for fault in self._faults:
            if fault.kind == "kill_at_write" and fault.point == self._points and self._is_left(fault):
                self._strike(fault)
                _die()
        if self._full and not name.startswith(("transaction", "remove")):
            while self._uncounted:
                self._strike(self._uncounted.pop())
            raise error_of(NO_ROOM)

    def _is_left(self, fault: Fault) -> bool:
        """Whether a fault is still to happen, in this kernel or in those before it."""
        path = self._folder / self._file_of(fault)
        return not path.exists() or len(path.read_text().splitlines()) < fault.times

    def _strike(self, fault: Fault) -> None:
        """Count a fault, for kernels to come too."""
        self._note(self._file_of(fault), "happened")

    def _file_of(self, fault: Fault) -> str:
        return f"fault-{self._faults.index(fault)}"

    def _note(self, name: str, text: str) -> None:
        """Append a line to a file that outlives this process."""
        with (self._folder / name).open("a") as file:
            file.write(text + "\n")


class Values:
    """Writes down what the variables are, as fingerprints: they can be compared with another run's.

    Args:
        session: The kernel's session.
        folder: Where they are written down.
        last_cell: Index of the notebook's last cell that is executed; a cell of parameters may be added.
    """

    def __init__(self, session: Session, folder: Path, last_cell: int) -> None:
        self._session = session
        self._path = folder / VALUES
        self._last_cell = last_cell
        self._are_final = False

    def after_cell(self, result: Any) -> None:
        """Called by IPython after each cell; not at the exit alone, since an engine waits a while only."""
        if told_of(result.info).get("index", -1) >= self._last_cell:
            self._note()
            self._are_final = True

    def at_exit(self) -> None:
        """The run may have ended before the last cell."""
        if not self._are_final:
            self._note()

    def _note(self) -> None:
        namespace = self._session.namespace
        namespace.lazy.load_all()
        found = {name: _fingerprint(value) for name, value in sorted(namespace.own().items())}
        whole = self._path.with_suffix(".new")
        whole.write_text(json.dumps(found))
        whole.replace(self._path)


def _fingerprint(value: object) -> str:
    try:
        return fingerprint(value)
    except NotFingerprintableError:
        return f"a {type(value).__qualname__}"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _error(fault: Fault) -> BaseException:
    module, _, name = fault.error.rpartition(".")
    found: BaseException = getattr(importlib.import_module(module), name)(fault.message)
    return found


__all__ = ["load_ipython_extension"]

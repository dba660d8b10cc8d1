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
    injected = Injected(session, Path(told["folder"]), [from_json(about) for about in told["faults"]])
    injected.install(Path(told["store"]))
    atexit.register(injected.note_values)


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

    def install(self, store: Path) -> None:
        """Let them happen from now on."""
        self._session.observers.insert(0, self._observe)
        sys.addaudithook(self._in_body)
        Points(store, self._pass).install()

    def _observe(self, event: StepEvent) -> None:
        self._note(EVENTS, f"{event.kind.value} {event.step}")
        mine = [fault for fault in self._faults if fault.step == event.step]
        for fault in mine:
            if fault.kind == "kill" and fault.when is event.kind and self._happens(fault):
                _die()
        if event.kind is EventKind.EXECUTING:
            self._statement = 0
            self._body = [f for f in mine if f.kind in {"fail", "slow"} and self._happens(f)]
            self._full = any(f.kind == "disk_full" and self._happens(f) for f in mine)
        elif event.kind in {EventKind.ATTEMPT_FINISHED, EventKind.ATTEMPT_STARTED}:
            self._body, self._full = [], False

    def _in_body(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Audit hook: each statement of a step is executed by ``exec`` or ``eval``."""
        if event != "exec" or not self._body or sys._getframe(1).f_code.co_name != _BODY:
            return
        number, self._statement = self._statement, self._statement + 1
        for fault in [fault for fault in self._body if fault.statement == number]:
            self._body.remove(fault)
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            else:
                raise _error(fault)

    def _pass(self, name: str) -> None:
        """A point of the store."""
        self._points += 1
        self._note(POINTS, name)
        for fault in self._faults:
            if fault.kind == "kill_at_write" and fault.point == self._points and self._happens(fault):
                _die()
        if self._full and not name.startswith(("transaction", "remove")):
            raise error_of(NO_ROOM)

    def _happens(self, fault: Fault) -> bool:
        """Whether a fault is still to happen; if so it is counted, for kernels to come too."""
        number = self._faults.index(fault)
        return self._note(f"fault-{number}", "happened") <= fault.times

    def _note(self, name: str, text: str) -> int:
        """Append a line to a file that outlives this process; returns the number of its lines."""
        path = self._folder / name
        with path.open("a+") as file:
            file.write(text + "\n")
            file.seek(0)
            return sum(1 for _ in file)

    def note_values(self) -> None:
        """Write down what the variables are, as fingerprints: they can be compared with another run's."""
        namespace = self._session.namespace
        namespace.lazy.load_all()
        found = {name: _fingerprint(value) for name, value in sorted(namespace.own().items())}
        (self._folder / VALUES).write_text(json.dumps(found))


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

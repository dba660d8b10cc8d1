"""One life of a kernel in a forked process, and what may happen in it."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401  # loaded here, so that no forked process has to
import numpy as np
import pandas as pd  # noqa: F401  # the same
import platformdirs.unix  # noqa: F401  # the same
import pyarrow.parquet  # noqa: F401  # the same
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from durable_nb.core.errors import DurableWarning, NotFingerprintableError, StoreError
from durable_nb.core.fingerprint import fingerprint
from durable_nb.core.model import EventKind, StepEvent
from durable_nb.core.protocol import STATUS_MIME
from durable_nb.kernel import magics
from durable_nb.store.ledger import Ledger
from durable_nb.store.spool import Spool
from durable_nb.testing.points import Points, error_of

STAGE = "stage"
"""First word of the points that are boundaries of a step; the others are writes to the store."""
_PATIENCE = 60.0
_HUNG = 75
_NO_WRITES = (STAGE, "transaction", "remove")
_WRITTEN_BY_NOTEBOOK = "out.txt"


@dataclass(frozen=True)
class Happening:
    """What goes wrong in a life."""

    point: int = 0
    """At which point of the store, from 1; 0 for nothing."""
    error: int = 0
    """Error number; 0 for SIGKILL."""
    lasting: bool = False
    """Whether the error stays, as a full disk does."""
    delay: float = 0.0
    """Seconds from the point to the kill."""


@dataclass(frozen=True)
class Life:
    """What is known of a life after its end."""

    status: int
    """0 where it ended by itself, negative for a signal."""
    told: list[dict[str, Any]]
    complaint: str

    def of(self, kind: str) -> list[Any]:
        return [line[kind] for line in self.told if kind in line]


class _Publisher(DisplayPublisher):
    """Leaves out the lines of steps: they say how it went, and that may differ."""

    def publish(self, data: Any, metadata: Any = None, **more: Any) -> None:
        if STATUS_MIME not in data:
            super().publish(data, metadata, **more)


class _Shell(InteractiveShell):
    display_pub_class = Type(_Publisher)


def can_fail(point: str) -> bool:
    """Whether the operating system can refuse what comes after a point."""
    return not point.startswith(_NO_WRITES)


def make_shell() -> InteractiveShell:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return _Shell.instance(config=config)


def live(cells: list[str], folder: Path, happening: Happening = Happening(), *, durable: bool = True) -> Life:
    """Fork, run the cells in the folder, and wait for the end."""
    result = folder / "result.jsonl"
    result.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        status = 70
        try:
            _Forked(folder, result, happening, durable=durable).run(cells)
            status = 0
        except BaseException:  # noqa: BLE001  # a forked process must end here, whatever happens
            result.with_name("complaint").write_text(traceback.format_exc())
        finally:
            os._exit(status)
    status = _wait(child)
    lines = result.read_bytes().split(b"\n")[:-1] if result.exists() else []
    complaint = result.with_name("complaint")
    said = complaint.read_text() if complaint.exists() else ""
    complaint.unlink(missing_ok=True)
    return Life(status, [json.loads(line) for line in lines], said)


def _wait(child: int) -> int:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return _HUNG


class _Forked:
    """The life, inside the forked process."""

    def __init__(self, folder: Path, result: Path, happening: Happening, *, durable: bool) -> None:
        self._folder = folder
        self._shell = _Shell.instance()
        self._file = os.open(result, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._happening = happening
        self._durable = durable
        self._count = 0
        self._passing = threading.Lock()

    def run(self, cells: list[str]) -> None:
        os.chdir(self._folder)
        random.seed(1)
        np.random.seed(1)
        sys.stdout = sys.stderr = self._shown = io.StringIO()
        warnings.simplefilter("ignore", DurableWarning)  # of a damaged file: it is the point of the case
        if self._durable:
            magics.load(self._shell)
            magics.session_of(self._shell).observers.insert(0, self._observe)
            self._note_acknowledged()
            Points(self._folder / ".durable", self._pass).install()
        done = all(self._cell(source) for source in cells)
        if done:
            self._tell(final=self._describe())
        if self._durable:
            self._end()

    def _cell(self, source: str) -> bool:
        self._shown.seek(0)
        self._shown.truncate()
        result = self._shell.run_cell(source, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            self._tell(cell={"shown": self._shown.getvalue()})
            return True
        self._tell(
            error={
                "type": type(error).__name__,
                "ours": isinstance(error, StoreError),
                "text": self._shown.getvalue()[-3000:],
            }
        )
        return False

    def _describe(self) -> dict[str, str]:
        if self._durable:
            magics.session_of(self._shell).namespace.lazy.load_all()
        hidden = self._shell.user_ns_hidden
        found = {
            name: _describe(value)
            for name, value in self._shell.user_ns.items()
            if not name.startswith("_") and name not in hidden
        }
        if "same" in found:
            found["one list"] = str(self._shell.user_ns["same"] is self._shell.user_ns["numbers"])
        found["random"] = fingerprint(random.getstate())
        found["numpy"] = fingerprint(list(map(str, np.random.get_state())))
        written = self._folder / _WRITTEN_BY_NOTEBOOK
        found["file"] = written.read_text() if written.exists() else ""
        return found

    def _end(self) -> None:
        try:
            magics.unload(self._shell)
        except StoreError as error:
            self._tell(farewell=type(error).__name__)

    def _observe(self, event: StepEvent) -> None:
        if event.kind is EventKind.EXECUTING:
            self._tell(executed=event.step)
        self._pass(f"{STAGE} {event.kind.value}")

    def _note_acknowledged(self) -> None:
        """What the ledger has taken for durable, or the spool for it, must be there for ever."""
        for kind, name in ((Ledger, "record"), (Spool, "add")):
            setattr(kind, name, self._telling(getattr(kind, name)))

    def _telling(self, write: Callable[..., None]) -> Callable[..., None]:
        def told(where: Any, events: Sequence[StepEvent], **how: Any) -> None:
            write(where, events, **how)
            for event in events:
                self._tell(acknowledged=[event.kind.value, event.run_id, event.step, event.attempt])

        return told

    def _pass(self, name: str) -> None:
        with self._passing:
            self._count += 1
            happening, reached = self._happening, self._count - self._happening.point
            self._tell(point=name)
        if not happening.point or reached < 0 or (reached > 0 and not happening.lasting):
            return
        if not happening.error:
            self._tell(hit=name)
            threading.Thread(target=_kill_after, args=(happening.delay,)).start()
            if not happening.delay:
                time.sleep(_PATIENCE)
        elif can_fail(name):
            self._tell(hit=name)
            raise error_of(happening.error)

    def _tell(self, **facts: Any) -> None:
        os.write(self._file, json.dumps(facts).encode() + b"\n")


def _kill_after(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def _describe(value: object) -> str:
    try:
        return fingerprint(value)
    except NotFingerprintableError:
        return type(value).__qualname__

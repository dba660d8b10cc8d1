"""A process that has the libraries loaded, and forks one new kernel after the other: each a new process.

Reads a request (one line of JSON) from its standard input; answers with one line when the kernel has ended.
What the kernel saw is in the file that the request names, a line of JSON a cell: a killed one leaves a part.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import duckdb  # noqa: F401  # loaded here, so that no kernel has to
import numpy as np
import pandas as pd  # noqa: F401  # the same
import platformdirs.unix  # noqa: F401  # the same
import pyarrow.parquet  # noqa: F401  # the same
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from oracle import describe
from oracle.kernels import without_places
from traitlets import Type
from traitlets.config import Config

from durable_nb.kernel import magics

STATUS = "application/vnd.durable_nb.step+json"
_PATIENCE = 120  # seconds until a kernel counts as hung
_DESCRIBE = '__import__("oracle.describe", fromlist=["x"]).{how}(globals(), {folder!r})'


class _Publisher(DisplayPublisher):
    """Keeps status lines apart from what the notebook shows."""

    def publish(self, data: Any, metadata: Any = None, **more: Any) -> None:
        if STATUS in data:
            self.shell.statuses.append(data[STATUS])
        else:
            super().publish(data, metadata, **more)


class _Shell(InteractiveShell):
    display_pub_class = Type(_Publisher)
    statuses: list[Any]


def _make_shell() -> _Shell:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = _Shell.instance(config=config)
    shell.statuses = []
    return shell


class _Kernel:
    """One life of a kernel, in the forked process."""

    def __init__(self, shell: _Shell, request: dict[str, Any]) -> None:
        self._shell = shell
        self._request = request
        self._file = os.open(request["result"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._events = 0

    def live(self) -> None:
        os.chdir(self._request["folder"])
        os.environ.update(self._request["environment"])
        sys.path.insert(0, "")
        random.seed(self._request["seed"])
        np.random.seed(self._request["seed"])  # noqa: NPY002  # what notebooks use is what counts
        sys.stdout = sys.stderr = self._shown = io.StringIO()
        if self._request["durable"]:
            magics.load(self._shell)
            magics.session_of(self._shell).observers.insert(0, self._die_in_time)
        for action in self._request["script"]:
            if not getattr(self, f"_{action['do']}")(**{k: v for k, v in action.items() if k != "do"}):
                break
        else:
            self._tell(final=self._described("save"))
        if self._request["durable"] and self._request["farewell"]:
            magics.unload(self._shell)

    def _described(self, how: str) -> dict[str, Any]:
        code = _DESCRIBE.format(how=how, folder=self._request["folder"])
        self._shell.run_cell(code, store_history=False).raise_error()
        return dict(describe.found)

    def _die_in_time(self, event: Any) -> None:
        self._events += 1
        if self._events == self._request["die_at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    def _cell(self, source: str, cell_id: str = "") -> bool:
        self._shown.seek(0)
        self._shown.truncate()
        self._shell.statuses.clear()
        result = self._shell.run_cell(source, store_history=True, cell_id=cell_id or None)
        error = result.error_before_exec or result.error_in_exec
        shown = self._shown.getvalue() if error is None else ""
        self._tell(
            error="" if error is None else f"{type(error).__name__}: {error}",
            shown=without_places(shown, self._request["folder"]),
            traceback="" if error is None else self._shown.getvalue(),
            status=self._shell.statuses[-1] if self._shell.statuses else None,
            after=self._described("save_each") if self._request["each"] else None,
        )
        return error is None or self._request["go_on"]

    def _write(self, path: str, text: str) -> bool:
        target = Path(self._request["folder"], path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return True

    def _damage(self, path: str) -> bool:
        target = Path(path)
        content = bytearray(target.read_bytes())
        content[len(content) // 3] ^= 0xFF
        content[8:16] = bytes(8)
        target.write_bytes(content)
        return True

    def _remove(self, path: str) -> bool:
        Path(self._request["folder"], path).unlink(missing_ok=True)
        return True

    def _tell(self, **facts: Any) -> None:
        os.write(self._file, json.dumps(facts).encode() + b"\n")


def _run(shell: _Shell, request: dict[str, Any]) -> int:
    """Fork a kernel and wait for its end; the answer is its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            _Kernel(shell, request).live()
            status = 0
        except BaseException:  # noqa: BLE001  # a forked process must end here, whatever happens
            import traceback

            traceback.print_exc(file=sys.__stderr__)
        finally:
            sys.__stderr__.flush()
            os._exit(status)
    deadline = time.monotonic() + _PATIENCE
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return 75
        time.sleep(0.001)


def main() -> None:
    shell = _make_shell()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(_run(shell, json.loads(line)), file=answers, flush=True)


if __name__ == "__main__":
    main()

"""Real kernels for tests: start, run cells, restart, kill."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from oracle.kernels import ForkedKernels

STATUS = "application/vnd.durable_nb.step+json"
_PATIENCE = 120  # seconds until a kernel counts as hung


@dataclass
class CellResult:
    """What one execution showed."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    """nbformat-like outputs, the status line left out, neighbouring stream texts joined."""
    status: dict[str, Any] | None = None
    """The step's status line as JSON."""
    error: str = ""
    """Traceback without colours; empty where the cell succeeded."""

    @property
    def text(self) -> str:
        """All stream text."""
        return "".join(o["text"] for o in self.outputs if o["output_type"] == "stream")

    @property
    def result(self) -> str:
        """text/plain of the last expression."""
        return next(
            (o["data"]["text/plain"] for o in self.outputs if o["output_type"] == "execute_result"), ""
        )

    @property
    def state(self) -> str:
        return self.status["state"] if self.status else ""

    def take(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            last = self.outputs[-1] if self.outputs else {}
            if last.get("name") == content["name"]:
                last["text"] += content["text"]
            else:
                self.outputs.append({"output_type": kind, "name": content["name"], "text": content["text"]})
        elif kind == "error":
            self.error = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(content["traceback"]))
        elif kind in {"display_data", "execute_result"}:
            if STATUS in content["data"]:
                self.status = content["data"][STATUS]
            else:
                self.outputs.append({"output_type": kind, "data": content["data"]})


class Kernel:
    """A kernel in a folder of its own, as a front end sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}
        self._manager: KernelManager | None = None

    def start(self, *, extension: bool = True) -> None:
        self._manager = KernelManager()
        self._manager.start_kernel(cwd=str(self.folder), env={**os.environ, **self.environment})
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=_PATIENCE)
        if extension:
            self.run("%load_ext durable_nb")

    def run(self, code: str, *, cell_id: str = "") -> CellResult:
        """Run a cell and wait for its end."""
        message = self._client.session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
            metadata={"cellId": cell_id} if cell_id else {},
        )
        self._client.shell_channel.send(message)
        return self._result_of(message["header"]["msg_id"])

    def _result_of(self, request: str) -> CellResult:
        result = CellResult()
        while True:
            seen = self._client.get_iopub_msg(timeout=_PATIENCE)
            if seen["parent_header"].get("msg_id") != request:
                continue
            if seen["msg_type"] == "status" and seen["content"]["execution_state"] == "idle":
                break
            result.take(seen)
        self._client.get_shell_msg(timeout=_PATIENCE)
        return result

    def complete(self, code: str) -> list[str]:
        """What Tab offers at the end of the code."""
        return list(self.completion(code)["matches"])

    def completion(self, code: str, cursor: int | None = None) -> dict[str, Any]:
        """The whole answer to Tab; at the end of the code, where no other place is given."""
        reply = self._client.complete(code, cursor, reply=True, timeout=_PATIENCE)
        return dict(reply["content"])

    def inspect(self, code: str) -> str:
        """What Shift-Tab shows at the end of the code."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.tooltip(code).get("text/plain", ""))

    def tooltip(self, code: str, cursor: int | None = None) -> dict[str, str]:
        """All forms of what Shift-Tab shows; empty where it finds nothing."""
        reply = self._client.inspect(code, cursor, reply=True, timeout=_PATIENCE)
        return dict(reply["content"]["data"])

    def evaluate(self, expression: str) -> str:
        """The text/plain of an expression that a front end sends beside a silent cell."""
        reply = self._client.execute(
            "", silent=True, user_expressions={"asked": expression}, reply=True, timeout=_PATIENCE
        )
        return str(reply["content"]["user_expressions"]["asked"].get("data", {}).get("text/plain", ""))

    def send(self, code: str) -> None:
        """Start a cell and do not wait for it."""
        self._sent = self._client.execute(code)

    def finish(self) -> CellResult:
        """Wait for the end of the cell that was sent."""
        return self._result_of(self._sent)

    def wait_for_text(self, wanted: str) -> None:
        """Wait until a running cell has printed a text."""
        seen = ""
        while wanted not in seen:
            message = self._client.get_iopub_msg(timeout=_PATIENCE)
            if message["msg_type"] == "stream":
                seen += message["content"]["text"]

    def interrupt(self) -> None:
        assert self._manager is not None
        self._manager.interrupt_kernel()

    def kill(self) -> None:
        """SIGKILL, as the OOM killer does, and wait until the process is gone."""
        assert self._manager is not None
        self._manager.signal_kernel(signal.SIGKILL)
        self._manager.provisioner.process.wait()
        self.stop(now=True)

    def wait_for_death(self) -> None:
        """Wait until the kernel has ended by itself."""
        assert self._manager is not None
        self._manager.provisioner.process.wait(timeout=_PATIENCE)
        self.stop(now=True)

    def stop(self, *, now: bool = False) -> None:
        if self._manager is not None:
            self._client.stop_channels()
            self._manager.shutdown_kernel(now=now)
            self._manager = None

    def restart(self) -> None:
        """End the kernel in good order, and start a new one with the extension."""
        self.stop()
        self.start()

    def run_all(self, *cells: str) -> list[CellResult]:
        """Run cells in their order in a new kernel."""
        self.restart()
        return [self.run(cell) for cell in cells]


@pytest.fixture(scope="session")
def user_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One signing key for the whole test run: tests never touch the user's."""
    return tmp_path_factory.mktemp("key") / "key"


@pytest.fixture(autouse=True)
def _own_surroundings(user_key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(user_key))
    monkeypatch.delenv("DURABLE_NB_STORE", raising=False)
    monkeypatch.delenv("DURABLE_NB_RUN", raising=False)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel that is started by the test, in an empty folder."""
    made = Kernel(tmp_path)
    yield made
    made.stop(now=True)


@pytest.fixture(scope="module")
def module_kernel(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Iterator[Kernel]:
    """One kernel for the tests of a file that need no new one; each test clears what it minds."""
    made = Kernel(tmp_path_factory.mktemp("kernel"))
    made.environment = {"DURABLE_NB_KEY_FILE": str(user_key)}
    yield made
    made.stop(now=True)


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Iterator[ForkedKernels]:
    """New kernels in a moment, without ipykernel: one warm process for the whole test run."""
    with ForkedKernels(tmp_path_factory.mktemp("forked"), {"DURABLE_NB_KEY_FILE": str(user_key)}) as made:
        yield made


@pytest.fixture
def new_kernel(tmp_path: Path) -> Iterator[Callable[[], Kernel]]:
    """Further kernels in the same folder."""
    made: list[Kernel] = []

    def make() -> Kernel:
        made.append(Kernel(tmp_path))
        return made[-1]

    yield make
    for kernel in made:
        kernel.stop(now=True)


@pytest.fixture
def start_python(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``python -m …`` in the test's folder as a process of its own, which ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def call(*words: str, **options: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen([sys.executable, "-m", *words], cwd=tmp_path, text=True, **pipes)
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def delete_store(tmp_path: Path) -> Callable[[], None]:
    """Forget everything that was kept."""
    return lambda: shutil.rmtree(tmp_path / ".durable", ignore_errors=True)

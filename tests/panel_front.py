"""A front end for the panel in tests: a real kernel, its comm, and subshells, without a browser."""

from __future__ import annotations

import queue
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

_PATIENCE = 40.0
"""Seconds until a kernel counts as hung."""


_BEAT = 15.0
"""Seconds after which a page says that somebody looks."""


@dataclass
class Front:
    """What a page with a panel sees.

    Args:
        manager: Of the kernel that makes the panel.
    """

    manager: KernelManager
    client: BlockingKernelClient = field(init=False)
    comm: str = ""
    views: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    """Request → how it ended: ``ok`` or the name of an error."""
    shown: dict[str, str] = field(default_factory=dict)
    """Request → what it printed."""
    bundles: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=_PATIENCE)

    def close(self) -> None:
        self.client.stop_channels()

    # Cells.

    def send(self, code: str, cell_id: str = "") -> str:
        """Ask for a cell to be run, and do not wait for it."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": False}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run(self, code: str, cell_id: str = "") -> str:
        """Run a cell to its end; what it printed, or the error."""
        request = self.send(code, cell_id)
        self.until(lambda: request in self.ended)
        return self.shown.get(request, "") + self.ended[request].removeprefix("ok")

    # The panel.

    def open(self, code: str = "import durable_nb\npanel = durable_nb.dashboard()\npanel") -> None:
        """Run a cell that makes a panel."""
        told = self.run(code)
        assert self.comm, told

    def ask(self, method: str, subshell: str | None = None, **arguments: Any) -> dict[str, Any]:
        """The answer to what a front end asks for: with ``ok`` or ``problem``."""
        asked = self.start_asking(method, subshell, **arguments)
        self.until(lambda: asked in self.answers)
        return self.answers[asked]

    def start_asking(self, method: str, subshell: str | None = None, **arguments: Any) -> str:
        """Ask, and do not wait for the answer."""
        asked = uuid.uuid4().hex
        content = {"method": "custom", "content": {"id": asked, "ask": method, "args": arguments}}
        message = self.client.session.msg("comm_msg", {"comm_id": self.comm, "data": content})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return asked

    def ok(self, method: str, subshell: str | None = None, **arguments: Any) -> Any:
        """The answer, where it is none of a problem."""
        answer = self.ask(method, subshell, **arguments)
        assert "ok" in answer, answer
        return answer["ok"]

    def new_subshell(self) -> str:
        """A subshell, as JupyterLab makes one for each comm."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=_PATIENCE)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return str(reply["content"]["subshell_id"])

    def row(self, step: str) -> dict[str, Any]:
        """A step as the table shows it; empty where it is not in it."""
        rows = self.views.get("steps", {}).get("rows", [])
        return next((row for row in rows if row["step"] == step), {})

    def until(self, is_so: Any) -> None:
        """Take in what the kernel sends until something is so."""
        end = time.monotonic() + _PATIENCE
        told = time.monotonic()
        while not is_so():
            assert time.monotonic() < end, f"this never came: {self._told()}"
            if self.comm and time.monotonic() > told + _BEAT:
                told = time.monotonic()
                self.start_asking("watching")
            try:
                self._take(self.client.get_iopub_msg(timeout=1))
            except queue.Empty:
                continue

    def _told(self) -> object:
        rows = self.views.get("steps", {}).get("rows", [])
        return self.views.get("panel"), [(row["step"], row["state"], row["waits"]) for row in rows]

    def _take(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        request = message["parent_header"].get("msg_id", "")
        if kind == "comm_open" and content["data"].get("state", {}).get("_anywidget_id"):
            self.comm = content["comm_id"]
            self.views |= content["data"]["state"]
        elif kind == "comm_msg" and content["comm_id"] == self.comm:
            data = content["data"]
            if data["method"] == "update":
                self.views |= data["state"]
            elif data["method"] == "custom":
                self.answers[data["content"]["id"]] = data["content"]
        elif kind == "stream":
            self.shown[request] = self.shown.get(request, "") + content["text"]
        elif kind in {"display_data", "execute_result"}:
            self.bundles.append(content["data"])
        elif kind == "error":
            self.ended[request] = f"{content['ename']}: {content['evalue']}"
        elif kind == "status" and content["execution_state"] == "idle":
            self.ended.setdefault(request, "ok")

"""A page of JupyterLab with the extension in tests: a real kernel, comms and subshells, but no browser."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from panel_front import Front


@dataclass
class Page(Front):
    """A page that hears everything the kernel tells, and asks on a comm of its own.

    Args:
        manager: Of the kernel.
    """

    name: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    """What the page calls itself."""
    is_early: bool = False
    """Whether it does not wait until the kernel is free."""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """What the kernel has told, in its order."""
    subshell: str | None = None
    closed: list[str] = field(default_factory=list)
    """Comms that the kernel has closed."""

    def __post_init__(self) -> None:
        if not self.is_early:
            super().__post_init__()
            return
        self.client = self.manager.blocking_client()
        self.client.start_channels()

    def listen(self) -> None:
        """Open the comm, with a subshell of its own, as JupyterLab does."""
        self.subshell = self.new_subshell()
        self.comm = uuid.uuid4().hex
        opened = {"comm_id": self.comm, "target_name": "durable_nb", "data": {"client": self.name}}
        self._tell("comm_open", opened)

    def hello(self) -> dict[str, Any]:
        """Open the comm and say hello; the answer, once all views have come."""
        self.listen()
        self.heard.clear()
        answer = self.ok("hello", visible=True)
        answered = next(i for i, told in enumerate(self.heard) if told["type"] == "answer")
        views = {"panel", "steps", "parameters", "runs", "jobs"}
        self.until(lambda: views <= {t["name"] for t in self.heard[answered:] if t["type"] == "view"})
        return dict(answer)

    def leave(self) -> None:
        """Close the comm."""
        self._tell("comm_close", {"comm_id": self.comm, "data": {}})
        self.comm = ""

    def comms(self) -> dict[str, Any]:
        """The comms of durable_nb that the kernel has."""
        request = self.client.comm_info(target_name="durable_nb")
        while True:
            reply = self.client.get_shell_msg(timeout=40)
            if reply["parent_header"].get("msg_id") == request:
                return dict(reply["content"]["comms"])

    def start_asking(self, method: str, subshell: str | None = None, **arguments: Any) -> str:
        asked = uuid.uuid4().hex
        data = {"client": self.name, "id": asked, "ask": method, "args": arguments}
        self._tell("comm_msg", {"comm_id": self.comm, "data": data}, subshell or self.subshell)
        return asked

    def show(self, *cells: str, order: list[str] | None = None) -> list[str]:
        """Say what is on the screen: cells with the ids c0, c1 …; the ids that the kernel misses."""
        told = {
            f"c{number}": {"type": "code", "source": text, "tags": []} for number, text in enumerate(cells)
        }
        return list(self.ok("cells", order=order or list(told), cells=told)["missing"])

    def last(self, kind: str) -> dict[str, Any]:
        """The last that was told of this kind; empty where nothing was."""
        return next((told for told in reversed(self.heard) if told["type"] == kind), {})

    def hears(self, kind: str, is_it: Callable[[dict[str, Any]], Any] = lambda _: True) -> dict[str, Any]:
        """Wait for something of a kind to be told; what is told already counts."""
        found: list[dict[str, Any]] = []

        def is_told() -> bool:
            found[:] = [told for told in self.heard if told["type"] == kind and is_it(told)]
            return bool(found)

        self.until(is_told)
        return found[-1]

    def _tell(self, kind: str, content: dict[str, Any], subshell: str | None = None) -> None:
        message = self.client.session.msg(kind, content)
        if subshell or self.subshell:
            message["header"]["subshell_id"] = subshell or self.subshell
        self.client.shell_channel.send(message)

    def _take(self, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["comm_id"] == "durable_nb":
            told = content["data"]
            self.heard.append(told)
            if told["type"] == "view":
                self.views[told["name"]] = told["content"]
            elif told["type"] == "answer" and told["client"] == self.name:
                self.answers[told["id"]] = told
        elif message["msg_type"] == "comm_close":
            self.closed.append(content["comm_id"])
        elif message["msg_type"] not in {"comm_open", "comm_msg"}:
            super()._take(message)

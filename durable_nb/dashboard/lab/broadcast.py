"""What the kernel tells all front ends: messages on one comm, of which they know the name beforehand."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import comm
from comm.base_comm import BaseComm

TARGET = "durable_nb"
"""Name of the comm's target, and of the comm itself."""


@cache
def _comm() -> BaseComm:
    """The comm, which no front end is told of: one without the extension has nothing that could open it.

    It is never given up, for then front ends would be told that a comm of theirs is closed.
    """
    return comm.create_comm(target_name=TARGET, comm_id=TARGET, primary=False)


class Broadcast:
    """Sends to every front end of this kernel."""

    def __init__(self) -> None:
        self.session = secrets.token_hex(8)
        """Tells what this session says from what an earlier one has said."""
        self._sending = threading.Lock()

    def open(self, opened: Callable[[BaseComm, dict[str, Any]], None]) -> None:
        """Let front ends that come later find out that there is somebody to talk to.

        Args:
            opened: Called with the comm that one opens, and with its message.
        """
        comm.get_comm_manager().register_comm(_comm())
        comm.get_comm_manager().register_target(TARGET, opened)

    def close(self) -> None:
        """Let them find out that there is nobody."""
        comm.get_comm_manager().targets.pop(TARGET, None)
        comm.get_comm_manager().comms.pop(TARGET, None)

    def send(self, kind: str, content: Mapping[str, Any]) -> None:
        """Tell something; from any thread.

        Args:
            kind: What it is about: ``view``, ``beat``, ``answer`` …
            content: JSON.
        """
        with self._sending:
            _comm().send({"type": kind, "session": self.session, **content})

"""How front ends find the kernel that has loaded durable_nb; the rest is imported when one comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

from durable_nb.kernel.context import is_engines_kernel

if TYPE_CHECKING:
    from comm.base_comm import BaseComm

    from durable_nb.dashboard.lab.broadcast import Broadcast
    from durable_nb.dashboard.lab.link import Link
    from durable_nb.kernel.session import Session


def register(session: Session) -> Callable[[], None]:
    """Let front ends find this kernel, where there may be any: not in a terminal, and not in a batch run.

    Returns:
        What takes that back.
    """
    if getattr(session.shell, "kernel", None) is None or is_engines_kernel():
        return lambda: None
    from durable_nb.dashboard.lab.broadcast import Broadcast

    reception = _Reception(session, Broadcast())
    reception.open()
    return reception.close


class _Reception:
    """Takes in the comms that front ends open.

    Args:
        session: Of this kernel.
        broadcast: Reaches them all.
    """

    def __init__(self, session: Session, broadcast: Broadcast) -> None:
        self._session = session
        self._broadcast = broadcast
        self._link: Link | None = None
        self._mutex = threading.Lock()
        self._comms: list[BaseComm] = []

    def open(self) -> None:
        """Begin."""
        self._broadcast.open(self._opened)
        self._broadcast.send("loaded", {"version": metadata.version("durable_nb")})

    def close(self) -> None:
        """End; front ends are told, by the end of their comms too."""
        if self._link is not None:
            self._link.close()
        for comm in self._comms:
            comm.close()
        self._broadcast.send("unloaded", {})
        self._broadcast.close()

    def _opened(self, comm: BaseComm, message: Mapping[str, Any]) -> None:
        client = str(message["content"]["data"].get("client") or comm.comm_id)
        comm.on_msg(partial(self._asked, client))
        comm.on_close(partial(self._closed, comm))
        self._comms.append(comm)
        self._find_link().opened(client, comm.comm_id)

    def _asked(self, client: str, message: Mapping[str, Any]) -> None:
        self._find_link().take(client, message["content"]["data"])

    def _closed(self, comm: BaseComm, _: Mapping[str, Any]) -> None:
        self._comms.remove(comm)
        self._find_link().closed(comm.comm_id)

    def _find_link(self) -> Link:
        """The link; made when the first front end comes."""
        from durable_nb.kernel.depending.observing.current import unobserved

        with self._mutex, unobserved():  # a step may run meanwhile, and depends on nothing of this
            if self._link is None:
                from durable_nb.dashboard.lab.link import Link

                self._link = Link(self._session, self._broadcast)
            return self._link

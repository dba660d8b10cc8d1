"""A place where cells of several kernels wait for each other, so that a test knows what runs when."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

JOIN = """
import socket
def meet(place, name):
    with socket.create_connection(("127.0.0.1", place)) as line:
        line.sendall(name.encode())
        line.shutdown(socket.SHUT_WR)
        return line.recv(1)
"""
"""Code for a cell: ``meet(PLACE, "b")`` returns when those that must be there have come."""


class Meeting:
    """Whoever comes goes on at once, but for those that are held."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self._held: dict[str, set[str]] = {}
        self._waiting: list[tuple[str, socket.socket]] = []
        self._changed = threading.Condition()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.place: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def hold(self, name: str, until: tuple[str, ...] = ("never",)) -> None:
        """Who has this name goes on when all of the others have come."""
        self._held[name] = {*until}

    def let_all_go(self) -> None:
        """From now on everybody goes on at once."""
        with self._changed:
            self._held.clear()
            self._release()

    def wait_for(self, name: str) -> None:
        """Wait until somebody has come."""
        with self._changed:
            assert self._changed.wait_for(lambda: name in self.came, timeout=120)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            name = b"".join(iter(lambda line=line: line.recv(64), b"")).decode()
            with self._changed:
                self.came.append(name)
                self._waiting.append((name, line))
                self._release()
                self._changed.notify_all()

    def _release(self) -> None:
        for one in list(self._waiting):
            name, line = one
            if self._held.get(name, set()) <= {*self.came}:
                self._waiting.remove(one)
                with line:
                    line.sendall(b"1")

    def close(self) -> None:
        self._server.close()
        for _, line in self._waiting:
            line.close()


@contextmanager
def meeting() -> Iterator[Meeting]:
    made = Meeting()
    try:
        yield made
    finally:
        made.close()

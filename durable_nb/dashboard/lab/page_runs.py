"""Cells that a page is asked to run: it takes them on, runs them itself, and says how they ended."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from durable_nb.core.errors import UsageError
from durable_nb.dashboard.lab.screens import Screens
from durable_nb.kernel import own_requests
from durable_nb.kernel.cell_runners import OnEnd
from durable_nb.kernel.own_requests import ABORTED

_log = logging.getLogger("durable_nb.dashboard")
_PATIENCE = 3.0
"""Seconds in which a page takes on what it is asked to run; else the kernel runs it itself."""
_LOOK = 5.0
"""Seconds between two looks whether the page is still there."""
_ENDS = frozenset({"ok", "error", ABORTED})


@dataclass(slots=True)
class _Request:
    client: str
    cells: Sequence[own_requests.Cell]
    on_end: OnEnd
    taken: bool = False
    given_up: bool = False
    """Whether it is too late to take it on."""
    ends: list[str] | None = None
    news: threading.Event = field(default_factory=threading.Event)
    """Set when it was taken, when it has ended, and when its page has gone."""


class PageRuns:
    """Asks pages to run cells of their notebook.

    Args:
        screens: The pages.
        tell: Tells all pages of a request: its id, the page that is meant, cell ids and steps.
    """

    def __init__(
        self, screens: Screens, tell: Callable[[str, str, Sequence[str], Sequence[str]], None]
    ) -> None:
        self._screens = screens
        self._tell = tell
        self._requests: dict[str, _Request] = {}
        self._mutex = threading.Lock()
        self._closed = False

    def run(self, cells: Sequence[own_requests.Cell], steps: Sequence[str], on_end: OnEnd) -> bool:
        """Have cells run by the page that was heard last of those which show them all.

        If it does not take them on within three seconds, the kernel runs them itself.

        Returns:
            Whether there is such a page.
        """
        ids = [cell_id for _, cell_id in cells]
        client = self._screens.who_shows(ids) if ids and all(ids) else ""
        if not client:
            return False
        request, name = _Request(client, cells, on_end), secrets.token_hex(8)
        with self._mutex:
            self._requests[name] = request
        thread = threading.Thread(
            target=self._follow, args=(name, request), name="durable_nb-page-run", daemon=True
        )
        self._tell(name, client, ids, steps)
        thread.start()
        return True

    def take(self, client: str, name: str) -> bool:
        """A page takes on what it is asked to run; whether it may."""
        with self._mutex:
            request = self._requests.get(name)
            if request is None or request.client != client or request.given_up or request.taken:
                return False
            request.taken = True
            request.news.set()
            return True

    def ran(self, client: str, name: str, ends: object) -> None:
        """A page says how cells have ended that it took on; those of which it says nothing were not run.

        Raises:
            UsageError: That is not how it is said.
        """
        if not isinstance(ends, list) or not all(end in _ENDS for end in map(str, ends)):
            raise UsageError(f"found {ends!r}, expected for each cell one of {', '.join(sorted(_ENDS))}")
        with self._mutex:
            request = self._requests.get(name)
            if request is not None and request.client == client and request.taken and request.ends is None:
                request.ends = [str(end) for end in ends][: len(request.cells)]
                request.news.set()

    def gone(self, client: str) -> None:
        """A page has gone: what it has not told of was not run."""
        with self._mutex:
            for request in self._requests.values():
                if request.client == client:
                    request.news.set()

    def close(self) -> None:
        """Nobody is listened to any more."""
        self._closed = True
        with self._mutex:
            for request in self._requests.values():
                request.news.set()

    def _follow(self, name: str, request: _Request) -> None:
        """Wait in a thread of its own until a request has ended."""
        request.news.wait(_PATIENCE)
        with self._mutex:
            request.given_up = not request.taken
        while request.taken and request.ends is None and self._is_awaited(request):
            request.news.clear()
            if request.ends is None:  # told before the last line, it would be waited for in vain
                request.news.wait(_LOOK)
        with self._mutex:
            del self._requests[name]
        if request.given_up:
            self._run_here(request)
        else:
            ends = request.ends or []
            request.on_end([*ends, *[ABORTED] * (len(request.cells) - len(ends))])

    def _is_awaited(self, request: _Request) -> bool:
        return not self._closed and self._screens.is_there(request.client)

    def _run_here(self, request: _Request) -> None:
        try:
            own_requests.run_cells(request.cells, request.on_end)
        except Exception:  # noqa: BLE001 - whoever asked for them waits
            _log.exception("cells that were asked for in the panel could not be run")
            request.on_end([ABORTED] * len(request.cells))

"""Who looks at the notebook: the pages of front ends, and the cells that each has on its screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from durable_nb.core.errors import UsageError
from durable_nb.core.notebook_cells import NotebookCell

SILENCE = 60.0
"""Seconds of silence after which a page is taken to be gone: one that is reloaded says no farewell."""

_MOST_GONE = 8
"""Pages that have fallen silent of which is kept what they showed: they may speak again."""


@dataclass(slots=True)
class _Page:
    heard_at: float
    shown_at: float = 0.0
    """When it last said what is on its screen."""
    known: dict[str, NotebookCell] = field(default_factory=dict)
    """Cells by their ids."""
    cells: tuple[NotebookCell, ...] | None = None
    """The notebook; None as long as it is not known completely."""


class Screens:
    """The pages, and what they show. Its methods may be called in any thread."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}
        self._comms: dict[str, str] = {}
        """Comm → the page that opened it."""
        self._mutex = threading.RLock()

    # Who is there.

    def opened(self, client: str, comm_id: str) -> None:
        """A page has opened a comm."""
        with self._mutex:
            self._comms[comm_id] = client
            self.heard(client)
            self._forget_some()

    def _forget_some(self) -> None:
        silent = [client for client, page in self._pages.items() if not _is_there(page)]
        for client in sorted(silent, key=lambda client: self._pages[client].heard_at)[:-_MOST_GONE]:
            del self._pages[client]

    def heard(self, client: str) -> None:
        """A page has said something."""
        now = time.monotonic()
        with self._mutex:
            self._pages.setdefault(client, _Page(now)).heard_at = now

    def closed(self, comm_id: str) -> str:
        """A page has closed a comm.

        Returns:
            The page, if that was its last; else nothing.
        """
        with self._mutex:
            client = self._comms.pop(comm_id, "")
            if not client or client in self._comms.values():
                return ""
            self._pages.pop(client, None)
            return client

    def is_there(self, client: str) -> bool:
        """Whether a page is there as far as is known."""
        with self._mutex:
            page = self._pages.get(client)
            return page is not None and _is_there(page)

    def is_anybody_there(self) -> bool:
        """Whether any page is."""
        with self._mutex:
            return any(map(_is_there, self._pages.values()))

    # What they show.

    def show(self, client: str, order: object, changed: object) -> list[str]:
        """A page says what is on its screen.

        Args:
            client: The page.
            order: The ids of all cells.
            changed: Id → type, source and tags of each cell that is new or another since it last said so.

        Returns:
            The ids of cells of which nothing is known; until they are, the notebook is as it was.

        Raises:
            UsageError: That is not how cells are told.
        """
        ids, cells = _ids(order), _cells(changed)
        with self._mutex:
            self.heard(client)
            page = self._pages[client]
            known = page.known | cells
            page.known = {cell_id: known[cell_id] for cell_id in ids if cell_id in known}
            page.shown_at = time.monotonic()
            missing = [cell_id for cell_id in ids if cell_id not in known]
            if not missing:
                page.cells = tuple(known[cell_id] for cell_id in ids)
            return missing

    def cells(self) -> Sequence[NotebookCell] | None:
        """The notebook on the screen that changed last; None where no page shows any."""
        with self._mutex:
            shown = [page for page in self._pages.values() if page.cells is not None and _is_there(page)]
            return max(shown, key=lambda page: page.shown_at).cells if shown else None

    def who_shows(self, cell_ids: Collection[str]) -> str:
        """The page with these cells that was heard last; empty where there is none."""
        with self._mutex:
            shown = {
                client: page
                for client, page in self._pages.items()
                if page.cells is not None and _is_there(page) and page.known.keys() >= set(cell_ids)
            }
            return max(shown, key=lambda client: shown[client].heard_at) if shown else ""


def _is_there(page: _Page) -> bool:
    return time.monotonic() - page.heard_at <= SILENCE


def _ids(order: object) -> list[str]:
    if not isinstance(order, list) or not all(isinstance(cell_id, str) for cell_id in order):
        raise UsageError(f"found {order!r}, expected the ids of cells in their order")
    return order


def _cells(changed: object) -> dict[str, NotebookCell]:
    if not isinstance(changed, Mapping):
        raise UsageError(f"found {changed!r}, expected ids with their cells")
    return {str(cell_id): _cell(str(cell_id), cell) for cell_id, cell in changed.items()}


def _cell(cell_id: str, told: Any) -> NotebookCell:
    kind, source, tags = (
        (told.get("type"), told.get("source"), told.get("tags") or [])
        if isinstance(told, Mapping)
        else (None, None, [])
    )
    if not isinstance(kind, str) or not isinstance(source, str) or not isinstance(tags, list):
        raise UsageError(f"found {told!r} for the cell {cell_id!r}, expected its type, source and tags")
    return NotebookCell(kind, source, tuple(map(str, tags)), cell_id)

"""What front ends ask for, answered by one panel; and what all of them are told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

from durable_nb.core.errors import DurableError, UsageError
from durable_nb.core.model import Json, State
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.core.step_names import suggest_step_name
from durable_nb.dashboard.lab.beats import Beats
from durable_nb.dashboard.lab.broadcast import Broadcast
from durable_nb.dashboard.lab.page_runs import PageRuns
from durable_nb.dashboard.lab.screens import Screens
from durable_nb.dashboard.panel import Panel
from durable_nb.dashboard.problems import own_problem_of, problem_of
from durable_nb.dashboard.workplace import Workplace
from durable_nb.kernel.depending.observing.current import unobserved
from durable_nb.kernel.session import Session

_log = logging.getLogger("durable_nb.dashboard")
_UNHEARD_BEATS = 30
"""Beats between two that tell of all steps, where nobody was heard: a server may keep all for later."""


class Link:
    """Answers pages. Its methods may be called in any thread, also while a cell runs.

    Args:
        session: Of this kernel.
        broadcast: Reaches all pages.
    """

    def __init__(self, session: Session, broadcast: Broadcast) -> None:
        self._session = session
        self._broadcast = broadcast
        self._screens = Screens()
        self._runs = PageRuns(self._screens, self._tell_run)
        self._panel: Panel | None = None
        self._beats: Beats | None = None
        self._beaten = 0
        self._opening = threading.Lock()
        self._methods: Mapping[str, Callable[[str, Mapping[str, Any]], Json]] = {
            "hello": self._hello,
            "cells": self._cells,
            "take": self._take,
            "ran": self._ran,
            "name": self._name,
        }

    # Pages.

    def opened(self, client: str, comm_id: str) -> None:
        """A page has opened a comm."""
        self._screens.opened(client, comm_id)

    def closed(self, comm_id: str) -> None:
        """A page has closed a comm; with its last it goes, and what it showed does not count any more."""
        gone = self._screens.closed(comm_id)
        if gone:
            self._runs.gone(gone)
            if self._panel is not None:
                self._panel.cells_changed()

    def take(self, client: str, message: Any) -> None:
        """Answer what a page asks for.

        Args:
            client: Who has opened the comm.
            message: With the question, its arguments, and an id that the answer has too.
        """
        method = message.get("ask") if isinstance(message, Mapping) else None
        if not isinstance(method, str):
            return
        client = str(message.get("client") or client)
        arguments = message.get("args")
        with unobserved():  # a step may run meanwhile
            self._screens.heard(client)
            answer = self._answer(client, method, arguments if isinstance(arguments, Mapping) else {})
            self._broadcast.send("answer", {"client": client, "id": message.get("id"), **answer})
            if method == "hello" and self._panel is not None:
                self._panel.show_again()

    def _answer(self, client: str, method: str, arguments: Mapping[str, Any]) -> dict[str, Json]:
        try:
            panel = self._find_panel()
        except DurableError as error:
            return {"problem": problem_of(error)}
        except Exception as error:  # noqa: BLE001 - whoever asked waits for an answer
            return {"problem": own_problem_of(error)}
        own = self._methods.get(method)
        return panel.ask(method, arguments) if own is None else panel.answer(lambda: own(client, arguments))

    def _find_panel(self) -> Panel:
        """The panel; opened when the first page says hello."""
        with self._opening:
            if self._panel is None:
                session = self._session
                panel = Panel(Workplace(session.store.path, session.run.notebook, session))
                panel.open(
                    lambda view, content: self._broadcast.send("view", {"name": view, "content": content})
                )
                self._panel = panel
                self._session.shown.follow(self._screens.cells, self._runs.run)
                self._begin_beats()
            return self._panel

    def close(self) -> None:
        """Let go of the kernel."""
        self._session.shown.let_go()
        self._runs.close()
        if self._beats is not None:
            self._session.shell.events.unregister("pre_run_cell", self._cell_begins)
            self._session.shell.events.unregister("post_run_cell", self._cell_ended)
            self._beats.close()
        if self._panel is not None:
            self._panel.close()

    # What pages ask for besides what a panel answers.

    def _hello(self, _: str, __: Mapping[str, Any]) -> Json:
        return {"session": self._broadcast.session, "version": metadata.version("durable_nb")}

    def _cells(self, client: str, arguments: Mapping[str, Any]) -> Json:
        before = _code(self._screens.cells())
        missing = self._screens.show(client, arguments.get("order"), arguments.get("cells") or {})
        if self._panel is not None and _code(self._screens.cells()) != before:
            self._panel.cells_changed()
        return {"missing": list(missing)}

    def _take(self, client: str, arguments: Mapping[str, Any]) -> Json:
        return {"taken": self._runs.take(client, _text(arguments, "request"))}

    def _ran(self, client: str, arguments: Mapping[str, Any]) -> Json:
        self._runs.ran(client, _text(arguments, "request"), arguments.get("ends"))
        return {}

    def _name(self, _: str, arguments: Mapping[str, Any]) -> Json:
        taken = arguments.get("taken")
        names = [str(name) for name in taken] if isinstance(taken, list) else []
        return {"name": suggest_step_name(_text(arguments, "source"), names)}

    def _tell_run(self, request: str, client: str, cells: Sequence[str], steps: Sequence[str]) -> None:
        told = {"request": request, "client": client, "cells": list(cells), "steps": list(steps)}
        self._broadcast.send("run", told)

    # Beats.

    def _begin_beats(self) -> None:
        self._beats = Beats(self._beat)
        self._session.shell.events.register("pre_run_cell", self._cell_begins)
        self._session.shell.events.register("post_run_cell", self._cell_ended)
        if self._session.open_cells:
            self._beats.begin()

    def _cell_begins(self, _: object) -> None:
        assert self._beats is not None, "made before this was registered"
        self._beats.begin()

    def _cell_ended(self, _: object) -> None:
        assert self._beats is not None, "made before this was registered"
        if not self._session.open_cells:  # it may have been run by another
            self._beats.end()

    def _beat(self) -> None:
        try:
            self._tell_beat()
        except Exception:  # noqa: BLE001 - the next may do
            _log.exception("a beat could not be told")

    def _tell_beat(self) -> None:
        """Tell in short how the steps stand; of all of them rarely where nobody seems to listen."""
        assert self._panel is not None, "opened before"
        rows = self._panel.board.beat()
        self._beaten = 0 if self._screens.is_anybody_there() else self._beaten + 1
        if self._beaten % _UNHEARD_BEATS:
            rows = [row for row in rows if row["state"] == State.RUNNING]
        masked = self._panel.place.store.secrets.masked({"at": round(time.time(), 3), "rows": rows})
        self._broadcast.send("beat", masked)


def _code(cells: Sequence[NotebookCell] | None) -> list[tuple[int, NotebookCell]] | None:
    """What a plan is made of: code, and in which place it stands."""
    if cells is None:
        return None
    return [(place, cell) for place, cell in enumerate(cells) if cell.kind == "code"]


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise UsageError(f"the kernel was asked without {name}")
    return value

"""A front end for the panel in tests that needs no kernel: it takes in views, and asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.core.model import EventKind, StepEvent
from durable_nb.dashboard.opening import find_place
from durable_nb.dashboard.panel import Panel
from durable_nb.store.store import Store

_PATIENCE = 120.0


class Seen:
    """A front end that takes in views."""

    def __init__(self, store: Path | None, notebook: Path | str = "") -> None:
        self.panel = Panel(find_place(store, str(notebook)))
        self.views: dict[str, Any] = {}
        self.panel.open(self.views.__setitem__)

    def ok(self, method: str, **arguments: Any) -> Any:
        answer = self.panel.ask(method, arguments)
        assert "ok" in answer, answer
        return answer["ok"]

    def problem(self, method: str, **arguments: Any) -> dict[str, Any]:
        answer: Any = self.panel.ask(method, arguments)
        return dict(answer["problem"])

    def until(self, is_so: Callable[[], Any]) -> None:
        end = time.monotonic() + _PATIENCE
        while not is_so():
            assert time.monotonic() < end, f"this never came: {self.views}"
            time.sleep(0.05)


def write(path: Path, *cells: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=list(map(new_code_cell, cells)), metadata={"kernelspec": kernel}), path)
    return path


def runs_of(count: int, store: Store, **more: Any) -> None:
    """Recorded runs, each with one step, as an engine records them."""
    for number in range(count):
        run_id, at = f"run-{number:04}", 1_700_000_000.0 + number
        about: dict[str, Any] = {
            "notebook": f"nb-{number % 3}.ipynb",
            "engine": "durable",
            "parameters": {"day": number},
            **more,
        }
        store.record(StepEvent(EventKind.RUN_STARTED, run_id, at, data=about))
        state = "failed" if number % 4 == 0 else "completed"
        error: Any = (
            {"type": "KeyError", "message": f"no column {number}", "traceback": ""}
            if number % 4 == 0
            else None
        )
        ended: dict[str, Any] = {"notebook": "nb", "state": state, "seconds": 1.0, "error": error}
        store.record(StepEvent(EventKind.ATTEMPT_FINISHED, run_id, at + 1, "load", 1, data=ended))
        store.record(
            StepEvent(EventKind.RUN_FINISHED, run_id, at + 2 + number, data={"state": state, "error": error})
        )
    store.flush()

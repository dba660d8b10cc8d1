"""The panel as a Jupyter widget: the only place that knows anywidget, comms and threads of front ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from durable_nb.core.model import Json
from durable_nb.dashboard.fallback import as_html, as_text
from durable_nb.dashboard.panel import VIEWS, Panel

_STATIC = Path(__file__).with_name("static")
_log = logging.getLogger("durable_nb.dashboard")


class Dashboard(anywidget.AnyWidget):
    """See the steps and runs of a store, change them, resume them.

    Args:
        panel: What is shown.
    """

    _esm = _STATIC / "dashboard.js"
    _css = _STATIC / "dashboard.css"

    panel = traitlets.Dict().tag(sync=True)
    steps = traitlets.Dict().tag(sync=True)
    parameters = traitlets.Dict().tag(sync=True)
    runs = traitlets.Dict().tag(sync=True)
    jobs: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._source = panel
        self._sending = threading.Lock()
        answer_while_cells_run(self.comm)
        self.on_msg(self._asked)
        panel.open(self._show)

    def _show(self, view: str, content: Any) -> None:
        """Send a view to the front end, if it is another one than it has."""
        with self._sending:
            self.set_trait(view, content)

    def _asked(self, _: object, content: Mapping[str, Any], __: object) -> None:
        """A front end asks for something; the answer has the same id."""
        method = content.get("ask")
        if not isinstance(method, str):
            return
        arguments = content.get("args")
        answer = self._source.ask(method, arguments if isinstance(arguments, Mapping) else {})
        with self._sending:
            self.send({"id": content.get("id"), **answer})

    def close(self) -> None:
        """End the panel; what is shown stays as it is."""
        self._source.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; where widgets cannot be shown, a table."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, *rest = bundle
        views: dict[str, Json] = {view: getattr(self, view) for view in VIEWS}
        data = {**data, "text/plain": as_text(views), "text/html": as_html(views)}
        return (data, *rest)


def answer_while_cells_run(comm: Any) -> None:
    """Let a comm's messages go to the subshell that they were sent to.

    ipykernel 7.4 sends them to the shell that last published on the comm: while a cell runs that is the one
    which is busy, so that a button would act when the cell has ended.
    """
    if getattr(comm, "_reply_subshell_for", None) is not None:
        comm._reply_subshell_for = None

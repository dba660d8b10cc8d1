"""Open a panel where it is asked for: in a notebook's kernel, or anywhere for a store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from durable_nb.core.errors import DurableError, StoreError
from durable_nb.dashboard.panel import Panel
from durable_nb.dashboard.steps.recorded import notebooks
from durable_nb.dashboard.workplace import Workplace
from durable_nb.kernel.api import current_session
from durable_nb.kernel.depending.observing.current import unobserved
from durable_nb.store.location import find_store
from durable_nb.store.store import open_store

if TYPE_CHECKING:
    from durable_nb.dashboard.widget import Dashboard


def open_dashboard(store: str | os.PathLike[str] | None, notebook: str = "") -> Dashboard:
    """A panel on a screen.

    Raises:
        DurableError: anywidget is not installed.
    """
    try:
        from durable_nb.dashboard.widget import Dashboard
    except ModuleNotFoundError as error:
        raise DurableError(
            f"the panel needs {error.name}, which is not installed here; "
            'pip install "durable_nb[dashboard]", then restart the kernel. Without it: %steps'
        ) from error
    with unobserved():  # a step may show a panel, and depends on nothing that it reads
        return Dashboard(Panel(find_place(store, notebook)))


def find_place(store: str | os.PathLike[str] | None, notebook: str = "") -> Workplace:
    """What a panel looks at: this kernel's notebook, unless another store is named.

    Args:
        store: The folder of a store.
        notebook: Whose steps are shown; by default the notebook that was touched last.
    """
    session = current_session()
    if session is not None and (store is None or Path(store).absolute() == session.store.path):
        return Workplace(session.store.path, session.run.notebook, session)
    path = open_store(store if store is not None else find_store()).path
    place = Workplace(path, notebook, None)
    try:
        place.notebook = notebook or next(iter(notebooks(place.store)), "")
    except StoreError:
        place.notebook = ""  # the panel says what is the matter as soon as it looks
    return place

"""Widget panels: see the steps and runs of a store, change them, resume them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from durable_nb.kernel.further import AT_LOAD, FURTHER

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_nb.dashboard.widget import Dashboard
    from durable_nb.kernel.session import Session


def dashboard(store: str | os.PathLike[str] | None = None, notebook: str = "") -> Dashboard:
    """A panel with the steps of this notebook, its parameters, and all runs of its store.

    Args:
        store: The folder of another store, whose runs are to be shown.
        notebook: With it: the path of the notebook whose steps are shown first.

    Raises:
        DurableError: anywidget is not installed: ``pip install "durable_nb[dashboard]"``.
    """
    from durable_nb.dashboard.opening import open_dashboard

    return open_dashboard(store, notebook)


def _show(_: Session, words: list[str]) -> Dashboard:
    """``%steps dashboard``."""
    from durable_nb.kernel.steps_magic import expect

    expect(words, "%steps dashboard")
    return dashboard()


def _link(session: Session) -> Callable[[], None]:
    """Let front ends with the JupyterLab extension find the kernel."""
    from durable_nb.dashboard.lab.registration import register

    return register(session)


FURTHER["dashboard"] = _show
AT_LOAD.append(_link)

"""What is shown: figures that libraries show only when a cell has ended, and the values that cells showed."""

from __future__ import annotations

import sys
from typing import Any

_LAST = ("_", "__", "___")


def flush_figures() -> None:
    """Show the open matplotlib figures now, as the inline backend does after a cell."""
    backend = sys.modules.get("matplotlib_inline.backend_inline")
    pyplot = sys.modules.get("matplotlib.pyplot")
    if backend is None or pyplot is None:
        return
    if is_inline(pyplot):
        backend.flush_figures()


def is_inline(pyplot: Any) -> bool:
    """Whether pyplot shows figures below the cell and then closes them."""
    return pyplot.get_backend().lower() in {"inline", "module://matplotlib_inline.backend_inline"}


class LastResults:
    """The values that cells have shown as their results, as IPython keeps them: ``Out``, ``_``, ``__``.

    Args:
        shell: Where the cells run.
    """

    def __init__(self, shell: Any) -> None:
        self._hook = shell.displayhook
        self._values = shell.user_ns
        self._hidden = shell.user_ns_hidden
        self._was_hidden = dict(self._hidden)
        self._history = dict(self._values.get("_oh", {}))
        self._last = {name: getattr(self._hook, name, None) for name in _LAST}

    def put_back(self) -> None:
        """Forget what was shown since; the names themselves are the namespace's."""
        history = self._values.get("_oh")
        if isinstance(history, dict):
            history.clear()
            history.update(self._history)
        # IPython sets "_" no more where it is not what was shown last, as noted in both of these.
        self._hidden.clear()
        self._hidden.update(self._was_hidden)
        for name, value in self._last.items():
            setattr(self._hook, name, value)
        if self._hook.exec_result is not None:
            self._hook.exec_result.result = None

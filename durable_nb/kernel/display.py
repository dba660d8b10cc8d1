"""What libraries show only when a cell has ended, shown while the step is still being recorded."""

from __future__ import annotations

import sys


def flush_figures() -> None:
    """Show the open matplotlib figures now, as the inline backend does after a cell."""
    backend = sys.modules.get("matplotlib_inline.backend_inline")
    pyplot = sys.modules.get("matplotlib.pyplot")
    if backend is None or pyplot is None:
        return
    if pyplot.get_backend().lower() in {"inline", "module://matplotlib_inline.backend_inline"}:
        backend.flush_figures()

"""Notebook steps that survive a crash: run again, and go on from where it stopped.

Names are imported when they are used: the command's help needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# At once: imported later, the package of this name would take the function's place.
from durable_nb.dashboard import dashboard

if TYPE_CHECKING:
    from durable_nb.core.errors import DurableError, NonRetryable
    from durable_nb.kernel.api import (
        attempt,
        extend_timeout,
        idempotency_key,
        load,
        load_ipython_extension,
        metric,
        query,
        secret,
        unload_ipython_extension,
    )
    from durable_nb.store.store import open_store

__all__ = [
    "DurableError",
    "NonRetryable",
    "attempt",
    "dashboard",
    "extend_timeout",
    "idempotency_key",
    "load",
    "load_ipython_extension",
    "metric",
    "open_store",
    "query",
    "secret",
    "unload_ipython_extension",
]

_HOME = {"DurableError": "core.errors", "NonRetryable": "core.errors", "open_store": "store.store"}
"""Public name → module that has it; the others are in ``kernel.api``."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'kernel.api')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

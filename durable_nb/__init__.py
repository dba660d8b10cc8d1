"""Notebook steps that survive a crash: run again, and go on from where it stopped."""

from durable_nb.core.errors import DurableError, NonRetryable
from durable_nb.dashboard import dashboard
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

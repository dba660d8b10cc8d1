"""Everything on disk: artifacts, traces, the ledger, and the store that holds them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durable_nb.store.store import Recovered, Store, open_store

__all__ = ["Recovered", "Store", "open_store"]


def __getattr__(name: str) -> Any:
    # where a store is can be asked without importing what is in it
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.store"), name)

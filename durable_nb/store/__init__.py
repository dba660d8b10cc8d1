"""Everything on disk: artifacts, traces, the ledger, and the store that holds them."""

from durable_nb.store.store import Recovered, Store, open_store

__all__ = ["Recovered", "Store", "open_store"]

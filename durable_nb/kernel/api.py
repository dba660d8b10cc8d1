"""What a user calls from Python; the kernel's machinery is imported when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import DurableError
from durable_nb.store.location import find_store
from durable_nb.store.store import Store, open_store

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by ``%load_ext durable_nb``."""
    from durable_nb.kernel import magics

    magics.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Called by ``%unload_ext durable_nb``."""
    from durable_nb.kernel import magics

    magics.unload(shell)


def load(step: str, name: str, run: str | None = None) -> Any:
    """A stored output of a step, without running anything.

    Args:
        step: Name of the step.
        name: Name of the variable it bound.
        run: Id of the run whose value is wanted; by default the latest.

    Raises:
        UnknownStepError: No such step, output or run in this store.
        DamagedError: The stored value cannot be read.
    """
    return _store().load(step, name, run)


def query(sql: str, parameters: list[Any] | None = None) -> pd.DataFrame:
    """The answer of a SQL query over the ledger, as a pandas DataFrame.

    Tables: runs, steps, attempts, traces, dependencies, outputs, artifacts, events. Times are UTC.

    Args:
        sql: For instance ``select step, state, seconds from attempts order by started_at``.
        parameters: Values for ``?`` in the query.

    Raises:
        DurableError: pandas is not installed.
        UsageError: DuckDB does not understand the query.
    """
    store = _store()
    store.recover()
    answer = store.ledger.query(sql, parameters or [])
    try:
        frame: pd.DataFrame = answer.to_pandas()
    except ModuleNotFoundError as error:
        raise DurableError(
            "durable_nb.query gives a pandas DataFrame, and pandas is not installed; pip install pandas, "
            "or ask for an Arrow table: durable_nb.open_store().ledger.query(sql)"
        ) from error
    return frame


def _store() -> Store:
    """The store of this kernel's session, else the one that belongs to the working directory."""
    import sys

    if "IPython" in sys.modules and "durable_nb.kernel.magics" in sys.modules:
        from IPython import get_ipython

        from durable_nb.kernel import magics

        shell = get_ipython()
        if shell is not None and magics.is_loaded(shell):
            session = magics.session_of(shell)
            if session.running:
                session.unprovable["the store"] = (
                    "what the step read from it may be another thing next time; read it in a plain cell"
                )
            return session.store
    return open_store(find_store())

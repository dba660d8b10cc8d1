"""What a user calls from Python; the kernel's machinery is imported when it is first needed."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from durable_nb.core.errors import DurableError, UsageError
from durable_nb.core.options import parse_duration
from durable_nb.store.location import find_store
from durable_nb.store.store import Store, open_store

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from durable_nb.kernel.session import Session


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

    Tables: runs, steps, attempts, traces, dependencies, outputs, artifacts, metrics, events. Times are UTC.

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


def attempt() -> int:
    """Number of the attempt of the step that runs now, counted from 1 in each run.

    Raises:
        UsageError: No step runs.
    """
    return _running("attempt").attempt


def extend_timeout(seconds: float | str) -> None:
    """Give the attempt that runs now more time than its ``--timeout``; without one this does nothing.

    Args:
        seconds: How much more; also as in options: ``"10m"``.

    Raises:
        UsageError: No step runs, or that is no duration.
    """
    more = parse_duration(seconds) if isinstance(seconds, str) else float(seconds)
    limit = _running("extend_timeout").limit
    if limit is not None:
        limit.extend(more)


def idempotency_key() -> str:
    """A key for services that do a thing once however often they are asked: of what the running step does.

    It is the same in every attempt, in this kernel and after it died, until the step completes; another
    execution after that, or one with other inputs, has another. With ``--at-most-once`` or without.

    Raises:
        UsageError: No step runs.
        StoreError: It could not be written down, so that the next attempt would not have it.
    """
    session = _running("idempotency_key")
    assert session.operation is not None, "the runner has made it"
    return session.operation.key(session.attempt)


def metric(name: str, value: float) -> None:
    """Name a number that tells how good or how large a result is: ``durable_nb.metric("auc", 0.91)``.

    It is recorded with the run once the cell has completed; given again in the same cell, the last value
    counts. That of a step is kept with its results: a reuse records it again. A sweep puts the metrics of
    all its runs into one table; ``durable_nb.query("from metrics")`` has them too.

    Args:
        name: What it is called in tables.
        value: One number, also NumPy's, or a tensor of one element.

    Raises:
        UsageError: The name is no text, or the value is no number.
    """
    from durable_nb.kernel.metrics import checked_name, checked_value

    name = checked_name(name)
    number = checked_value(name, value)
    session = current_session()
    if session is None:
        text = f"metric {name!r} is not recorded: no notebook runs here that has done %load_ext durable_nb"
        warnings.warn(text, stacklevel=2)
        return
    session.metrics[name] = number


def secret(name: str) -> Any:
    """The value of a secret parameter, which no notebook, log or store holds.

    It is what the run was given, else the environment variable ``DURABLE_NB_SECRET_`` with the name in
    capitals. For plain cells, such as the one with the parameters: a step that asks executes each time.

    Args:
        name: Of the parameter.

    Raises:
        UsageError: Nobody gave a value.
    """
    from durable_nb.kernel import secret_values

    session = current_session()
    if session is not None and session.running:
        session.unprovable[f"the secret {name}"] = (
            "which value it had is not recorded; bind it to a variable in a plain cell"
        )
    return secret_values.secret(name)


def _running(function: str) -> Session:
    """The session whose step runs now."""
    session = current_session()
    if session is None or not session.attempt:
        raise UsageError(f"durable_nb.{function}() is for the code of a step, and none runs now")
    return session


def _store() -> Store:
    """The store of this kernel's session, else the one that belongs to the working directory."""
    session = current_session()
    if session is None:
        return open_store(find_store())
    if session.running:
        session.unprovable["the store"] = (
            "what the step read from it may be another thing next time; read it in a plain cell"
        )
    return session.store


def current_session() -> Session | None:
    """The session of this kernel; None where the extension is not loaded."""
    if "IPython" not in sys.modules or "durable_nb.kernel.magics" not in sys.modules:
        return None
    from IPython import get_ipython

    from durable_nb.kernel import magics

    shell = get_ipython()
    return magics.session_of(shell) if shell is not None and magics.is_loaded(shell) else None

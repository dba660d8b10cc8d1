"""Tables and views of DuckDB's default connection: variables of a kind, which no fingerprint covers."""

from __future__ import annotations

import re
import sys

from durable_nb.kernel.depending.observing.observed import Observed

_CATALOG = (
    "select table_name from duckdb_tables() union select view_name from duckdb_views() where not internal"
)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def note_default_tables(observed: Observed, statement: str) -> None:
    """Take note of the tables that a statement names, and of those that were there before the step."""
    if observed.default_tables is None:
        observed.default_tables = _tables()
    words = {word.lower() for word in _IDENTIFIER.findall(statement)}
    for name in sorted(words & observed.default_tables):
        observed.unprovable[f"DuckDB table {name}"] = (
            "it lives in the default connection, where its content is not seen; use a DataFrame instead"
        )


def note_made_tables(observed: Observed) -> None:
    """Take note of the tables that a step has left behind: they would be missing where it is reused."""
    if observed.default_tables is not None:
        for name in sorted(_tables() - observed.default_tables):
            observed.unprovable[f"DuckDB table {name}"] = (
                "it would not come back in the default connection; make it a DataFrame: duckdb.sql(…).df()"
            )


def _tables() -> frozenset[str]:
    duckdb = sys.modules["duckdb"]
    try:
        with duckdb.default_connection().cursor() as cursor:  # leaves the results of the connection alone
            return frozenset(row[0].lower() for row in cursor.execute(_CATALOG).fetchall())
    except duckdb.Error:  # the user has closed it
        return frozenset()

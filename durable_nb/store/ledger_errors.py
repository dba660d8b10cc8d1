"""The one place where DuckDB's errors become our own."""

from __future__ import annotations

import re
from pathlib import Path

from durable_nb.core.errors import (
    DamagedError,
    DurableError,
    LedgerLockedError,
    StoreAccessError,
    StoreError,
    StoreFullError,
    StoreVersionError,
    UsageError,
)

_DAMAGE = (
    r"Corrupt database file|Corrupt WAL file|not a valid DuckDB database|replaying WAL|Could not read enough"
)
# What DuckDB says, most telling first. Only what surely is damage may count as such: the file is moved then.
_MEANINGS: tuple[tuple[str, type[StoreError]], ...] = (
    (r"Could not set lock|Conflicting lock", LedgerLockedError),
    (r"No space left|[Qq]uota|File too large|not enough space", StoreFullError),
    (
        r"Permission denied|Read-only file system|Is a directory|Not a directory|not permitted",
        StoreAccessError,
    ),
    (r"with version number|newer version|storage version", StoreVersionError),
    (_DAMAGE, DamagedError),
)
_ADVICE = {
    LedgerLockedError: "Close the program that has it open, then run again.",
    StoreFullError: "Make room (df -h shows how much there is), then run again. No completed step is lost.",
    StoreAccessError: "Mend it, or name another store: export DURABLE_NB_STORE=FOLDER",
    StoreVersionError: "Upgrade: pip install --upgrade durable_nb duckdb",
    DamagedError: "What the traces know is filled in again from them.",
    StoreError: "Run again; if it stays so, move the file away: it is then rebuilt from the traces.",
}
_USERS_MISTAKES = {
    "BinderException",
    "CatalogException",
    "ConversionException",
    "InvalidInputException",
    "InvalidTypeException",
    "OutOfRangeException",
    "ParserException",
    "SyntaxException",
    "TypeMismatchException",
}


def ledger_error(error: Exception, path: Path) -> DurableError:
    """Return our error for one that DuckDB met while it opened, wrote or closed the ledger."""
    meaning = next((ours for words, ours in _MEANINGS if re.search(words, str(error))), StoreError)
    return meaning(f"The ledger {path}: {_first_line(error)} {_ADVICE[meaning]}")


def query_error(error: Exception, path: Path) -> DurableError:
    """Return our error for one that DuckDB met while it ran a user's query."""
    if type(error).__name__ in _USERS_MISTAKES:
        return UsageError(
            f"The query cannot run: {str(error).strip()}\n"
            "To list the tables and views and what they hold: durable-nb query, "
            'or durable_nb.query("FROM duckdb_tables()") and durable_nb.query("FROM duckdb_views()")'
        )
    if "Could not read enough" in str(error) and str(path) not in str(error):
        return UsageError(f"The query cannot run: {str(error).strip()}")
    return ledger_error(error, path)


def _first_line(error: Exception) -> str:
    line = str(error).strip().splitlines()[0][:300].rstrip(" .")
    return line if line.endswith((".", "!")) else f"{line}."

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

_USAGE = ("ParserException", "BinderException", "CatalogException", "ConversionException", "SyntaxException")
_PATTERNS: tuple[tuple[str, type[StoreError]], ...] = (
    (r"Could not set lock|Conflicting lock", LedgerLockedError),
    (r"No space left|disk quota|File too large|not enough space|out of disk", StoreFullError),
    (
        r"Permission denied|Read-only file system|Is a directory|Not a directory|read-only mode",
        StoreAccessError,
    ),
    (r"newer version|different version|version number \d+, but|storage version", StoreVersionError),
    (
        r"not a valid DuckDB|[Cc]orrupt|checksum|[Dd]eserializ|[Ss]erializ|magic bytes|WAL|truncated"
        r"|Could not read|enough bytes|INTERNAL|Failed to load metadata|out of range|does not exist"
        r"|encrypted|Invalid|invalidated",
        DamagedError,
    ),
)
_ADVICE = {
    LedgerLockedError: "Close the program that has the ledger open, then run again.",
    StoreFullError: "Make room (df -h shows how much there is), then run again. No completed step is lost.",
    StoreAccessError: "Mend it, or name another store: export DURABLE_NB_STORE=FOLDER",
    StoreVersionError: "Upgrade: pip install --upgrade durable_nb duckdb",
    DamagedError: "It is rebuilt from the traces.",
    StoreError: "Run again; if it happens again, move the file away: it is rebuilt from the traces.",
}


def attach_error(error: Exception, path: Path) -> DurableError:
    """Return our error for one that DuckDB met while it opened, wrote or closed the ledger."""
    found = next((ours for pattern, ours in _PATTERNS if re.search(pattern, str(error))), StoreError)
    return found(f"The ledger {path}: {_first_line(error)} {_ADVICE[found]}")


def query_error(error: Exception, path: Path) -> DurableError:
    """Return our error for one that DuckDB met while it ran a user's query."""
    if type(error).__name__ in _USAGE or type(error).__name__ == "InvalidInputException":
        return UsageError(
            f"The query cannot run: {str(error).strip()}\n"
            'These tables exist: run durable_nb.query("SELECT table_name, comment FROM duckdb_tables()")'
        )
    return attach_error(error, path)


def _first_line(error: Exception) -> str:
    line = str(error).strip().splitlines()[0][:300]
    return line if line.endswith((".", "!")) else f"{line}."

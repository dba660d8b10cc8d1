"""pyarrow for a command that reads traces and ends: without numpy, which takes as long as all the rest."""

from __future__ import annotations

import sys

_NOT_NEEDED = "numpy"


def load_arrow_alone() -> None:
    """Import pyarrow and let it believe that numpy is not installed, unless one of them is loaded already.

    Tables read in this process can then not be made into arrays; numpy itself can still be imported.
    """
    if _NOT_NEEDED in sys.modules or "pyarrow" in sys.modules:
        return
    sys.modules[_NOT_NEEDED] = None  # type: ignore[assignment]  # None: it is not there
    try:
        import pyarrow.parquet  # noqa: F401
    finally:
        del sys.modules[_NOT_NEEDED]

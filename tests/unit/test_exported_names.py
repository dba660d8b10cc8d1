"""What users may rely on."""

from __future__ import annotations

import subprocess
import sys

import durable_nb

PUBLIC = [
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


def test_public_names() -> None:
    """A name is added to or taken from the public ones on purpose, here and in the changelog."""
    assert durable_nb.__all__ == PUBLIC


def test_public_names_have_docstrings() -> None:
    """Each public name says what it is for."""
    assert [name for name in PUBLIC if not getattr(durable_nb, name).__doc__] == []


def test_importing_loads_no_heavy_library() -> None:
    """Neither DuckDB nor Arrow nor anybody's data library is loaded before it is needed."""
    heavy = {
        "anywidget",
        "dask",
        "duckdb",
        "IPython",
        "ipywidgets",
        "numpy",
        "pandas",
        "papermill",
        "polars",
        "pyarrow",
        "torch",
    }
    code = "import sys, durable_nb; print(*sorted({name.partition('.')[0] for name in sys.modules}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert heavy & set(done.stdout.split()) == set()

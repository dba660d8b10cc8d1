"""The command answers at once where no kernel is needed: it loads what the answer takes, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from oracle.kernels import ForkedKernels, cell

CELLS = [
    "%load_ext durable_nb",
    "%%params\nsize = 3",
    "%%step load\nraw = list(range(size))",
    "%%step total\ntotal = sum(raw)\nprint(total)",
]
SLOW = {
    "IPython",
    "asyncio",
    "dask",
    "fastjsonschema",
    "jsonschema",
    "jupyter_client",
    "nbclient",
    "nbformat",
    "numpy",
    "pandas",
    "papermill",
    "psutil",
    "traitlets",
    "yaml",
    "zmq",
}
"""Libraries that take long to load, and of which no answer needs any."""
PRINT_LOADED = """
import sys
from durable_nb.cli.app import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
finally:
    print(*{name.partition(".")[0] for name, module in sys.modules.items() if module}, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def folder(forked: ForkedKernels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook, and a store with one run of its steps."""
    made = tmp_path_factory.mktemp("answers")
    forked.run(made, [cell("size = 3"), *map(cell, CELLS[2:])], farewell=True)
    nbformat.write(new_notebook(cells=[*map(new_code_cell, CELLS)]), made / "nb.ipynb")
    return made


def loaded_by(folder: Path, line: str, **variables: str) -> set[str]:
    """The libraries that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_LOADED, *line.split()],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("line", "not_even"),
    [
        ("--help", {"duckdb", "pyarrow", "rich", "xxhash"}),
        ("run --help", {"duckdb", "pyarrow", "rich", "xxhash"}),
        ("completion bash", {"duckdb", "pyarrow", "rich", "xxhash"}),
        ("runs", {"pyarrow"}),
        ("runs --json", {"pyarrow", "rich"}),
        ("status nb.ipynb", {"pyarrow"}),
        ("status --json", {"pyarrow", "rich"}),
        ("show last", {"pyarrow"}),
        ("show last --json", {"pyarrow", "rich"}),
        ("query", {"pyarrow"}),
        ("history total", set()),
        ("history total --json", {"rich"}),
        ("why total", set()),
        ("why total --json", {"rich"}),
        ("logs total", {"rich"}),
        ("graph nb.ipynb", set()),
        ("graph nb.ipynb --format svg", {"rich"}),
        ("plan nb.ipynb", {"duckdb"}),
        ("plan nb.ipynb --json", {"duckdb", "rich"}),
        ("diff last last", set()),
    ],
)
def test_loads_no_more_than_the_answer_takes(line: str, not_even: set[str], folder: Path) -> None:
    """No command that needs no kernel loads what kernels, notebooks or tables of values take."""
    loaded = loaded_by(folder, line)

    assert set() == (SLOW | not_even) & loaded


def test_completion_loads_no_more(folder: Path) -> None:
    """What a shell asks at each press of Tab is answered from the ledger alone."""
    asked = {"_DURABLE_NB_COMPLETE": "bash_complete", "COMP_WORDS": "durable-nb why to", "COMP_CWORD": "2"}

    loaded = loaded_by(folder, "", **asked)

    assert set() == (SLOW | {"pyarrow", "rich"}) & loaded


def test_a_notebook_that_is_in_doubt_is_read_with_care(folder: Path, tmp_path: Path) -> None:
    """What is no notebook beyond doubt is asked of nbformat, so that the message says what is wrong."""
    (tmp_path / "odd.ipynb").write_text('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}')
    command = [sys.executable, "-m", "durable_nb.cli", "graph", "odd.ipynb"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert "odd.ipynb is a damaged notebook" in done.stderr

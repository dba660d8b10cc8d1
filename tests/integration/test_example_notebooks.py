"""The example notebooks run as tests: cold, and again with everything reused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from durable_nb import open_store

ASK_LAST = "import durable_nb; durable_nb.query('select step, state from attempts')"
"""nbval kills its kernels: this waits until the ledger has everything."""
FAILURES = {"download": 4 * [("download", "failed")]}
"""What fails on purpose before it succeeds: the server delivers two pages, each when asked a third time."""
EXAMPLES = Path(__file__).parents[2] / "example_notebooks"


def copy(name: str, parameters: dict[str, object], folder: Path) -> Path:
    """A small setting of the notebook, in a folder of its own."""
    notebook = load_notebook_node(str(EXAMPLES / name))
    if parameters:
        notebook = parameterize_notebook(notebook, parameters)
    notebook.cells.append(new_code_cell(ASK_LAST))
    path = folder / name
    nbformat.write(notebook, path)
    return path


def nbval(notebook: Path) -> str:
    """Run ``pytest --nbval-lax`` on it; what pytest printed."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval-lax",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
            notebook.name,
        ],
        cwd=notebook.parent,
        env={**os.environ, "DURABLE_NB_STORE": str(notebook.parent / "store")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def states(notebook: Path) -> list[tuple[str, str]]:
    """Step and state of every attempt so far, oldest first."""
    rows = open_store(notebook.parent / "store").ledger.rows(
        "select step, state from attempts order by started_at, step", ()
    )
    return [(row["step"], row["state"]) for row in rows]


@pytest.mark.parametrize(
    ("name", "parameters", "steps"),
    [
        ("quickstart.ipynb", {}, ["fruit", "dear"]),
        ("flaky_api.ipynb", {}, ["seen", "download", "total"]),
        (
            "flights.ipynb",
            {"trees": 5, "folds": 2},
            [
                "load",
                "clean",
                "join_weather",
                "by_hour",
                "split",
                "baseline",
                "train",
                "evaluate",
                "explain",
                "plot",
            ],
        ),
    ],
)
def test_runs_cold_then_reuses_every_step(
    name: str, parameters: dict[str, object], steps: list[str], tmp_path: Path
) -> None:
    """The first pass executes each step, a second pass in a new kernel reuses each."""
    notebook = copy(name, parameters, tmp_path)

    nbval(notebook)
    cold = states(notebook)
    nbval(notebook)
    again = states(notebook)[len(cold) :]

    assert cold == [attempt for step in steps for attempt in [*FAILURES.get(step, []), (step, "completed")]]
    assert again == [(step, "reused") for step in steps]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_saved_without_outputs(path: Path) -> None:
    """The notebooks are kept without outputs, so that a change to them reads well."""
    notebook = nbformat.read(path, as_version=4)

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert [cell.outputs for cell in code if cell.outputs] == []
    assert [cell.execution_count for cell in code if cell.execution_count is not None] == []

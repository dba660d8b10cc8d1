"""The story of the dashboard's example notebook, as it is told without the panel being touched."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from durable_nb.store.store import open_store

EXAMPLE = Path(__file__).parents[2] / "example_notebooks" / "dashboard.ipynb"
STEPS = ["load", "clean", "join_weather", "by_hour", "by_carrier", "plot"]


def test_the_example_runs_and_what_failed_is_resumed(tmp_path: Path) -> None:
    """The panel is there, each step ran once, and of the bad month only what failed was done again."""
    notebook = nbformat.read(shutil.copy(EXAMPLE, tmp_path), as_version=4)
    command = f"!{sys.executable} -m durable_nb.cli "
    for cell in notebook.cells:
        cell.source = cell.source.replace("!durable-nb ", command)

    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute(env=dict(os.environ))

    outputs = {cell.id: cell.get("outputs", []) for cell in notebook.cells}
    assert "application/vnd.jupyter.widget-view+json" in outputs["panel"][0]["data"]
    store = open_store(tmp_path / ".durable")
    attempts = store.ledger.rows(
        "select coalesce(r.parameters->>'month', '') as month, step, a.state "
        "from attempts a left join runs r using (run_id) order by month, a.started_at"
    )
    told = [(row["month"], row["step"], row["state"]) for row in attempts]
    month = ["read", "clean", "summary"]
    assert [("", step, "completed") for step in STEPS] == [one for one in told if one[0] == ""]
    for number in "124":
        assert [(number, step, "completed") for step in month] == [one for one in told if one[0] == number]
    assert [
        ("3", "read", "completed"),
        ("3", "clean", "failed"),
        ("3", "read", "reused"),
        ("3", "clean", "completed"),
        ("3", "summary", "completed"),
    ] == [one for one in told if one[0] == "3"]

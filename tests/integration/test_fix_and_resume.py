"""The story of an example notebook: a batch of days, one bad file, a fix, and what failed is done again."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from durable_nb.store.store import open_store

EXAMPLE = Path(__file__).parents[2] / "example_notebooks" / "fix_and_resume.ipynb"
DAYS = [f"2013-01-0{number}" for number in range(1, 4)]


def program(folder: Path) -> Path:
    """A folder for the PATH in which the command is."""
    command = folder / "durable-nb"
    folder.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m durable_nb.cli "$@"\n')
    command.chmod(0o755)
    return folder


def test_only_what_failed_is_done_again(tmp_path: Path) -> None:
    """Each day is loaded once, and the one that failed is cleaned once more."""
    notebook = nbformat.read(shutil.copy(EXAMPLE, tmp_path), as_version=4)
    path = f"{program(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"

    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute(
        env={**os.environ, "PATH": path, "DURABLE_NB_STORE": str(tmp_path / "elsewhere")}
    )

    store = open_store(tmp_path / "fix_and_resume" / ".durable")
    attempts = store.ledger.rows(
        "select parameters->>'day' as day, step, a.state, count(*) as times "
        "from attempts a join runs using (run_id) group by all"
    )
    expected = {(day, step, "completed"): 1 for day in DAYS for step in ("load", "clean", "summary")}
    expected |= {(DAYS[1], "clean", "failed"): 1, (DAYS[1], "load", "reused"): 1}
    assert {(row["day"], row["step"], row["state"]): row["times"] for row in attempts} == expected
    runs = store.ledger.rows("select state, count(*) as times from runs group by state")
    assert runs == [{"state": "completed", "times": 3}]
    assert (
        (tmp_path / "fix_and_resume" / "report.html")
        .read_text(encoding="utf-8")
        .startswith("<!doctype html>")
    )

"""Steps that could be reused are executed anyway, and what comes out otherwise is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

SAME = "%%step same{}\nx = [1, 2]\nprint('seen', object())"
OTHER = "%%step other{}\nimport uuid\nname = uuid.uuid4().hex\ncount = len(name)\nprint(name)"
GROWN = "%%step grown{}\nx.append(3)"


def test_a_checked_step_executes_and_is_compared(kernel) -> None:
    """The same is said quietly; what differs is a warning that names it; inputs are not changed twice."""
    cells = [cell.format("") for cell in (SAME, OTHER, GROWN)]
    checked = [cell.format(" --check") for cell in (SAME, OTHER, GROWN)]
    kernel.start()
    for cell in cells:
        kernel.run(cell)

    same, other, grown = kernel.run_all(*checked)
    assert ["completed"] * 3 == [r.state for r in (same, other, grown)]
    assert "checked: it could have been reused" == same.status["reason"]
    assert ("", "") == (same.status["warning"], grown.status["warning"])
    assert other.status["warning"].startswith("not deterministic: name ")
    assert "count" not in other.status["warning"]
    assert "line 1 of its output" in other.status["warning"]
    assert kernel.run("x").result == "[1, 2, 3]"
    assert ["reused"] * 3 == [r.state for r in kernel.run_all(*cells)]


def test_a_step_that_would_execute_is_not_called_checked(kernel) -> None:
    """There is nothing to compare with."""
    kernel.start()
    assert "first execution" == kernel.run(SAME.format(" --check")).status["reason"]
    assert "code changed" == kernel.run(SAME.format(" --check") + "\nz = 1").status["reason"]


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "nb.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(cell.format("")) for cell in (SAME, OTHER, GROWN)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def run(notebook: Path, *words: str) -> tuple[int, dict[str, Any]]:
    line = [sys.executable, "-m", "durable_nb.cli", *words]
    done = subprocess.run(line, cwd=notebook.parent, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_run_verifies_what_it_reuses(notebook: Path) -> None:
    """The report, the exit status and later the ledger name the step that is not deterministic."""
    assert 0 == run(notebook, "run", "nb.ipynb", "--json")[0]

    status, report = run(notebook, "run", "nb.ipynb", "--verify-reused", "1", "--json")
    checks = {step["step"]: step["check"] for step in report["steps"]}
    assert 1 == status
    assert "completed" == report["state"]
    assert ([], []) == (checks["same"], checks["grown"])
    assert any(text.startswith("name ") for text in checks["other"])
    assert report["steps"] == run(notebook, "show", "last", "--json")[1]["steps"]
    status, report = run(notebook, "run", "nb.ipynb", "--verify-reused", "0", "--json")
    assert (0, {"reused": 3}) == (status, report["counts"])
    assert [None] * 3 == [step["check"] for step in report["steps"]]

"""What the README promises first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "example_notebooks" / "demo.py"
SMALLER = ["-p", "trees", "60", "-p", "folds", "2"]


@pytest.mark.timeout(900)  # three trainings of a model, on a machine that may be busy
def test_demo_kills_resumes_and_compares(tmp_path: Path) -> None:
    """The demo checks its own claims: what was done is reused, and the results are those of a whole run."""
    done = subprocess.run(
        [sys.executable, str(DEMO), *SMALLER], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal: all" in done.stdout
    assert (tmp_path / "demo/resumed/flights.ipynb").exists()

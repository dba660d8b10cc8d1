"""The short form of ``make sweep``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SWEEP = Path(__file__).with_name("sweep")


def test_short_sweep(tmp_path: Path) -> None:
    """Kills, failing writes and damaged files at a part of all points: nothing is lost, nothing is wrong."""
    report = tmp_path / "counts.json"
    command = [sys.executable, str(SWEEP), "--seeds", "3", "--every", "7", "--seconds", "50"]

    ended = subprocess.run(
        [*command, "--report", str(report)], capture_output=True, text=True, timeout=250, check=False
    )

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    counts = json.loads(report.read_text())
    assert [] == counts["lost"]
    assert sum(counts["cases"].values()) > 10
    assert counts["rows"] > 100

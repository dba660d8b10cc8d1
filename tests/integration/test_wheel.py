"""What users install has everything that it shows."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_what_is_no_python(tmp_path: Path) -> None:
    """The panel's bundle and the report's style sheet are in it: whoever installs it needs no Node."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        packed = {name for name in opened.namelist() if name.startswith("durable_nb/")}

    there = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "durable_nb").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == there
    assert {f"durable_nb/dashboard/static/dashboard.{kind}" for kind in ("css", "js")} <= packed

"""``python tests/panel_fixtures.py [FOLDER]``: what a real panel sends, as JSON for work on its front end.

The flights pipeline runs in a kernel, until a step of it fails; a batch of days runs outside, and some fail.
The files go to extension/src/dashboard/fixtures.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbformat.v4 import new_code_cell, new_notebook
from panel_front import Front

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "extension" / "src" / "dashboard" / "fixtures"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
PARAMETERS = """%%params
day = "2026-11-01"  # the day to look at
threshold = 0.5     # drop rows below this; range: 0..1
method = "fast"     # choices: fast, exact
columns = ["a", "b"]
api_key = ""        # of the archive"""
FETCH = """%%step fetch
import pandas as pd
raw = pd.DataFrame({"a": range(int(day[-2:])), "b": 1.5})
print(day, len(raw))"""
TIDY = """%%step tidy --retries 1 --backoff 0
if day.endswith('3'):
    raise ValueError('12 min is no number')
tidy = raw[raw.a > threshold]"""
DAY = ["%load_ext durable_nb", PARAMETERS, FETCH, TIDY, "%%step total\ntotal = int(tidy.a.sum())"]
SMALL = {"trees = 500": "trees = 20", "folds = 3": "folds = 2", "n_repeats=3": "n_repeats=1"}


def save(path: Path, cells: list[Any]) -> Path:
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    return path


def small_flights(folder: Path) -> Path:
    """The example notebook, with less work, and a step that fails."""
    nb = nbformat.read(ROOT / "example_notebooks" / "flights.ipynb", as_version=4)
    for cell in nb.cells:
        for was, now in SMALL.items():
            cell.source = cell.source.replace(was, now)
        if cell.source.startswith("%%step explain"):
            cell.source = cell.source.replace("n_repeats=1", "n_repeats=int('three')")
    return save(folder / "flights.ipynb", nb.cells)


def batch(folder: Path) -> None:
    """Runs of another notebook: one for each of five days, of which one fails, and one that is fixed."""
    save(folder / "one_day.ipynb", [new_code_cell(source) for source in DAY])
    command = [sys.executable, "-m", "durable_nb.cli"]
    for number in range(1, 6):
        words = ["run", "one_day.ipynb", f"out-{number}.ipynb", "-p", "day", f"2026-11-0{number}"]
        subprocess.run([*command, *words, "--tag", "team=ops"], cwd=folder, check=False, capture_output=True)


PLACE: dict[str, str] = {}
"""What stands in the files in place of names of this machine."""


def write(name: str, content: Any) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    for here, there in PLACE.items():
        text = text.replace(here, there)
    (TARGET / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def views(front: Front) -> Callable[[str], None]:
    """Writes the view of that name as it stands."""
    return lambda name: write(name, front.views[name])


def flights(front: Front, notebook: Path) -> None:
    """Run the pipeline; its views while it trains, when it failed, and when a parameter is another one."""
    cells = [c.source for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "code"]
    front.run(cells[0])
    front.open()
    for source in cells[1:]:
        request = front.send(source)
        if source.startswith("%%step train"):
            front.until(lambda: front.row("train").get("state") == "running")
            write("steps-running", front.views["steps"])
        front.until(lambda request=request: request in front.ended)
    front.until(lambda: not front.views["panel"]["busy"] and front.row("explain").get("state") == "failed")
    for step in [row["step"] for row in front.views["steps"]["rows"]]:
        write(f"detail-{step}", front.ok("detail", step=step))
    for step, output in (("load", "flights"), ("by_hour", "by_hour"), ("split", "names"), ("train", "model")):
        write(f"preview-{output}", front.ok("preview", step=step, output=output))
    write("foretell-run_from", front.ok("foretell", do="run_from", step="split", args={}))
    front.ok("apply_parameters", values={"late_after": "30"}, run=False)
    front.until(lambda: front.row("clean").get("stale") is True)


def runs(front: Front) -> None:
    """What the table of runs is about."""
    found = front.ok("runs", query={})
    failed = [row["run_id"] for row in found["rows"] if row["state"] == "failed"]
    write("run", front.ok("run", run_id=failed[0]))
    write("compare", front.ok("compare", left=found["rows"][0]["run_id"], right=found["rows"][1]["run_id"]))
    wanted = {"run_ids": failed, "parameters": {"day": "2026-11-04"}, "notebook": ""}
    write("foretell_resume", front.ok("foretell_resume", **wanted))
    front.ok("resume", **wanted)
    front.until(lambda: front.views["jobs"] and front.views["jobs"][0]["done"])


def main(folder: Path) -> None:
    PLACE[str(folder)] = "/home/anna/flights"
    PLACE[sysconfig.get_path("purelib")] = "/home/anna/venv/site-packages"
    PLACE[json.dumps(getpass.getuser())] = '"anna"'
    PLACE[json.dumps(socket.gethostname())] = '"laptop"'
    batch(folder)
    notebook = small_flights(folder)
    manager = KernelManager()
    manager.start_kernel(cwd=str(folder), env={**os.environ, "JPY_SESSION_NAME": str(notebook)})
    front = Front(manager)
    try:
        flights(front, notebook)
        runs(front)
        for name in ("panel", "steps", "parameters", "runs", "jobs"):
            views(front)(name)
    finally:
        front.close()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else scratch))

"""Notebooks for the benchmarks, and the programs that run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def write(path: Path, cells: Iterable[str]) -> Path:
    code: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(cells)
    ]
    notebook = {"cells": code, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    return path


def papermill(notebook: Path, *options: str) -> int:
    """Run it beside itself as ``….out.ipynb``; the exit status."""
    output = notebook.with_suffix(".out.ipynb")
    command = [sys.executable, "-m", "papermill", str(notebook), str(output), "--no-progress-bar", *options]
    return execute(command, notebook.parent)


def nbclient(notebook: Path) -> int:
    output = notebook.with_suffix(".out.ipynb")
    code = (
        "import nbformat, sys; from nbclient import NotebookClient\n"
        "notebook = nbformat.read(sys.argv[1], 4); NotebookClient(notebook).execute()\n"
        "nbformat.write(notebook, sys.argv[2])"
    )
    return execute([sys.executable, "-c", code, str(notebook), str(output)], notebook.parent)


def execute(command: list[str], folder: Path) -> int:
    environment = {
        **os.environ,
        "DURABLE_NB_STORE": str(folder / "store"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    with (folder / "log").open("ab") as log:
        return subprocess.run(
            command, cwd=folder, env=environment, stdout=log, stderr=log, check=False
        ).returncode


def now() -> float:
    return time.perf_counter()

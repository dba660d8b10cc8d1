"""What a notebook waits for before its first cell: imports and the extension, on top of a started IPython."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from contest import OURS, Contender, Figures, Sizes, Subject, Target

KERNEL_MODULES = "import ipykernel.ipkernel, ipykernel.kernelapp"


def fresh(code: str, folder: Path) -> float:
    """Milliseconds that the code takes in a process that has started as a kernel would."""
    script = f"""
import time
{KERNEL_MODULES}
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
start = time.perf_counter()
{code}
print((time.perf_counter() - start) * 1e3)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


def load(code: str, folder: Path, sizes: Sizes) -> Figures:
    fresh(code, folder)  # the first time compiles
    return {"load": min(fresh(code, folder) for _ in range(sizes["processes"]))}


def load_and_help(code: str, folder: Path, sizes: Sizes) -> Figures:
    """Ours has a command line too."""
    help_times = []
    for _ in range(sizes["processes"]):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "durable_nb.cli", "--help"], check=True, capture_output=True)
        help_times.append((time.perf_counter() - start) * 1e3)
    return {**load(code, folder, sizes), "help": min(help_times)}


SUBJECTS = [
    Subject(
        name="startup",
        title="Loading, on top of IPython and ipykernel",
        measures={"load": "load, ms", "help": "--help, ms"},
        contenders={
            OURS: Contender((partial(load_and_help, "shell.run_line_magic('load_ext', 'durable_nb')"),)),
            "import joblib": Contender((partial(load, "import joblib"),), ("joblib",)),
            "import marimo": Contender((partial(load, "import marimo"),), ("marimo",)),
            "import dbos": Contender((partial(load, "import dbos"),), ("dbos",)),
        },
        quick={"processes": 3},
        full={"processes": 7},
        targets=[Target("load", 150.0, where="quick"), Target("help", 300.0, where="quick")],
    )
]

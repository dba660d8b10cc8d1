"""How long the command takes to answer when no kernel is needed, beside what its libraries take to load."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from contest import OURS, Contender, Figures, Sizes, Subject, Target
from notebooks import write

FLOOR = "import click, rich.console, duckdb"
COMMANDS = {
    "help": ["--help"],
    "runs": ["runs"],
    "status": ["status", "nb.ipynb"],
    "show": ["show", "last"],
    "history": ["history", "total"],
    "why": ["why", "total"],
    "logs": ["logs", "total"],
    "query": ["query", "from failures"],
    "graph": ["graph", "nb.ipynb"],
    "plan": ["plan", "nb.ipynb"],
    "diff": ["diff", "last", "last"],
    "completion": ["completion", "bash"],
}
CELLS = [
    "%load_ext durable_nb",
    "%%params\nsize = 3",
    "%%step load\nraw = list(range(size))",
    "%%step total\ntotal = sum(raw)\nprint(total)",
    "%%step last\nlast = total * 2",
]


def one_run(folder: Path, sizes: Sizes) -> Figures:
    write(folder / "nb.ipynb", CELLS)
    milliseconds(["-m", "durable_nb.cli", "run", "nb.ipynb", "out.ipynb"], folder)
    return {}


def answers(folder: Path, sizes: Sizes) -> Figures:
    return {
        name: median(["-m", "durable_nb.cli", *words], folder, sizes["times"])
        for name, words in COMMANDS.items()
    }


def floor(folder: Path, sizes: Sizes) -> Figures:
    taken = median(["-c", FLOOR], folder, sizes["times"])
    return dict.fromkeys(COMMANDS, taken)


def median(words: list[str], folder: Path, times: int) -> float:
    milliseconds(words, folder)  # the first time compiles
    return statistics.median(milliseconds(words, folder) for _ in range(times))


def milliseconds(words: list[str], folder: Path) -> float:
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=folder, env=compiled, check=True, capture_output=True)
    return (time.perf_counter() - start) * 1e3


SUBJECTS = [
    Subject(
        name="answers",
        title="Answers that need no kernel",
        measures={name: f"{name}, ms" for name in COMMANDS},
        contenders={OURS: Contender((one_run, answers)), FLOOR: Contender((floor,))},
        quick={"times": 3},
        full={"times": 9},
        targets=[Target(name, 300.0, where="quick") for name in COMMANDS],
        notes="why, logs, history, graph, plan and diff read traces too, with pyarrow.",
    )
]

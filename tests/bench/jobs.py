"""What further kernels bring a run: much where steps wait, and no harm where they are short."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from contest import OURS, Contender, Figures, Sizes, Subject, Target
from notebooks import execute, now, write

_PARAMETERS = "%%params\nn = 0"


def record(folder: Path, sizes: Sizes) -> Figures:
    """A first run, from which it is known what depends on what and how long it takes."""
    waits = [f"%%step wait_{i}\ntime.sleep(2)\nw{i} = n + {i}" for i in range(sizes["waits"])]
    short = [f"%%step short_{i}\ntime.sleep(0.005)\ns{i} = n + {i}" for i in range(sizes["short steps"])]
    for name, steps in {"waits": waits, "short": short}.items():
        run(write(folder / f"{name}.ipynb", [_PARAMETERS, "import time", *steps]), "0")
    return {}


def compare(options: tuple[str, ...], folder: Path, _: Sizes) -> Figures:
    """Another parameter, so that all steps are executed again."""
    return {name: run(folder / f"{name}.ipynb", "1", *options) for name in ("waits", "short")}


def run(notebook: Path, n: str, *options: str) -> float:
    line = [sys.executable, "-m", "durable_nb.cli", "run", str(notebook), "-p", "n", n, *options]
    start = now()
    status = execute(line, notebook.parent)
    total = now() - start
    assert status == 0, (notebook.parent / "log").read_text(encoding="utf-8")
    return total


SUBJECTS = [
    Subject(
        name="jobs",
        title="Independent steps: two kernels beside one",
        measures={"waits": "steps that wait 2 s, s", "short": "steps of 5 ms, s"},
        contenders={
            OURS: Contender((record, partial(compare, ("--jobs", "2")))),
            "one kernel": Contender((record, partial(compare, ()))),
        },
        quick={"waits": 4, "short steps": 40},
        full={"waits": 8, "short steps": 200},
        targets=[
            Target("waits", 0.9, "one kernel", where="quick"),
            Target("short", 1.1, "one kernel", where="quick"),
        ],
        notes="Ours is `run --jobs 2`; both have run before, so that it is known what depends on what.",
    ),
]

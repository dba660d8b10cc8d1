"""What it costs to run a trivial cell from outside: the engine beside papermill's own and nbclient."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from contest import OURS, Contender, Figures, Sizes, Subject, Target
from notebooks import execute, nbclient, now, papermill, write

Run = Callable[[Path], int]


STAMP = "import time; from pathlib import Path; Path({name!r}).write_text(str(time.perf_counter()))"


def per_cell(run: Run, folder: Path, sizes: Sizes) -> Figures:
    """The notebook's first and last cell note the time, so that starting the kernel drops out."""
    between = [f"x = {number}\nx" for number in range(sizes["cells"])]
    notebook = write(
        folder / "notebook.ipynb", [STAMP.format(name="first"), *between, STAMP.format(name="last")]
    )
    start = now()
    status = run(notebook)
    total = now() - start
    assert status == 0, (folder / "log").read_text(encoding="utf-8")
    first, last = (float((folder / name).read_text(encoding="ascii")) for name in ("first", "last"))
    return {"cell": (last - first) / (len(between) + 1) * 1e3, "rest": total - (last - first)}


def whole(run: Run, folder: Path, sizes: Sizes) -> Figures:
    """From the command's start to its end, as one waits for it."""
    notebook = write(folder / "notebook.ipynb", [f"x = {number}\nx" for number in range(sizes["cells"])])
    start = now()
    status = run(notebook)
    total = now() - start
    assert status == 0, (folder / "log").read_text(encoding="utf-8")
    return {"total": total}


def durable(notebook: Path) -> int:
    return papermill(notebook, "--engine", "durable")


def command(notebook: Path) -> int:
    output = notebook.with_suffix(".out.ipynb")
    line = [sys.executable, "-m", "durable_nb.cli", "run", str(notebook), str(output)]
    return execute(line, notebook.parent)


SUBJECTS = [
    Subject(
        name="engine",
        title="A trivial cell of a notebook run from outside",
        measures={"cell": "per cell, ms", "rest": "start and end, s"},
        contenders={
            OURS: Contender((partial(per_cell, durable),)),
            "papermill": Contender((partial(per_cell, papermill),), ("papermill",)),
            "nbclient": Contender((partial(per_cell, nbclient),), ("nbclient",)),
        },
        quick={"cells": 100},
        full={"cells": 300},
        targets=[Target("cell", 0.25, "papermill", where="quick")],
        notes="Ours and papermill save the notebook as they go; nbclient saves once, at the end.",
    ),
    Subject(
        name="command",
        title="A notebook of trivial cells, from the command to its end",
        measures={"total": "in all, s"},
        contenders={
            OURS: Contender((partial(whole, command),)),
            "papermill": Contender((partial(whole, papermill),), ("papermill",)),
            "papermill --engine durable": Contender((partial(whole, durable),), ("papermill",)),
        },
        quick={"cells": 100},
        full={"cells": 100},
        targets=[
            Target("total", 1.1, "papermill", where="quick"),
            Target("total", 1.1, "papermill --engine durable", where="quick"),
        ],
        notes="What the command adds: its own start, the report at the end.",
    ),
]

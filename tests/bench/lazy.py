"""A notebook of many big frames that is resumed, when its next cell needs a small one."""

from __future__ import annotations

import time
from pathlib import Path

from contest import OURS, Contender, Figures, Sizes, Subject

FRAME = """%%step frame_{number}
import numpy as np, pandas as pd
frame_{number} = pd.DataFrame({{c: np.random.default_rng({number}).normal(size={rows}) for c in "abcdefgh"}})
small_{number} = {number}"""
NEXT = "total = small_0 + 1"
MEMORY = "__import__('resource').getrusage(0).ru_maxrss / 1024"


def cells(sizes: Sizes) -> list[str]:
    return [FRAME.format(number=number, rows=sizes["rows"]) for number in range(sizes["frames"])]


def ours_first(folder: Path, sizes: Sizes) -> Figures:
    from kernel import kernel, run

    with kernel(folder, {"DURABLE_NB_STORE": str(folder / "store")}) as client:
        run(client, "%load_ext durable_nb")
        for cell in cells(sizes):
            run(client, cell)
    stored = sum(path.stat().st_size for path in (folder / "store").rglob("*.parquet"))
    return {"stored": stored / 2**20}


def ours_again(folder: Path, sizes: Sizes) -> Figures:
    from kernel import evaluate, kernel, run

    with kernel(folder, {"DURABLE_NB_STORE": str(folder / "store")}) as client:
        run(client, "%load_ext durable_nb")
        start = time.perf_counter()
        for cell in cells(sizes):
            run(client, cell)
        run(client, NEXT)
        return {"resume": time.perf_counter() - start, "peak": float(evaluate(client, MEMORY))}


def joblib_first(folder: Path, sizes: Sizes) -> Figures:
    import joblib
    import numpy as np
    import pandas as pd

    for number in range(sizes["frames"]):
        random = np.random.default_rng(number)
        frame = pd.DataFrame({c: random.normal(size=sizes["rows"]) for c in "abcdefgh"})
        joblib.dump((frame, number), folder / f"frame-{number}")
    return {"stored": sum(path.stat().st_size for path in folder.iterdir()) / 2**20}


def joblib_again(folder: Path, sizes: Sizes) -> Figures:
    """Everything is loaded, as a cell that begins with ``joblib.load`` does."""
    from kernel import evaluate, kernel, run

    with kernel(folder, {}) as client:
        run(client, "import joblib")
        start = time.perf_counter()
        for number in range(sizes["frames"]):
            run(client, f"frame_{number}, small_{number} = joblib.load('frame-{number}')")
        run(client, NEXT)
        return {"resume": time.perf_counter() - start, "peak": float(evaluate(client, MEMORY))}


SUBJECTS = [
    Subject(
        name="lazy",
        title="Resume a notebook of big frames when the next cell needs a small value",
        measures={"resume": "resume, s", "peak": "peak memory, MiB", "stored": "on disk, MiB"},
        contenders={
            OURS: Contender((ours_first, ours_again)),
            "joblib by hand": Contender((joblib_first, joblib_again), ("joblib", "pandas")),
        },
        quick={"frames": 10, "rows": 200_000},
        full={"frames": 40, "rows": 2_000_000},
    )
]

"""A notebook whose kernel is killed near its end, and what it takes to finish it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contest import OURS, Contender, Figures, Sizes, Subject, Target
from notebooks import now, papermill, write

IMPORTS = """
import os, pickle, signal, time
from pathlib import Path
import numpy as np
import pandas as pd
"""

DIE_ONCE = """
if not Path("died").exists():
    Path("died").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""

BY_HAND = """
file = Path("frame{number}.pickle")
if file.exists():
    frame{number} = pickle.loads(file.read_bytes())
else:
{body}
    file.write_bytes(pickle.dumps(frame{number}))
"""


def work(number: int, sizes: Sizes) -> str:
    """A cell that takes its time and makes a frame out of the one before it."""
    before = f"frame{number - 1}['value']" if number else "0"
    rows, pause = f"np.arange({sizes['rows']})", sizes["milliseconds"] / 1e3
    return (
        f"time.sleep({pause})\n"
        f"frame{number} = pd.DataFrame({{'id': {rows}, 'value': {rows} * 0.5 + {before}}})"
    )


def plain_cell(number: int, body: str) -> str:
    return body


def durable_cell(number: int, body: str) -> str:
    return f"%%step s{number}\n{body}"


def by_hand_cell(number: int, body: str) -> str:
    return BY_HAND.format(number=number, body="\n".join(f"    {line}" for line in body.splitlines()))


def cells(style: str, sizes: Sizes) -> list[str]:
    write_cell = {"durable": durable_cell, "plain": plain_cell, "by hand": by_hand_cell}[style]
    made = [IMPORTS]
    for number in range(sizes["cells"]):
        body = work(number, sizes)
        if number == sizes["cells"] - 6:
            body = f"{DIE_ONCE.strip()}\n{body}"
        made.append(write_cell(number, body))
    return made


def killed_and_resumed(style: str, options: tuple[str, ...], folder: Path, sizes: Sizes) -> Figures:
    notebook = write(folder / "notebook.ipynb", cells(style, sizes))
    start = now()
    first = papermill(notebook, *options)
    killed = now()
    second = papermill(notebook, *options)
    end = now()
    assert (folder / "died").exists(), "the kernel was not killed"
    assert first != 0, "nobody noticed that the kernel was killed"
    assert second == 0, (folder / "log").read_text(encoding="utf-8")[-2000:]
    return {"resume": end - killed, "first": killed - start}


def contender(style: str, *options: str) -> Contender:
    return Contender((partial(killed_and_resumed, style, options),), ("papermill", "pandas"))


SUBJECTS = [
    Subject(
        name="resume",
        title="A notebook killed six cells before its end",
        measures={"resume": "second run, s", "first": "first run, s"},
        contenders={
            OURS: contender("durable", "--engine", "durable"),
            "papermill": contender("plain"),
            "papermill, pickle by hand": contender("by hand"),
        },
        quick={"cells": 50, "milliseconds": 50, "rows": 10_000},
        full={"cells": 50, "milliseconds": 500, "rows": 100_000},
        targets=[Target("resume", 1.0, "papermill, pickle by hand", where="quick")],
    )
]

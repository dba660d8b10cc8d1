"""Many small durable steps: made for the first time (a miss), then found again by a new process (a hit)."""

from __future__ import annotations

import os
import runpy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contest import OURS, Contender, Figures, Sizes, Subject, Target

Small = Callable[[int], dict[str, int]]


def milliseconds_a_call(small: Small, count: int) -> float:
    start = time.perf_counter()
    for number in range(count):
        assert small(number) == {"number": number, "square": number * number}
    return (time.perf_counter() - start) / count * 1e3


def in_kernel(folder: Path, sizes: Sizes) -> tuple[float, float]:
    """Milliseconds of a plain cell and of a step in a real kernel, reading every result included."""
    from kernel import kernel, milliseconds_each, run

    count = sizes["steps"]
    body = "r{0} = {{'number': {0}, 'square': {0} * {0}}}"
    steps = [f"%%step s{number}\n{body.format(number)}" for number in range(count)]
    everything = ", ".join(f"r{number}" for number in range(count))
    steps.append(f"assert [r['number'] for r in [{everything}]] == list(range({count}))")
    with kernel(folder, {"DURABLE_NB_STORE": str(folder / "store")}) as client:
        run(client, "%load_ext durable_nb")
        run(client, "%%step warm_up\nwarm_up = 1")
        plain = milliseconds_each(client, [body.format(f"1{number:06}") for number in range(200)])
        return plain, milliseconds_each(client, steps)


def ours_miss(folder: Path, sizes: Sizes) -> Figures:
    plain, step = in_kernel(folder, sizes)
    return {"miss": step - plain}


def ours_hit(folder: Path, sizes: Sizes) -> Figures:
    plain, step = in_kernel(folder, sizes)
    return {"hit": step - plain}


def joblib_calls(folder: Path, sizes: Sizes) -> float:
    import joblib

    memory = joblib.Memory(folder, verbose=0)
    return milliseconds_a_call(memory.cache(small_for_joblib), sizes["steps"])


def small_for_joblib(number: int) -> dict[str, int]:
    return {"number": number, "square": number * number}


def joblib_miss(folder: Path, sizes: Sizes) -> Figures:
    return {"miss": joblib_calls(folder, sizes)}


def joblib_hit(folder: Path, sizes: Sizes) -> Figures:
    return {"hit": joblib_calls(folder, sizes)}


MARIMO_NOTEBOOK = """
import marimo

app = marimo.App()

with app.setup:
    import marimo as mo

@app.cell
def _():
    @mo.persistent_cache(save_path={path!r})
    def small(number):
        return {{"number": number, "square": number * number}}
    return (small,)

@app.cell
def _(measure, small):
    took = measure(small)
    return (took,)
"""


def marimo_calls(folder: Path, sizes: Sizes) -> float:
    notebook = folder / "notebook.py"
    notebook.write_text(MARIMO_NOTEBOOK.format(path=str(folder / "cache")), encoding="utf-8")
    app = runpy.run_path(str(notebook))["app"]
    _, names = app.run(defs={"measure": lambda small: milliseconds_a_call(small, sizes["steps"])})
    took: float = names["took"]
    return took


def marimo_miss(folder: Path, sizes: Sizes) -> Figures:
    return {"miss": marimo_calls(folder, sizes)}


def marimo_hit(folder: Path, sizes: Sizes) -> Figures:
    return {"hit": marimo_calls(folder, sizes)}


def dbos_workflow(folder: Path, sizes: Sizes, *, die: bool) -> tuple[Any, Any]:
    """DBOS with its SQLite database in the folder, and a workflow of small steps that times itself."""
    from dbos import DBOS

    database = f"sqlite:///{folder / 'dbos.sqlite'}"
    DBOS(
        config={
            "name": "bench",
            "system_database_url": database,
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )

    @DBOS.step(name="small")  # type: ignore[untyped-decorator, unused-ignore]
    def small(number: int) -> dict[str, int]:
        return {"number": number, "square": number * number}

    @DBOS.workflow(name="many")  # type: ignore[untyped-decorator, unused-ignore]
    def many(count: int) -> float:
        took = milliseconds_a_call(small, count)
        if die:
            (folder / "miss").write_text(str(took), encoding="ascii")
            os._exit(0)
        return took

    return DBOS, many


def dbos_miss(folder: Path, sizes: Sizes) -> Figures:
    """In a process that dies at the workflow's last line, so that there is something to recover."""
    child = os.fork()
    if child == 0:
        from dbos import SetWorkflowID

        library, many = dbos_workflow(folder, sizes, die=True)
        library.launch()
        with SetWorkflowID("many"):
            many(sizes["steps"])
    os.waitpid(child, 0)
    return {"miss": float((folder / "miss").read_text(encoding="ascii"))}


def dbos_hit(folder: Path, sizes: Sizes) -> Figures:
    """Launching recovers the workflow that died: its steps are read back."""
    library, _ = dbos_workflow(folder, sizes, die=False)
    library.launch()
    took = library.retrieve_workflow("many").get_result()
    library.destroy()
    return {"hit": took}


SUBJECTS = [
    Subject(
        name="steps",
        title="Small steps",
        measures={"miss": "miss, ms", "hit": "hit, ms"},
        contenders={
            OURS: Contender((ours_miss, ours_hit)),
            "joblib.Memory": Contender((joblib_miss, joblib_hit), ("joblib",)),
            "marimo persistent_cache": Contender((marimo_miss, marimo_hit), ("marimo",)),
            "DBOS steps (SQLite)": Contender((dbos_miss, dbos_hit), ("dbos",)),
        },
        quick={"steps": 200},
        full={"steps": 1_000},
        targets=[
            Target("hit", 1.0, where="quick"),
            Target("miss", 10.0, where="quick"),
            Target("miss", 2.0, "joblib.Memory", where="quick"),
            Target("hit", 2.0, "joblib.Memory", where="quick"),
            Target("miss", 0.3, "DBOS steps (SQLite)", where="quick"),
        ],
        notes="Ours: a cell in a real kernel, less a plain cell. Only ours and DBOS's survive power loss.",
    )
]

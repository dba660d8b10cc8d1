"""Sweeps: one run a row; what rows share is computed once; what happens to one row touches no other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pyarrow.parquet as pq
import pytest
from integration.meeting import JOIN, Meeting, meeting
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.sweeping.sweep import SweepProgress, sweep
from durable_nb.core.errors import UsageError
from durable_nb.core.model import State
from durable_nb.store.store import open_store

COMMAND = (sys.executable, "-m", "durable_nb.cli", "sweep", "m.ipynb", "--params", "t.csv", "-o", "out")
DIES = 9
FIT = f"""%%step fit
if alpha == {DIES}:
    os.kill(os.getppid(), 9)
if alpha > limit:
    raise ValueError("too much")
durable_nb.metric("score", alpha * len(data))"""


@pytest.fixture
def place() -> Iterator[Meeting]:
    with meeting() as made:
        yield made


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(place: Meeting, fit: str = FIT) -> Path:
    """A notebook whose step load all rows share."""
    cells = [
        "# params:\nalpha = 0.5\nlimit = 1.0",
        f"import os\nimport durable_nb\n{JOIN}",
        f"meet({place.place}, f'row {{alpha}}')",
        f"%%step load\nmeet({place.place}, 'load')\ndata = [1, 2]",
        fit,
    ]
    path = Path("m.ipynb").absolute()
    nb = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    nb.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nb, path)
    return path


def attempts(step: str) -> list[tuple[str, int]]:
    """State and number of each attempt of a step in all runs, oldest first."""
    with closing(open_store(".durable")) as store:
        store.recover()
        rows = store.ledger.rows(
            "select state, attempt from attempts where step = ? and reuse = 0 order by started_at", [step]
        )
    return [(row["state"], row["attempt"]) for row in rows]


def test_rows_share_what_they_have_in_common(place: Meeting) -> None:
    """Rows that run at the same time execute a shared step once; one that fails or dies stops no other."""
    notebook = write(place)
    place.hold("load", until=("row 0.25", "row 0.5"))
    rows: list[dict[str, Any]] = [{"alpha": alpha} for alpha in (0.25, 0.5, 2, DIES)]
    seen: list[dict[State, int]] = []

    def note(progress: SweepProgress) -> None:
        seen.append(progress.counts)

    first = sweep(notebook, rows, Path("out"), jobs=2, on_change=note)

    assert {State.COMPLETED: 2, State.FAILED: 1, State.INTERRUPTED: 1} == first.counts
    assert 1 == len(attempts("load"))
    assert [0.5, 1.0, None, None] == first.columns["score"]
    assert "step fit: ValueError: too much" == first.results[3].error
    assert "killed by SIGKILL" in first.results[4].error
    assert {State.PENDING: 3, State.RUNNING: 1} == seen[0]
    assert all(row.output.exists() for row in first.rows)

    again = sweep(notebook, rows[:3], Path("out"), jobs=2, parameters={"limit": 3})

    assert {State.COMPLETED: 3} == again.counts
    assert 1 == len(attempts("load"))
    table = pq.read_table("out/summary.parquet").to_pylist()
    assert [(0.25, 0.5), (0.5, 1.0), (2.0, 4.0)] == [(row["alpha"], row["score"]) for row in table]


def test_ctrl_c_leaves_everything_resumable(place: Meeting) -> None:
    """Stopped by Ctrl-C, a sweep ends its rows in good order; the same command goes on with the same runs."""
    write(place)
    Path("t.csv").write_text("alpha\n0.25\n0.5\n0.75\n")
    place.hold("load")
    process = subprocess.Popen(
        [*COMMAND, "-j", "2", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that the whole group can be told, as a terminal does
    )
    place.wait_for("load")
    place.wait_for("row 0.25")
    place.wait_for("row 0.5")

    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)

    stopped = json.loads(out)
    assert (130, b"") == (
        process.returncode,
        b"".join(line for line in err.splitlines() if b"Traceback" in line),
    )
    assert ["cancelled", "cancelled", "pending"] == [row["state"] for row in stopped["rows"]]

    place.let_all_go()
    done = subprocess.run([*COMMAND, "-j", "2", "--json"], capture_output=True, check=False, timeout=240)

    finished = json.loads(done.stdout)
    assert (0, {"completed": 3}) == (done.returncode, finished["counts"])
    assert [row["run_id"] for row in stopped["rows"]][:2] == [row["run_id"] for row in finished["rows"]][:2]
    assert [b"1/3", b"2/3", b"3/3"] == [line.split(b" ")[0] for line in done.stderr.splitlines()]


def test_mistakes_are_told_before_anything_runs(place: Meeting) -> None:
    """A misspelt column, and no table, are refused in one line with status 2; no store is made."""
    write(place)
    Path("t.csv").write_text("alpah\n0.25\n")

    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)

    assert (2, "") == (done.returncode, done.stdout)
    assert "did you mean 'alpha'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path(".durable").exists()


def test_rows_on_a_dask_cluster(place: Meeting) -> None:
    """With --dask the workers of a cluster do the rows, share steps, and stop in good order."""
    distributed = pytest.importorskip("distributed")
    notebook = write(place)
    place.hold("load", until=("row 0.25", "row 0.5"))

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        rows = [{"alpha": alpha} for alpha in (0.25, 0.5, 2)]
        report = sweep(notebook, rows, Path("out"), jobs=2, dask=cluster.scheduler_address)

    assert {State.COMPLETED: 2, State.FAILED: 1} == report.counts
    assert 1 == len(attempts("load"))
    assert [0.5, 1.0, None] == report.columns["score"]


def test_a_dask_worker_dies(place: Meeting) -> None:
    """The row that it was at work on is done by another one; its process and its kernel end."""
    distributed = pytest.importorskip("distributed")
    notebook = write(place)
    place.hold("load")

    def kill() -> None:
        place.wait_for("load")
        at_work = [name for name, found in cluster.scheduler.workers.items() if found.processing]
        process = next(w.process for w in cluster.workers.values() if w.worker_address in at_work)
        os.kill(process.pid, signal.SIGKILL)
        place.let_all_go()

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        threading.Thread(target=kill).start()
        report = sweep(notebook, [{"alpha": 0.25}], Path("out"), dask=cluster.scheduler_address)

    assert {State.COMPLETED: 1} == report.counts
    assert [0.5] == report.columns["score"]
    assert 2 == place.came.count("row 0.25")


def test_the_dask_scheduler_goes(place: Meeting) -> None:
    """Rows that it had are interrupted and say why, the others are left; nothing is waited for in vain."""
    distributed = pytest.importorskip("distributed")
    rows = [{"alpha": 0.25}, {"alpha": 0.5}, {"alpha": 0.75}]
    cluster = distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None)

    def close(progress: SweepProgress) -> None:
        if progress.running:
            cluster.close()

    report = sweep(write(place), rows, Path("out"), dask=cluster.scheduler_address, on_change=close)

    assert {State.PENDING: 2, State.INTERRUPTED: 1} == report.counts
    assert "does not answer any more" in report.results[1].error


def test_no_dask_scheduler_there(place: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where no scheduler answers is told in one line, and nothing is run."""
    pytest.importorskip("distributed")
    monkeypatch.setattr("durable_nb.batch.sweeping.dask_rows.PATIENCE", 0.2)

    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        sweep(write(place), [{"alpha": 1}], Path("out"), dask="tcp://127.0.0.1:1")

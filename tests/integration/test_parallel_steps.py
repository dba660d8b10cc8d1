"""``durable-nb run --jobs``: independent steps run at the same time, and the result is the same."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from integration.meeting import JOIN, Meeting, meeting
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.engine_run import RunStoppedError, run_notebook
from durable_nb.batch.inspecting.reports import RunReport
from durable_nb.core.model import State
from durable_nb.core.protocol import STATUS_MIME
from durable_nb.store.store import open_store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meeting]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("durable_nb.batch.ahead.WORTH_IT", 0.0)
    monkeypatch.setattr("durable_nb.batch.ahead.START", 0.0)
    with meeting() as made:
        yield made


def write(place: Meeting, *cells: str) -> Path:
    sources = ["n = 1\nbad = 0", f"import durable_nb\n{JOIN}\nPLACE = {place.place}", *cells]
    nb = new_notebook(cells=[new_code_cell(source) for source in sources])
    nb.cells[0].metadata["tags"] = ["parameters"]
    path = Path("m.ipynb").absolute()
    nbformat.write(nb, path)
    return path


def run(notebook: Path, n: int, *, store: str = "store", **options: Any) -> RunReport:
    return run_notebook(
        notebook, f"out-{store}.ipynb", {"n": n}, store=Path(store).absolute(), progress=False, **options
    )


def shown(store: str) -> list[tuple[str, int | None, str, list[dict[str, Any]]]]:
    """Of each cell its code, its count, its state and its outputs, but for times."""
    nb: NotebookNode = nbformat.read(f"out-{store}.ipynb", as_version=4)
    found = []
    for cell in nb.cells:
        outputs = [{k: v for k, v in o.items() if k != "metadata"} for o in cell.outputs if not is_line(o)]
        state = cell.metadata.get("durable_nb", {}).get("state", "")
        found.append((cell.source, cell.execution_count, state, outputs))
    return found


def is_line(output: NotebookNode) -> bool:
    return STATUS_MIME in output.get("data", {})


def executed(store: str) -> list[tuple[str, int, str]]:
    """Step, attempt and state of everything that the last run has recorded of its steps."""
    with closing(open_store(store)) as opened:
        opened.recover()
        rows = opened.ledger.rows(
            "select step, attempt, state from attempts "
            "where run_id = (select max(run_id) from runs) order by 1, 2"
        )
    return [(row["step"], row["attempt"], row["state"]) for row in rows]


LOAD = "%%step load\ndata = list(range(n))\nprint('loaded', n)"
A = "%%step a\nmeet(PLACE, f'a{n}')\nx = sum(data)\nprint('a')\nx"
B = "%%step b\nmeet(PLACE, f'b{n}')\ny = len(data)\ndurable_nb.metric('y', y)\ny"
C = "%%step c\nmeet(PLACE, f'c{n}')\nz = max(data)\nz"
JOINED = "%%step joined\nresult = (x, y, z)\nprint(n)"


def test_the_result_is_that_of_one_kernel(place: Meeting) -> None:
    """Independent steps run at the same time; outputs, counts, states and records are as with one kernel."""
    notebook = write(place, LOAD, A, B, C, "print(data)", JOINED, "result")
    for store in ("one", "many"):
        run(notebook, 1, store=store)
    run(notebook, 4, store="one")
    for name, others in {"a4": ("b4", "c4"), "b4": ("a4",)}.items():
        place.hold(name, until=others)
    place.came.clear()

    report = run(notebook, 4, store="many", jobs=3)

    assert State.COMPLETED is report.state
    assert {"a4", "b4", "c4"} == {*place.came}
    assert 3 == len(place.came)
    assert shown("one") == shown("many")
    assert executed("one") == executed("many")
    assert {State.COMPLETED: 5} == report.counts
    with closing(open_store("many")) as store:
        assert [{"value": 4.0}] == store.ledger.rows(
            "select value from metrics where run_id = ?", [report.run_id]
        )


def test_a_failure_ahead_is_a_failure_in_its_turn(place: Meeting) -> None:
    """What fails before its turn counts for nothing: in its turn the step has all of its attempts."""
    failing = B.replace("y = len(data)", "y = len(data) // (n - 4)").replace("b\n", "b --retries 1\n", 1)
    joined = JOINED.replace("%%step joined", "%%step joined --after c")
    notebook = write(place, LOAD, A, failing, C, joined, "print('end')")
    run(notebook, 1)
    place.hold("a4", until=("b4", "c4"))

    report = run(notebook, 4, jobs=3, keep_going=True)

    states = {step.step: step.state for step in report.steps}
    assert State.FAILED is report.state
    assert (State.FAILED, State.COMPLETED, State.BLOCKED) == (states["b"], states["c"], states["joined"])
    assert [("b", 1, "failed"), ("b", 2, "failed")] == [row for row in executed("store") if row[0] == "b"]
    assert ["a", "b", "b", "b", "c"] == sorted(name[0] for name in place.came if name.endswith("4"))


def test_a_wrong_guess_costs_time_only(place: Meeting) -> None:
    """A step whose inputs turn out otherwise than it went ahead with is executed again in its turn."""
    setup = "config = [1]\ndef raise_it():\n    config[0] = n"
    step_b = "%%step b\nmeet(PLACE, f'b{n}')\ny = config[0] * n\ny"
    notebook = write(place, setup, LOAD, "raise_it()", A, step_b)
    run(notebook, 1)
    place.hold("a4", until=("b4",))

    report = run(notebook, 4, jobs=2)

    assert State.COMPLETED is report.state
    assert ["a4", "b4", "b4"] == sorted(name for name in place.came if name.endswith("4"))
    nb = nbformat.read("out-store.ipynb", as_version=4)
    assert "16" == next(
        o.data["text/plain"] for o in nb.cells[-1].outputs if o.output_type == "execute_result"
    )


def plainly(work: Callable[[], object]) -> None:
    work()


def in_a_loop(work: Callable[[], object]) -> None:
    """As in a notebook: the thread that calls has a loop which is running."""

    async def call() -> None:
        work()

    loop = asyncio.new_event_loop()
    with closing(loop):
        loop.run_until_complete(call())


@pytest.mark.parametrize("called", [plainly, in_a_loop])
def test_ctrl_c_stops_all_kernels(place: Meeting, called: Callable[[Callable[[], object]], None]) -> None:
    """Ctrl-C interrupts the steps of all kernels; the same call goes on with the same run."""
    notebook = write(place, LOAD, A, B, JOINED.replace("z", "n"))
    run(notebook, 1)
    place.hold("a4")
    place.hold("b4")
    processes = {*psutil.Process().children()}

    def interrupt() -> None:
        place.wait_for("a4")
        place.wait_for("b4")
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(RunStoppedError) as stopped:
        called(lambda: run(notebook, 4, jobs=2))

    assert {*psutil.Process().children()} <= processes
    assert {("a", 1, "cancelled"), ("b", 1, "cancelled")} <= {*executed("store")}

    place.let_all_go()
    report = run(notebook, 4, jobs=2)

    assert (State.COMPLETED, stopped.value.report.run_id) == (report.state, report.run_id)
    assert {("a", 2, "completed"), ("b", 2, "completed")} <= {*executed("store")}

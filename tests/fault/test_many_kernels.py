"""Kernels that hammer one store: each step is executed once, the others wait and reuse; no event is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from oracle.kernels import SURROUNDINGS

from durable_nb.store.step_locks import step_lock
from durable_nb.store.store import open_store

SCRIPT = Path(__file__).with_name("many_kernels.py")
KERNELS = 8


def hammer(folder: Path, cells: list[str], number: int = KERNELS) -> list[dict[str, Any]]:
    """Run the cells in so many kernels at once."""
    notebook, plan = folder / "notebook", folder / "cells.json"
    notebook.mkdir(exist_ok=True)
    plan.write_text(json.dumps([*cells, "final = seen"]))
    environment = {**os.environ, **SURROUNDINGS, "IPYTHONDIR": str(folder / "ipython")}
    done = subprocess.run(
        [sys.executable, SCRIPT, notebook, str(number), plan],
        capture_output=True,
        text=True,
        env=environment,
        timeout=180,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def mark(step: str, result: str, seconds: float = 0.1, options: str = "") -> str:
    """A step that leaves a mark each time its code runs, in a file that no string of its code names."""
    return (
        f"%%step {step} {options}\nimport time\nwith open('../{step}' + '.ran', 'a') as ran: ran.write('x')\n"
        f"time.sleep({seconds})\n{result}"
    )


def test_eight_kernels_execute_each_step_once(tmp_path: Path) -> None:
    """One runs it, seven wait and reuse; every acknowledged end of a step is in the ledger."""
    cells = [
        "start = 3",
        mark("one", "a = [start] * 2"),
        mark("two", "b = sum(a)"),
        mark("three", "seen = b"),
    ]

    lives = hammer(tmp_path, cells)

    assert [6] * KERNELS == [life["seen"] for life in lives]
    assert ["x", "x", "x"] == [(tmp_path / f"{step}.ran").read_text() for step in ("one", "two", "three")]
    ended = sorted(state for life in lives for state in life["states"] if state)
    assert ["completed"] * 3 + ["reused"] * 3 * (KERNELS - 1) == ended
    with closing(open_store(tmp_path / "notebook" / ".durable")) as store:
        rows = store.ledger.rows("select run_id, step, state from attempts")
        runs = store.ledger.rows("select state from runs")
    assert {"completed"} == {row["state"] for row in runs}
    assert 3 * KERNELS == len({(row["run_id"], row["step"]) for row in rows})
    assert ended == sorted(row["state"] for row in rows)
    assert [] == list((tmp_path / "notebook" / ".durable" / "locks").iterdir())


def test_eight_kernels_charge_once(tmp_path: Path) -> None:
    """At most once holds among processes too."""
    cells = [
        "amount = 3",
        mark("charge", "seen = amount", options="--at-most-once"),
    ]

    lives = hammer(tmp_path, cells)

    assert [3] * KERNELS == [life["seen"] for life in lives]
    assert "x" == (tmp_path / "charge.ran").read_text()


def test_other_inputs_do_not_wait(tmp_path: Path) -> None:
    """The same step with other values is another execution: all go on at the same time."""
    cells = ["import os\nown = os.getpid()", mark("one", "seen = own", seconds=1)]
    started = time.monotonic()

    lives = hammer(tmp_path, cells, number=4)

    assert [life["pid"] for life in lives] == [life["seen"] for life in lives]
    assert 4 * "x" == (tmp_path / "one.ran").read_text()
    assert not any("waits" in line for life in lives for line in life["lines"])
    assert time.monotonic() - started < 60


def test_kernels_that_die_at_a_step_hand_it_on(tmp_path: Path) -> None:
    """Each of the first three is killed while it holds the lock; the next goes on at once."""
    dies = (
        "import os\nwith open('../slow' + '.ran', 'a') as ran:\n    ran.write('x')\n    number = ran.tell()\n"
        "if number <= 3: os.kill(os.getpid(), 9)\ndel number\nseen = 5"
    )

    lives = hammer(tmp_path, [f"%%step slow --ignore ran\n{dies}"], number=6)

    assert [-signal.SIGKILL] * 3 == [life["status"] for life in lives if "status" in life]
    assert [5] * 3 == [life["seen"] for life in lives if "seen" in life]
    assert "xxxx" == (tmp_path / "slow.ran").read_text()


def test_who_waits_says_for_whom_and_can_be_interrupted(
    new_kernel: Callable[[], Any], tmp_path: Path
) -> None:
    """The line names process, host and time; an interrupt cancels; at the end of the wait it is reused."""
    step = "%%step slow\nimport time\nprint('begun', flush=True)\ntime.sleep(4)\nx = 1"
    first, second = new_kernel(), new_kernel()
    first.start()
    second.start()
    pid = first.run("import os; os.getpid()").result
    first.send(step)
    first.wait_for_text("begun")

    second.send(step)
    time.sleep(0.7)
    second.interrupt()
    cancelled = second.finish()
    waited = second.run(step)

    assert "cancelled" == cancelled.state
    assert f"process {pid} on " in cancelled.status["reason"]
    assert "KeyboardInterrupt" in cancelled.error
    assert "reused" == waited.state
    assert 0 < waited.status["seconds"]
    assert "completed" == first.finish().state


def test_an_awaiting_step_waits_without_stopping_the_event_loop(
    new_kernel: Callable[[], Any], tmp_path: Path
) -> None:
    """Other tasks of the kernel go on while it waits."""
    store = open_store(tmp_path / ".durable")
    step = "%%step slow\nimport asyncio\nawait asyncio.sleep(0)\nx = ticks > 0"
    kernel = new_kernel()
    kernel.start()
    ticking = "import asyncio\nticks = 0\nasync def tick():\n    global ticks\n    while True:\n"
    kernel.run(
        ticking + "        ticks += 1\n        await asyncio.sleep(.02)\ntask = asyncio.create_task(tick())"
    )
    kernel.run(step.replace("slow", "slow --ignore ticks"))
    (trace,) = store.traces.latest("slow")
    lock = step_lock(store.path, "slow", trace.key)
    assert lock.try_acquire()
    before = int(kernel.run("ticks").result)

    kernel.send(step.replace("slow", "slow --ignore ticks --always"))
    time.sleep(1)
    lock.discard()
    kernel.finish()

    assert int(kernel.run("ticks").result) - before > 20

"""A step that fails is tried again, as often and for what its author asks; each attempt is on record."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import STATUS, Kernel
from oracle.kernels import ForkedKernels, Life, cell

from durable_nb.store.store import open_store


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedKernels]:
    with ForkedKernels(tmp_path_factory.mktemp("forked")) as made:
        yield made


def lived(kernels: ForkedKernels, folder: Path, *sources: str) -> Life:
    script = [cell(s, f"c{i}") for i, s in enumerate(sources)]
    return kernels.run(folder, script, go_on=True, farewell=True)


def rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    store = open_store(folder / ".durable")
    try:
        return [dict(row) for row in store.ledger.rows(sql, [])]
    finally:
        store.close()


FLAKY = """%%step load --retries 3 --backoff 0
import durable_nb
number = durable_nb.attempt()
print("attempt", number)
if number < 3:
    left_behind = number
    raise ConnectionError(f"no answer {number}")
loaded = [n for n in globals() if n == "left_behind"]"""


def test_a_flaky_step_completes(kernels: ForkedKernels, tmp_path: Path) -> None:
    """It is tried until it succeeds; a later reuse shows what the good attempt showed."""
    first = lived(kernels, tmp_path, FLAKY, "(number, loaded)")
    again = lived(kernels, tmp_path, FLAKY, "(number, loaded)")

    assert ["completed", ""] == first.states
    assert "Out[2]: (3, [])" == first.cells[1].shown.strip()
    assert "attempt 1\nattempt 2\nattempt 3\n" == first.cells[0].shown
    assert ("reused", "attempt 3\n") == (again.states[0], again.cells[0].shown)


def test_every_attempt_is_on_record(kernels: ForkedKernels, tmp_path: Path) -> None:
    """With its own state, error, traceback, times and output."""
    lived(kernels, tmp_path, FLAKY)

    attempts = rows(tmp_path, "select * from attempts order by attempt")
    finished = rows(tmp_path, "select data from events where kind = 'attempt_finished' order by attempt")
    told = [json.loads(row["data"]) for row in finished]

    assert ["failed", "failed", "completed"] == [row["state"] for row in attempts]
    assert ["no answer 1", "no answer 2", None] == [row["error_message"] for row in attempts]
    assert all("raise ConnectionError" in row["traceback"] for row in attempts[:2])
    assert ["attempt 1\n", "attempt 2\n"] == [data["output"] for data in told[:2]]
    assert [True, True] == [data["retry_at"] is not None for data in told[:2]]
    assert all(a["finished_at"] <= b["started_at"] for a, b in itertools.pairwise(attempts))


def test_the_traceback_on_record_is_the_authors(kernels: ForkedKernels, tmp_path: Path) -> None:
    """It begins in the cell, has no frame of ours at its end or between, and tells what came before."""
    body = """import pandas as pd
def load(path):
    try:
        return pd.read_csv(path)
    except OSError as error:
        raise LookupError("no data") from error
load("missing.csv")"""
    lived(
        kernels, tmp_path, f"%%step s\n{body}", "%%step t\nimport durable_nb\ndurable_nb.extend_timeout('x')"
    )

    text, ours = (row["traceback"] for row in rows(tmp_path, "select traceback from attempts order by step"))
    first, _, last = text.partition("The above exception was the direct cause")
    frames = [line.strip() for line in last.splitlines() if line.startswith("  File")]
    assert ['File "Cell In[1]", line 8, in <module>', 'File "Cell In[1]", line 7, in load'] == frames
    assert 'File "Cell In[1]", line 5, in load' in first
    assert text.endswith("LookupError: no data\n")
    assert "durable_nb.extend_timeout('x')" in ours
    assert "durable_nb/" not in text + ours


def test_a_step_that_never_succeeds_gives_up(kernels: ForkedKernels, tmp_path: Path) -> None:
    """The last error is raised, once, and nothing of the others hangs on it."""
    life = lived(
        kernels,
        tmp_path,
        "%%step s --retries 2 --backoff 0\nimport durable_nb\nraise ValueError(durable_nb.attempt())",
    )

    assert ["ValueError: 3"] == life.errors
    assert "given up after 2 retries" == life.cells[0].warning
    assert 1 == life.cells[0].traceback.count("ValueError: 3")
    assert "During handling" not in life.cells[0].traceback
    assert "durable_nb/kernel" not in life.cells[0].traceback


def test_an_interrupt_is_no_failure(kernels: ForkedKernels, tmp_path: Path) -> None:
    """KeyboardInterrupt cancels the step; it is not tried again."""
    life = lived(
        kernels, tmp_path, "%%step s --retries 5 --backoff 0\nprint('once')\nraise KeyboardInterrupt"
    )

    assert ["cancelled"] == life.states
    assert ["cancelled"] == [row["state"] for row in rows(tmp_path, "select state from attempts")]


def test_the_author_decides_in_the_code(kernels: ForkedKernels, tmp_path: Path) -> None:
    """NonRetryable ends it at once, and shows where it was raised."""
    life = lived(
        kernels,
        tmp_path,
        "%%step s --retries 5\nimport durable_nb\nraise durable_nb.NonRetryable('bad input')",
    )

    assert "not tried again: the step said so" == life.cells[0].warning
    assert "----> 3 raise durable_nb.NonRetryable" in life.cells[0].traceback


def test_options_about_failures_change_no_result(kernels: ForkedKernels, tmp_path: Path) -> None:
    """More retries or another limit: the result is reused."""
    lived(kernels, tmp_path, "%%step s\na = 1")

    assert ["reused"] == lived(kernels, tmp_path, "%%step s --retries 3 --timeout 1h\na = 1").states


def test_attempt_is_for_steps(kernels: ForkedKernels, tmp_path: Path) -> None:
    """Anywhere else it says so."""
    life = lived(kernels, tmp_path, "import durable_nb\ndurable_nb.attempt()")

    assert ["UsageError: durable_nb.attempt() is for the code of a step, and none runs now"] == life.errors


def test_a_step_that_awaits_is_tried_again(kernels: ForkedKernels, tmp_path: Path) -> None:
    """Also in the event loop, which goes on while the step waits."""
    life = lived(
        kernels,
        tmp_path,
        "import asyncio\nticks = []\nasync def tick():\n    while len(ticks) < 3:\n        ticks.append(1)\n"
        "        await asyncio.sleep(0.02)",
        "%%step s --retries 1 --backoff 0.2 --ignore ticks\nimport durable_nb\nawait asyncio.sleep(0)\n"
        "if durable_nb.attempt() == 1:\n    asyncio.ensure_future(tick())\n    1/0\ndone = len(ticks)",
        "done",
    )

    assert ["", "completed", ""] == life.states
    assert "Out[3]: 3" == life.cells[2].shown.strip()


def seen_until(kernel: Kernel, wanted: str) -> list[dict[str, Any]]:
    """The messages of the running cell up to a status line with a text."""
    found = []
    while True:
        message = kernel._client.get_iopub_msg(timeout=60)
        if STATUS in message["content"].get("data", {}):
            found.append(message)
            if wanted in message["content"]["data"].get("text/plain", ""):
                return found


def test_the_wait_counts_down_and_can_be_interrupted(kernel: Kernel) -> None:
    """A line below the attempt tells its error and the seconds that are left; Ctrl-C ends the wait."""
    kernel.start()
    for source in ("1/0", "await __import__('asyncio').sleep(0); 1/0"):
        kernel.send(f"%%step s --retries 2 --backoff 30\nprint('x')\n{source}")

        first = seen_until(kernel, "next attempt in")[-1]
        second = seen_until(kernel, "next attempt in")[-1]
        began = time.monotonic()
        kernel.interrupt()
        result = kernel.finish()

        assert "failed · ZeroDivisionError: division by zero" in first["content"]["data"]["text/plain"]
        assert ("display_data", "update_display_data") == (first["msg_type"], second["msg_type"])
        assert first["content"]["transient"] == second["content"]["transient"]
        assert first["content"]["data"]["text/plain"] != second["content"]["data"]["text/plain"]
        assert ("cancelled", "running") == (result.state, first["content"]["data"][STATUS]["state"])
        assert time.monotonic() - began < 10

    states = kernel.run(
        "import durable_nb; print(durable_nb.query('select state from steps').state.tolist())"
    )
    assert "['cancelled']" in states.text

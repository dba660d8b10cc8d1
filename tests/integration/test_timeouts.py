"""A step that takes longer than its --timeout has failed: whatever its code waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import STATUS, Kernel
from oracle.kernels import ForkedKernels, Life, cell


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedKernels]:
    with ForkedKernels(tmp_path_factory.mktemp("forked")) as made:
        yield made


def lived(kernels: ForkedKernels, folder: Path, *sources: str) -> Life:
    return kernels.run(folder, [cell(s, f"c{i}") for i, s in enumerate(sources)], go_on=True)


SLOW = {
    "sleep": "import time\ntime.sleep(60)",
    "loop": "while True:\n    pass",
    "loop that catches": "while True:\n  try:\n    while True: pass\n  except Exception: pass",
    "loop that catches all, once": "try:\n    while True: pass\nexcept BaseException:\n    pass",
    "subprocess": "import subprocess\nsubprocess.run(['sleep', '60'])",
    "shell": "!sleep 60",
    "thread": "import threading, time\nt = threading.Timer(3, print); t.start(); t.join()",
    "lock": "import threading\nthreading.Event().wait(60)",
    "await": "import asyncio\nawait asyncio.sleep(60)",
    "await that shields": "import asyncio\nasync def f():\n  try: await asyncio.sleep(60)\n"
    "  except asyncio.CancelledError: pass\nawait f()",
    "blocking between awaits": "import asyncio, time\nawait asyncio.sleep(0)\ntime.sleep(60)",
    "tasks": "import asyncio\nawait asyncio.gather(asyncio.sleep(60), asyncio.sleep(50))",
    "error afterwards": "import time\ntry: time.sleep(60)\nexcept BaseException: raise ValueError('late')",
}


@pytest.mark.parametrize("name", SLOW)
def test_the_time_is_up(kernels: ForkedKernels, tmp_path: Path, name: str) -> None:
    """The attempt fails soon after its deadline, and nothing of it remains."""
    began = time.monotonic()

    life = lived(
        kernels,
        tmp_path,
        f"%%step s --timeout 300ms\nbound = 1\n{SLOW[name]}",
        "%steps unblock s",
        "'bound' in globals()",
    )

    assert "StepTimeoutError: step s took longer than its --timeout of 300 ms" == life.errors[0]
    assert ("failed", "StepTimeoutError") == (life.cells[0].state, life.cells[0].reason)
    assert "Out[3]: False" == life.cells[2].shown.strip()
    assert time.monotonic() - began < 30


def test_the_traceback_shows_where_it_was(kernels: ForkedKernels, tmp_path: Path) -> None:
    """The line of the cell that took so long, and none of ours."""
    life = lived(kernels, tmp_path, "%%step s --timeout 300ms\nimport time\n\ntime.sleep(60)")

    assert "----> 4 time.sleep(60)" in life.cells[0].traceback
    assert "timing_out" not in life.cells[0].traceback


def test_a_timeout_is_a_failed_attempt(kernels: ForkedKernels, tmp_path: Path) -> None:
    """It is tried again, each attempt with the whole time; the kernel is as good as before."""
    step = (
        "%%step s --timeout 400ms --retries 1 --backoff 0 --retry-on TimeoutError\nimport durable_nb, time\n"
    )
    life = lived(
        kernels,
        tmp_path,
        f"{step}if durable_nb.attempt() == 1: time.sleep(60)\ntime.sleep(0.2)\nok = 1",
        "import time; time.sleep(0.5); ok",
    )

    assert ["completed", ""] == life.states
    assert ["", ""] == life.errors


def test_more_time_can_be_had(kernels: ForkedKernels, tmp_path: Path) -> None:
    """A step that makes progress extends its own limit; without a limit that does nothing."""
    body = "import durable_nb, time\ndurable_nb.extend_timeout('2m')\ntime.sleep(0.6)\nok = 1"
    life = lived(kernels, tmp_path, f"%%step s --timeout 300ms\n{body}", f"%%step t\n{body}")

    assert ["completed", "completed"] == life.states


def test_an_alarm_of_the_cells_own_works(kernels: ForkedKernels, tmp_path: Path) -> None:
    """The limit takes no signal that code uses itself."""
    life = lived(
        kernels,
        tmp_path,
        "%%step s --timeout 20s\nimport signal, time\nrang = []\n"
        "before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))\n"
        "_ = signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(0.2)\n"
        "_ = signal.signal(signal.SIGALRM, before); del before",
        "rang",
    )

    assert "Out[2]: [1]" == life.cells[1].shown.strip()


def test_an_engine_is_told_the_deadline(kernel: Kernel) -> None:
    """While the step runs, and when it moves; taken back when the code has ended. Nobody else sees it."""
    kernel.start()
    kernel.send("%%step s --timeout 60s\nimport durable_nb\ndurable_nb.extend_timeout(100)\na = 1")
    began = time.time()
    told = []
    while not told or told[-1]["state"] != "completed":
        message = kernel._client.get_iopub_msg(timeout=60)
        if STATUS in message["content"].get("data", {}):
            told.append(message["content"]["data"][STATUS])
            shown = message["msg_type"] == "display_data"
            assert shown is (told[-1]["state"] == "completed")

    deadlines = [report["deadline"] for report in told]
    assert [None, 60, 160, None, None] == [d and round((d - began) / 20) * 20 for d in deadlines]


def test_an_awaiting_step_in_a_real_kernel(kernel: Kernel) -> None:
    """The kernel's own event loop survives the cancellation, also of a step that is tried again."""
    kernel.start()
    step = "%%step s --timeout 300ms --retries 1 --backoff 0\nimport asyncio, durable_nb\n"
    first = kernel.run(f"{step}if durable_nb.attempt() == 1: await asyncio.sleep(60)\nok = 1")
    second = kernel.run("await asyncio.sleep(0); ok")
    slow = kernel.run("%%step t --timeout 300ms\nimport time\ntime.sleep(60)")

    assert ("completed", "1", "failed") == (first.state, second.result, slow.state)

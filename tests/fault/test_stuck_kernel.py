"""A kernel that hangs in a step, its interpreter held or its process stopped, keeps nobody from the store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from durable_nb.store.store import open_store

SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell("%load_ext durable_nb")
for cell in sys.argv[1:]:
    shell.run_cell(cell).raise_error()
"""
WRITER = Path(__file__).with_name("store_process.py")
HOLDS_THE_INTERPRETER = "import ctypes; ctypes.PyDLL(None).sleep(3600)"
STOPS_ITS_PROCESS = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a kernel with a completed step and one that is as good as dead; returns once it is."""
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")}
    environment.pop("DURABLE_NB_STORE", None)
    started: list[subprocess.Popen[str]] = []

    def call(hang: str) -> subprocess.Popen[str]:
        stuck = f"%%step stuck\nimport os; os.write(1, b'stuck\\n')\n{hang}"
        command = [sys.executable, "-c", SHELL, "%%step one\nx = 1", stuck]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert "stuck" in (line.strip() for line in lines), process.communicate()[1]
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("hang", [HOLDS_THE_INTERPRETER, STOPS_ITS_PROCESS])
@pytest.mark.parametrize("milliseconds", [0, 4, 254])
def test_others_write_and_read(start: Start, tmp_path: Path, hang: str, milliseconds: int) -> None:
    """Two processes write as ever; all that they were promised is there, and how the stuck step stands."""
    folder = tmp_path / ".durable"
    kernel = start(f"import time; time.sleep({milliseconds / 1000})\n{hang}")
    command = [sys.executable, str(WRITER), "events", str(folder)]

    writers = [
        subprocess.Popen([*command, name, "0.5"], stdout=subprocess.PIPE, text=True) for name in ("a", "b")
    ]
    promised = [int(writer.communicate()[0].split()[-1]) for writer in writers]

    assert [0, 0] == [writer.returncode for writer in writers]
    assert kernel.poll() is None
    with closing(open_store(folder)) as store:
        written = store.ledger.rows("select count(*) as n from events where run_id in ('a', 'b')")
        states = store.ledger.rows("select step, state from attempts where step in ('one', 'stuck')")
    assert sum(promised) == written[0]["n"]
    assert [("one", "completed"), ("stuck", "running")] == sorted(tuple(row.values()) for row in states)

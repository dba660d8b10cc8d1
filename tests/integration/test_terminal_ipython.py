"""Steps in a plain IPython in a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

SESSION = """
%load_ext durable_nb
%%step load
x = 1
print("hi")
display("shown")
x + 1


%%step second
import asyncio
y = await asyncio.sleep(0, x + 1)
y


%%step bad
1
y / 0


_, Out
"""


def run(folder: Path) -> str:
    """What IPython prints for the session, prompts and times taken out."""
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        input=SESSION.lstrip(),
        cwd=folder,
        env={**os.environ, "TERM": "dumb", "IPYTHONDIR": str(folder / "ipython")},
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"In \[\d+\]: |   \.\.\.: |\d+ ms|\d\.\d s", "", done.stdout)


def test_a_second_session_shows_the_same(tmp_path: Path) -> None:
    """A marker waits for the lines below it; results, prints and await work; one traceback."""
    executed, reused = run(tmp_path), run(tmp_path)
    assert "hi\n'shown'\nOut[2]: 2\nload · executed (first execution)" in executed
    assert "second · executed" in executed
    assert "----> 3 y / 0" in executed
    assert "durable_nb" not in executed
    assert "(2, {2: 2, 3: 2})" in executed
    expected = re.sub(r"(load|second) · executed \(first execution\) · ", r"\1 · reused · saved ", executed)
    assert expected == reused.replace("reused · ", "reused · saved ").replace("saved saved", "saved")

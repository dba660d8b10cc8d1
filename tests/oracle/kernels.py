"""Run cells in a new kernel: forked from a warm process, so that thousands of kernels take minutes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_TESTS = Path(__file__).parents[1]
KILLED = -9
SURROUNDINGS = {
    "PYTHONPATH": os.pathsep.join([str(_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
    "PYTHONHASHSEED": "0",
    # Python would take a module for unchanged that is edited twice within a second.
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Variables with which kernels can describe themselves, and two of them alike."""


@dataclass
class Seen:
    """What one cell showed."""

    error: str
    shown: str
    traceback: str
    status: dict[str, Any] | None
    after: dict[str, Any] | None = None
    """What ``describe`` found after it, if it was asked after each cell."""

    @property
    def state(self) -> str:
        return self.status["state"] if self.status else ""

    @property
    def reason(self) -> str:
        return (self.status or {}).get("reason") or ""

    @property
    def warning(self) -> str:
        return (self.status or {}).get("warning") or ""


def seen_by_front_end(result: Any) -> Seen:
    """The same of a cell in a kernel of ``conftest``."""
    return Seen(result.error, json.dumps(result.outputs), result.error, result.status)


def without_places(shown: str, folder: str) -> str:
    """What a cell shows, without where and when it ran: addresses, and the process that a warning names.

    Nor the line of the cell from which a warning comes: a comment above it changes that, and no result.
    """
    source = r"<ipython-input-\d+-[0-9a-f]+>|ipykernel_\d+/\d+\.py"
    where = rf"(?:{source}):\d+(?=: \w+Warning)|ipython-input-\d+-|ipykernel_\d+/|(?<=0x)[0-9a-f]+"
    return re.sub(where, "", shown.replace(folder, "FOLDER"))


@dataclass
class Life:
    """What a kernel did from its start to its end."""

    exit: int
    cells: list[Seen] = field(default_factory=list)
    final: dict[str, Any] | None = None
    """What ``describe`` found at the end; None where a cell failed or the kernel was killed."""

    @property
    def states(self) -> list[str]:
        return [cell.state for cell in self.cells]

    @property
    def errors(self) -> list[str]:
        return [cell.error for cell in self.cells]


def cell(source: str, cell_id: str = "") -> dict[str, Any]:
    """Run a cell."""
    return {"do": "cell", "source": source, "cell_id": cell_id}


def write(path: str, text: str) -> dict[str, Any]:
    """Someone writes a file in the kernel's folder between two cells."""
    return {"do": "write", "path": path, "text": text}


def damage(path: Path) -> dict[str, Any]:
    """Bits of a file flip between two cells."""
    return {"do": "damage", "path": str(path)}


class ForkedKernels:
    """Starts a warm process once, and new kernels from it.

    Args:
        scratch: A folder for results; nothing of it is seen by the kernels.
        environment: Variables for all kernels.
    """

    def __init__(self, scratch: Path, environment: dict[str, str] | None = None) -> None:
        self._result = scratch / "result.jsonl"
        own = {"IPYTHONDIR": str(scratch / "ipython"), **(environment or {})}
        environment = {**os.environ, **SURROUNDINGS, **own}
        environment.setdefault("DURABLE_NB_KEY_FILE", str(scratch / "key"))
        self._log = (scratch / "zygote.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "oracle.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=scratch,
            env=environment,
            text=True,
        )
        self._answer()

    def run(
        self,
        folder: Path,
        script: list[dict[str, Any]],
        *,
        durable: bool = True,
        seed: int = 0,
        environment: dict[str, str] | None = None,
        die_at: int = 0,
        go_on: bool = False,
        farewell: bool = False,
        each: bool = False,
    ) -> Life:
        """Run a script in a new kernel.

        Args:
            folder: Where it runs.
            script: What ``cell`` and ``write`` made.
            durable: With the extension loaded.
            seed: Where the random generators start, since those of a new process start anywhere.
            environment: Variables for this kernel.
            die_at: SIGKILL at this event of a step, counted from 1; 0 never.
            go_on: Also after a cell failed.
            farewell: End in good order; otherwise the process is gone after the last cell.
            each: Describe the notebook after each cell.
        """
        request = {
            "folder": str(folder),
            "script": script,
            "durable": durable,
            "seed": seed,
            "environment": environment or {},
            "die_at": die_at,
            "go_on": go_on,
            "farewell": farewell,
            "each": each,
            "result": str(self._result),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read(int(self._answer()))

    def run_cells(self, folder: Path, *sources: str, **options: Any) -> Life:
        """Run cells in their order in a new kernel; no cell may fail."""
        life = self.run(folder, [cell(source) for source in sources], **options)
        assert not any(life.errors), [seen.traceback for seen in life.cells if seen.error]
        return life

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the warm process died: {self._logged()}")
        return line

    def _logged(self) -> str:
        self._log.seek(0)
        return self._log.read()[-4000:]

    def _read(self, status: int) -> Life:
        life = Life(status)
        if status not in {0, KILLED}:
            raise RuntimeError(f"a kernel ended with {status}: {self._logged()}")
        for line in self._result.read_text().splitlines():
            facts = json.loads(line)
            if "final" in facts:
                life.final = facts["final"]
            else:
                life.cells.append(Seen(**facts))
        return life

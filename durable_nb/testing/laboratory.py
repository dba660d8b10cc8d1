"""Runs notebooks under faults: the real engine and real kernels, in processes of their own."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from durable_nb.batch.reading import read_notebook
from durable_nb.batch.steps import declared_steps, is_executable
from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json, OutputKind, Trace
from durable_nb.core.protocol import STATUS_MIME
from durable_nb.store.locks import FileLock
from durable_nb.store.store import open_store
from durable_nb.testing.faults import Fault, by_kind
from durable_nb.testing.injected import EVENTS, POINTS, VALUES, VARIABLE

_KERNEL = "python3"
"""Jupyter, and our engine, know a kernel of this name for ipykernel; a laboratory's is found first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run of a notebook."""

    status: int
    """Exit status of the command; 0 where all steps completed."""
    report: Mapping[str, Any]
    """The run as ``durable-nb run --json`` prints it; empty where there was none."""
    notebook: NotebookNode | None
    """The executed notebook; None where none was written."""
    errors: str
    """What the command wrote on stderr."""
    values: Mapping[str, str]
    """Variable → fingerprint after the last cell that ran; empty where the last kernel was killed."""
    events: tuple[str, ...]
    """The boundaries that kernels came to: ``storing clean``, in their order."""
    points: tuple[str, ...]
    """The writes to the store that kernels came to: ``rename traces``, in their order."""
    faults: Mapping[Fault, int] = field(default_factory=dict)
    """How often each fault happened: a test that expects one should assert that it did."""

    @property
    def steps(self) -> dict[str, str]:
        """Step → its state."""
        return {step["step"]: step["state"] for step in self.report.get("steps", ())}

    @property
    def executed(self) -> list[str]:
        """The steps whose code ran, once for each attempt, in their order."""
        kinds = (event.split(" ", 1) for event in self.events)
        return [step for kind, step in kinds if kind == "executing"]

    @property
    def failure(self) -> str:
        """How the run failed, for people: its error, and what the command said on stderr."""
        return "\n".join(filter(None, [self.report.get("error"), self.errors.strip()]))

    @property
    def shown(self) -> list[Json]:
        """What each code cell shows, without what may differ between two runs of the same."""
        cells = self.notebook.cells if self.notebook is not None else []
        return [_shown(cell) for cell in cells if cell.cell_type == "code"]


class Laboratory:
    """A notebook and a store of its own: each run goes on from what the one before has left.

    The notebook is executed where it is, with its folder as working directory, and never changed.

    Args:
        notebook: The notebook's file.
        folder: Where the store and the outputs go; an empty one, outside of the notebook's own store.
        parameters: For the notebook's parameters cell.
    """

    def __init__(
        self, notebook: str | Path, folder: Path, parameters: Mapping[str, Json] | None = None
    ) -> None:
        self.notebook = Path(notebook).absolute()
        if not self.notebook.is_file():
            raise UsageError(f"there is no notebook {self.notebook}; expected the path of an .ipynb file")
        read = read_notebook(self.notebook)
        self._steps = [step.cell.name for step in declared_steps(read).values()]
        self._last_cell = max((i for i, cell in enumerate(read.cells) if is_executable(cell)), default=0)
        self._folder = folder.absolute()
        self.store = self._folder / "store"
        self._parameters = dict(parameters or {})
        self._runs = 0

    def run(self, *faults: Fault, options: tuple[str, ...] = ()) -> Outcome:
        """Run the notebook, or go on with it, while things go wrong.

        Args:
            faults: What goes wrong.
            options: More options of ``durable-nb run``, such as ``--keep-going``.

        Raises:
            UsageError: The notebook has no such step, or there is nothing yet to be damaged.
        """
        for fault in faults:
            self._check(fault)
        self._runs += 1
        folder = self._folder / f"run-{self._runs}"
        folder.mkdir(parents=True)
        for fault in by_kind(faults, "corrupt"):
            self._corrupt(fault)
        inside = [fault for fault in faults if fault.kind not in {"corrupt", "lock_held"}]
        self._make_kernel(folder, inside)
        with self._lock_held(by_kind(faults, "lock_held")):
            ended = self._start(folder, options)
        return self._outcome(folder, ended, inside)

    def forget(self) -> None:
        """Remove the store: the next run begins from nothing."""
        shutil.rmtree(self.store, ignore_errors=True)

    def traces(self) -> list[Trace]:
        """What completed steps have left in the store."""
        with closing(open_store(self.store)) as store:
            return list(store.traces.all())

    def _check(self, fault: Fault) -> None:
        if not fault.step or fault.step in self._steps:
            return
        near = difflib.get_close_matches(fault.step, self._steps, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(
            f"{self.notebook.name} has no step {fault.step!r}{hint} "
            f"Its steps are: {', '.join(self._steps) or 'none'}."
        )

    def _make_kernel(self, folder: Path, faults: list[Fault]) -> None:
        """A kernel specification that loads what injects the faults."""
        told = {
            "folder": str(folder),
            "store": str(self.store),
            "faults": [fault.as_json() for fault in faults],
            "last_cell": self._last_cell,
        }
        extension = "--IPKernelApp.extensions=durable_nb.testing.injected"
        spec = {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", extension],
            "display_name": "Python under test",
            "language": "python",
            "env": {VARIABLE: json.dumps(told)},
        }
        place = folder / "kernels" / _KERNEL
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(spec))

    def _start(self, folder: Path, options: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        (folder / "parameters.json").write_text(json.dumps(self._parameters))
        settings = ["-k", _KERNEL, "--store", self.store, "--json", "-f", folder / "parameters.json"]
        command = ["-m", "durable_nb.cli", "run", self.notebook, folder / "out.ipynb", *settings, *options]
        path = os.pathsep.join(filter(None, [str(folder), os.environ.get("JUPYTER_PATH")]))
        return subprocess.run(
            [sys.executable, *map(str, command)],
            env={**os.environ, "JUPYTER_PATH": path},
            cwd=self.notebook.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _outcome(self, folder: Path, ended: subprocess.CompletedProcess[str], faults: list[Fault]) -> Outcome:
        written = folder / "out.ipynb"
        values = folder / VALUES
        return Outcome(
            ended.returncode,
            json.loads(ended.stdout) if ended.stdout.strip() else {},
            nbformat.read(written, as_version=4) if written.exists() else None,
            ended.stderr,
            json.loads(values.read_text()) if values.exists() else {},
            tuple(_lines(folder / EVENTS)),
            tuple(_lines(folder / POINTS)),
            {fault: min(fault.times, len(_lines(folder / f"fault-{n}"))) for n, fault in enumerate(faults)},
        )

    def _corrupt(self, fault: Fault) -> None:
        with closing(open_store(self.store)) as store:
            traces, artifacts = list(store.traces.latest(fault.step)), store.artifacts
        names = [
            output.of if output.kind is OutputKind.PART else output.fingerprint
            for trace in traces
            for output in trace.outputs
            if output.kind in {OutputKind.VALUE, OutputKind.PART} and fault.output in {"", output.name}
        ]
        if not names:
            raise UsageError(
                f"step {fault.step!r} has stored no value {fault.output or 'at all'} in {self.store}; "
                "run the notebook once before its artifacts are damaged"
            )
        for name in sorted(set(names)):
            flip_a_bit(artifacts.path(name))

    @contextmanager
    def _lock_held(self, faults: list[Fault]) -> Iterator[None]:
        if not faults:
            yield
            return
        self.store.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.store / "lock")
        lock.acquire()
        timer = threading.Timer(max(fault.seconds for fault in faults), lock.release)
        timer.start()
        try:
            yield
        finally:
            timer.join()


def run(
    notebook: str | Path,
    *faults: Fault,
    folder: Path | None = None,
    parameters: Mapping[str, Json] | None = None,
) -> Outcome:
    """Run a notebook from nothing, under faults, in a store that is thrown away.

    Args:
        notebook: The notebook's file; it is executed where it is, and not changed.
        faults: What goes wrong.
        folder: Where the store and the output are kept, to be looked at; a temporary folder by default.
        parameters: For the notebook's parameters cell.
    """
    if folder is not None:
        return Laboratory(notebook, folder, parameters).run(*faults)
    with tempfile.TemporaryDirectory(prefix="durable_nb-testing-") as made:
        return Laboratory(notebook, Path(made), parameters).run(*faults)


def flip_a_bit(path: Path, place: float = 0.5) -> None:
    """Change one bit of a file, where a bad disk may have."""
    content = bytearray(path.read_bytes())
    content[min(int(len(content) * place), len(content) - 1)] ^= 16
    path.chmod(path.stat().st_mode | 0o200)
    path.write_bytes(content)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _shown(cell: NotebookNode) -> Json:
    """Outputs of a cell; neighbouring texts of a stream are one, status lines and numbers are left out."""
    shown: list[Any] = []
    for output in cell.outputs:
        if STATUS_MIME in output.get("data", {}):
            continue
        if output["output_type"] == "stream" and shown and shown[-1][0] == output["name"]:
            shown[-1][1] += output["text"]
        elif output["output_type"] == "stream":
            shown.append([output["name"], output["text"]])
        elif output["output_type"] == "error":
            shown.append(["error", output["ename"], output["evalue"]])
        else:
            shown.append([output["output_type"], json.loads(json.dumps(output["data"]))])
    return shown

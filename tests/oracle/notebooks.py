"""A generated notebook with the folder around it, and what must hold: durable or not, it does the same."""

from __future__ import annotations

import collections
import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from oracle.fragments import BEGIN, FILES
from oracle.kernels import KILLED, ForkedKernels, Life, cell
from oracle.real_kernels import RealKernels

counts: collections.Counter[str] = collections.Counter()
"""What all notebooks of this process did."""


@dataclass(frozen=True)
class Cell:
    """One cell: some pieces of code, as a step or not."""

    number: int
    pieces: tuple[str, ...]
    step: bool
    options: str = ""
    comment: str = ""

    @property
    def source(self) -> str:
        marker = f"# step: s{self.number} {self.options}".rstrip() + "\n" if self.step else ""
        return marker + self.comment + "\n".join(self.pieces)


@dataclass
class Notebook:
    """Cells and the folder they run in, through any number of kernels."""

    kernels: ForkedKernels | RealKernels
    scratch: Path
    cells: list[Cell] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        self.folder = self.scratch / "durable" / "project"
        shutil.rmtree(self.scratch, ignore_errors=True)
        for path, text in FILES.items():
            self.write(path, text)
        self.cells = [Cell(number, (source,), step=False) for number, source in enumerate(BEGIN)]
        self._next = len(self.cells)
        self._earlier: list[list[Cell]] = []
        counts["notebooks"] += 1

    # Editing.

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def remember(self) -> None:
        """What follows can be undone."""
        self._earlier.append(list(self.cells))

    def undo(self) -> None:
        if self._earlier:
            self.cells = self._earlier.pop()

    def place(self, index: int) -> int:
        """A cell by any number; seldom one of the first, without which little of the rest runs."""
        later = [place for place, c in enumerate(self.cells) if c.number >= len(BEGIN)]
        return later[index % len(later)] if later and index % 8 else index % len(self.cells)

    def insert(self, position: int, pieces: tuple[str, ...], *, step: bool, options: str = "") -> None:
        self.remember()
        self.cells.insert(self.place(position) + 1, Cell(self._next, pieces, step, options))
        self._next += 1

    def append(self, pieces: tuple[str, ...], *, step: bool, options: str = "") -> None:
        self.remember()
        self.cells.append(Cell(self._next, pieces, step, options))
        self._next += 1

    def edit(self, index: int, **changes: Any) -> None:
        self.remember()
        self.cells[self.place(index)] = replace(self.cells[self.place(index)], **changes)

    def move(self, index: int, position: int) -> None:
        self.remember()
        moved = self.cells.pop(self.place(index))
        self.cells.insert(self.place(position) + 1, moved)

    def remove(self, index: int) -> None:
        if len(self.cells) > 1:
            self.remember()
            del self.cells[self.place(index)]

    # Running.

    def script(self) -> list[dict[str, Any]]:
        """Run All."""
        return [self.step_of(c) for c in self.cells]

    def step_of(self, c: Cell) -> dict[str, Any]:
        return cell(c.source, f"cell{c.number}")

    def check(self, script: list[dict[str, Any]] | None = None, *, farewell: bool = False) -> Life:
        """Run a script in a durable kernel, and in a plain one in a copy of the folder: both do the same."""
        script = self.script() if script is None else script
        plain_folder = self.scratch / "plain" / "project"
        shutil.rmtree(plain_folder, ignore_errors=True)
        shutil.copytree(self.folder, plain_folder)
        durable = self._run(self.folder, script, durable=True, farewell=farewell)
        plain = self._run(plain_folder, script, durable=False)
        counts["kernels compared"] += 1
        _count(durable)
        difference = differences(plain, durable, plain_folder, self.folder)
        assert not difference, report(script, durable, difference)
        return durable

    def kill(self, at: int) -> None:
        """Run All in a durable kernel that dies at an event of a step."""
        life = self._run(self.folder, self.script(), durable=True, die_at=at)
        counts["kernels killed"] += life.exit == KILLED
        _count(life)

    def _run(self, folder: Path, script: list[dict[str, Any]], *, durable: bool, **options: Any) -> Life:
        environment = {"DURABLE_NB_STORE": str(self.scratch / "store"), **self.environment}
        return self.kernels.run(
            folder, script, durable=durable, seed=self.seed, environment=environment, **options
        )


def _count(life: Life) -> None:
    counts["cells run"] += len(life.cells)
    for seen in life.cells:
        if seen.state:
            counts[f"steps {seen.state}"] += 1
            counts["steps not durable"] += bool(seen.warning)
    counts["notebooks that failed"] += any(life.errors)


def differences(plain: Life, durable: Life, plain_folder: Path, folder: Path) -> list[str]:
    """What a user could tell a durable kernel from a plain one by."""
    found = []
    for place, (a, b) in enumerate(zip(plain.cells, durable.cells, strict=False)):
        if a.error.partition(":")[0] != b.error.partition(":")[0]:
            found.append(f"cell {place} fails with {b.error!r}, expected {a.error!r}")
        elif a.shown != b.shown:
            found.append(f"cell {place} shows {b.shown!r}, expected {a.shown!r}")
    if len(plain.cells) != len(durable.cells):
        found.append(f"{len(durable.cells)} cells ran, expected {len(plain.cells)}")
    if plain.final is not None and durable.final is not None:
        found += _final_differences(plain.final, durable.final)
        if plain_files(plain_folder) != plain_files(folder):
            found.append(f"files {plain_files(folder)}, expected {plain_files(plain_folder)}")
    return found


def _final_differences(plain: dict[str, Any], durable: dict[str, Any]) -> list[str]:
    found = []
    for part, wanted in plain.items():
        got = durable[part]
        if not isinstance(wanted, dict):
            found += _apart(part, wanted, got)
            continue
        names = wanted.keys() & got.keys() if part == "modules" else wanted.keys() | got.keys()
        for name in sorted(names):
            found += _apart(f"{part}: {name}", wanted.get(name), got.get(name))
    return found


def _apart(where: str, wanted: Any, got: Any) -> list[str]:
    """Where two descriptions first differ."""
    if wanted == got:
        return []
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        place = next(n for n, (a, b) in enumerate(zip(wanted, got, strict=True)) if a != b)
        return _apart(f"{where}[{place}]", wanted[place], got[place])
    if isinstance(wanted, dict) and isinstance(got, dict) and wanted.keys() == got.keys():
        name = next(name for name in wanted if wanted[name] != got[name])
        return _apart(f"{where}.{name}", wanted[name], got[name])
    return [f"{where} is {_short(got)}, expected {_short(wanted)}"]


def _short(thing: Any) -> str:
    return "not there" if thing is None else json.dumps(thing)[:400]


def plain_files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().hex()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def report(script: list[dict[str, Any]], durable: Life, found: list[str]) -> str:
    """For whoever must find the bug: what differs, and what the durable kernel did."""
    lines = ["", *found, "", "the durable kernel:"]
    cells = iter(durable.cells)
    for action in script:
        if action["do"] != "cell":
            lines.append(f"--- {action}")
            continue
        seen = next(cells, None)
        state = f"{seen.state or 'plain'} {seen.reason} {seen.warning} {seen.error}" if seen else "not run"
        lines += [f"--- [{state.strip()}]", action["source"]]
        if seen and seen.error:
            lines.append(seen.traceback[-1500:])
    return "\n".join(lines)

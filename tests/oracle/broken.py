"""Generated notebooks in which cells fail: what runs all the same does as if nothing had failed."""

from __future__ import annotations

import ast
import collections
import json
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle import fragments
from oracle.kernels import ForkedKernels, Life, Seen, cell
from oracle.notebooks import differences, report

from durable_nb.core.analysis import analyse, without_uncalled_bodies
from durable_nb.core.cells import parse_loosely
from durable_nb.core.products import names_made
from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.core.spelled import spelled_out

BREAK = "if '{key}' in os.environ.get('BROKEN', ''): raise RuntimeError('broken on purpose')"
"""The line with which a cell fails as long as the world outside is not mended."""

counts: collections.Counter[str] = collections.Counter()


@dataclass(frozen=True)
class Cell:
    """One cell: pieces of code, the line that breaks it among them."""

    key: str
    pieces: tuple[str, ...]
    step: bool

    @property
    def source(self) -> str:
        marker = f"# step: {self.key}\n" if self.step else f"# {self.key}\n"
        return marker + "\n".join(self.pieces)

    @property
    def binds(self) -> frozenset[str]:
        """The names that it always gives a new value."""
        return analyse(self._tree).always_binds

    @property
    def makes(self) -> frozenset[str]:
        """Those that it binds or changes, as its code shows."""
        return names_made(without_uncalled_bodies(self._tree)) - _IMPORTED

    @property
    def _tree(self) -> ast.Module:
        return spelled_out(parse_loosely(self.source))


@dataclass
class Broken:
    """A notebook, which of its cells are broken, and how it is run."""

    cells: list[Cell]
    broken: frozenset[str]
    batch: bool
    twice: bool
    """It runs once while nothing is broken, and again in the same kernel with other parameters."""

    def script(self, broken: bool) -> list[dict[str, Any]]:
        first = [cell(c.source, c.key) for c in self.cells]
        told = " ".join(sorted(self.broken)) if broken else ""
        setting = cell(f"os.environ['BROKEN'] = {told!r}", "setting")
        other = cell(PARAMETERS.format(5), "c1")
        if self.twice:
            return [*first, setting, first[0], other, *first[2:]]
        return [first[0], setting, *first[1:]]


PARAMETERS = "# c1\n" + fragments.BEGIN[1].replace("a, b, c = 1", "a, b, c = {}")


def generate(seed: int) -> Broken:
    """The notebook of a number."""
    rng = random.Random(seed)
    batch = rng.random() < 0.5
    cells = [
        Cell(f"c{n}", (source,), n > 1 and rng.random() < 0.3) for n, source in enumerate(fragments.BEGIN)
    ]
    chosen = [piece for group in rng.sample(GROUPS, 3) for piece in group]
    for number in range(len(cells), len(cells) + rng.randint(4, 10)):
        pieces = [rng.choice(chosen).format(n=rng.randint(0, 5)) for _ in range(rng.randint(1, 3))]
        cells.append(Cell(f"c{number}", tuple(pieces), rng.random() < 0.7))
    able = [place for place in range(2, len(cells)) if cells[place].step or batch]
    failing = rng.sample(able, min(len(able), rng.randint(1, 2)))
    for place in failing:
        pieces = list(cells[place].pieces)
        pieces.insert(rng.randint(0, len(pieces)), BREAK.format(key=cells[place].key))
        cells[place] = Cell(cells[place].key, tuple(pieces), cells[place].step)
    return Broken(cells, frozenset(cells[p].key for p in failing), batch, rng.random() < 0.6)


_AROUND = re.compile(r"\b_\b|\bOut\b|chdir|sys\.path")
_IMPORTED = frozenset({"glob", "functools", "helper", "importlib", "json", "np", "os", "pd", "random", "sys"})
GROUPS = [
    [piece for piece in group if not _AROUND.search(piece)]
    for group in (
        fragments.VALUES,
        fragments.CONTAINERS,
        fragments.FUNCTIONS,
        fragments.CLASSES,
        fragments.FILES_READ,
        fragments.PROCESS,
        fragments.MODULES,
        fragments.STRINGS,
        fragments.TABLES,
        fragments.ARRAYS,
        fragments.SHOWN,
    )
]
"""A notebook takes its pieces from a few of them, so that they have to do with each other.

Random numbers, the last result, the working directory and ``sys.path`` are left out: a cell after one that
failed is not kept from what they are without it.
"""


class Trial:
    """Runs one notebook broken, whole, and mended.

    Args:
        kernels: Where kernels come from.
        scratch: For folders.
    """

    def __init__(self, kernels: ForkedKernels, scratch: Path) -> None:
        self._kernels = kernels
        self._scratch = scratch

    def check(self, notebook: Broken) -> None:
        """Compare the three.

        Raises:
            AssertionError: With all that differs.
        """
        whole = self._live("whole", notebook, broken=False)
        broken = self._live("broken", notebook, broken=True)
        found = self._compare(notebook, whole, broken)
        mended = self._live("broken", notebook, broken=False, fresh=False)
        counts["notebooks"] += 1
        folders = [self._folder(name) for name in ("whole", "broken")]
        found += [f"mended: {text}" for text in differences(whole, mended, *folders)]
        assert not found, report(notebook.script(broken=True), broken, found)

    def _folder(self, name: str) -> Path:
        return self._scratch / name / "project"

    def _live(self, name: str, notebook: Broken, *, broken: bool, fresh: bool = True) -> Life:
        folder = self._folder(name)
        if fresh:
            shutil.rmtree(folder.parent, ignore_errors=True)
            for path, text in fragments.FILES.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
        store = str(folder.parent / "store")
        environment = {"DURABLE_NB_STORE": store}
        if notebook.batch:
            told = {"run_id": "r1", "store": store, "notebook": "nb.ipynb", "engine": "durable"}
            environment[RUN_VARIABLE] = json.dumps(told)
        script = notebook.script(broken)
        return self._kernels.run(folder, script, go_on=True, environment=environment, each=fresh)

    def _compare(self, notebook: Broken, whole: Life, broken: Life) -> list[str]:
        found = []
        missing: set[str] = set()
        by_key = {c.key: c for c in notebook.cells}
        begin = len(notebook.cells) + 1 if notebook.twice else 2
        for place, action in enumerate(notebook.script(broken=True)[begin:], begin):
            one = by_key[action["cell_id"]]
            seen, wanted, before = broken.cells[place], whole.cells[place], broken.cells[place - 1]
            kind = _kind(seen)
            counts[f"cells {kind}"] += 1
            made = _touched(whole.cells[place - 1], wanted)
            if kind == "ran":
                missing -= one.binds
                found += [f"cell {place} changes {name}, which is missing" for name in missing & one.makes]
                made |= _touched(before, seen)
                found += [f"cell {place} {text}" for text in _apart(made - missing, seen, wanted)]
                continue
            missing |= made | one.makes
            if kind == "blocked" or one.step:
                found += [f"{kind} cell {place} {text}" for text in _changed(before, seen)]
            if kind == "failed" and one.key not in notebook.broken and not wanted.error:
                found.append(f"cell {place} fails with {seen.error}, which does so alone")
        return found


def _kind(seen: Seen) -> str:
    if seen.error.startswith("BlockedError"):
        return "blocked"
    return "failed" if seen.error else "ran"


def _touched(before: Seen, after: Seen) -> set[str]:
    """The variables that a cell has bound or changed."""
    assert before.after is not None
    assert after.after is not None
    was, now = before.after["variables"], after.after["variables"]
    return {name for name in was.keys() | now.keys() if _bare(was.get(name)) != _bare(now.get(name))}


def _bare(told: Any) -> str:
    """A description without whether its classes are those that have their names now."""
    return json.dumps(told).replace(" (not the notebook's)", "")


def _apart(made: set[str], seen: Seen, wanted: Seen) -> list[str]:
    found = []
    if wanted.error:
        return [f"runs, and would fail: {wanted.error}"]
    if seen.shown != wanted.shown:
        found.append(f"shows {seen.shown!r}, expected {wanted.shown!r}")
    assert seen.after is not None
    assert wanted.after is not None
    for name in sorted(made):
        here, there = seen.after["variables"].get(name), wanted.after["variables"].get(name)
        if _bare(here) != _bare(there):
            found.append(f"{name} is {json.dumps(here)[:300]}, expected {json.dumps(there)[:300]}")
    return found


def _changed(before: Seen, after: Seen) -> list[str]:
    assert before.after is not None
    assert after.after is not None
    found = []
    for part, was in before.after.items():
        now = after.after[part]
        if part == "Out" or was == now:
            continue
        names = sorted(was.keys() | now.keys()) if isinstance(was, dict) else []
        if part == "modules":
            names = sorted(was.keys() & now.keys())  # what it imported may stay
        if not isinstance(was, dict):
            found.append(f"changed {part}: {str(was)[:200]} → {str(now)[:200]}")
        found += [
            f"changed {part}: {name}: {json.dumps(was.get(name))[:200]} → {json.dumps(now.get(name))[:200]}"
            for name in names
            if was.get(name) != now.get(name)
        ]
    return found

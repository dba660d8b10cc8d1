"""What a plan is sure of, a run in a new kernel does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels, cell

from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.core.planning import plan_cells
from durable_nb.kernel.showing.outlook import Outlook
from durable_nb.store.decisions import invalidate
from durable_nb.store.store import open_store

SEEDS = itertools.count()
HELPER = "import math\nK = 1\ndef fit(v):\n    return v * K\nclass Thing:\n    def get(self): return K\n"


@dataclass
class Case:
    """Cells that run twice, and what happens in between."""

    cells: list[str]
    then: dict[int, str] = field(default_factory=dict)
    """Number of a cell → its new source."""
    files: dict[str, str] = field(default_factory=dict)
    """Path → new content."""
    invalidated: str = ""
    plan: str = ""
    """The decisions that are expected, one letter a step: reuse, execute, depends."""


CASES = {
    "nothing changes": Case(["a = 1", "%%step one\nb = a + 1", "%%step two\nc = b + 1"], plan="rr"),
    "a literal": Case(["a = 1", "%%step one\nb = a + 1", "%%step two\nc = b + 1"], {0: "a = 2"}, plan="ed"),
    "another type": Case(["a = 1", "%%step one\nb = [a]"], {0: "a = 1.0"}, plan="e"),
    "early cut-off": Case(
        ["%%step one\nb = [1]", "%%step two\nc = b + [1]"], {0: "%%step one\nb = [0 + 1]"}, plan="ed"
    ),
    "a function": Case(
        ["def f(v, k=1): return v + k", "%%step one\nb = f(1)"], {0: "def f(v, k=2): return v + k"}, plan="e"
    ),
    "a comment in a function": Case(
        ["def f(v):\n    return v", "%%step one\nb = f(1)"],
        {0: "def f(v):\n    # so\n    return v"},
        plan="r",
    ),
    "a function that another uses": Case(
        ["def g(v): return v", "def f(v): return g(v)", "%%step one\nb = f(1)"],
        {0: "def g(v): return -v"},
        plan="e",
    ),
    "a global of a function": Case(
        ["k = 1", "def f(v): return v + k", "%%step one\nb = f(1)"], {0: "k = 2"}, plan="e"
    ),
    "a typed function": Case(
        ["def f(v: int | None = None) -> list[int]: return [v]", "%%step one\nb = f(1)"], plan="r"
    ),
    "a decorated function": Case(
        ["import functools\n@functools.cache\ndef f(v): return v", "%%step one\nb = f(1)"], plan="d"
    ),
    "a class": Case(
        ["class P:\n    k = 1\n    def get(self): return self.k", "%%step one\nb = P().get()"],
        {0: "class P:\n    k = 2\n    def get(self): return self.k"},
        plan="e",
    ),
    "an instance": Case(
        ["class P:\n    def __init__(self, v=1): self.v = v", "p = P()", "%%step one\nb = p.v"], plan="d"
    ),
    "changed in place by a plain cell": Case(
        ["%%step one\nxs = [1]", "xs.append(2)", "%%step two\nys = xs + [3]"], plan="rd"
    ),
    "changed through an alias": Case(
        ["%%step one\nxs = [1]\nbox = {'xs': xs}", "box['xs'].append(2)", "%%step two\nys = xs + [3]"],
        plan="rd",
    ),
    "looked at by a plain cell": Case(
        ["%%step one\nxs = [1]", "print(len(xs), xs[0])\nxs", "%%step two\nys = xs + [3]"], plan="rr"
    ),
    "changed in place by a step": Case(
        ["%%step one\nxs = [1]", "%%step two\nxs.append(2)", "%%step three\nys = xs + [3]"], plan="rrr"
    ),
    "changed in place by an edited step": Case(
        ["%%step one\nxs = [1]", "%%step two\nys = [2]", "%%step three\nzs = xs + [3]"],
        {1: "%%step two\nxs.append(9)"},
        plan="red",
    ),
    "read and bound again": Case(
        ["a = [1]", "%%step one\na = a + [2]", "%%step two\nb = a + [1]"], plan="rr"
    ),
    "deleted": Case(["a = 1\nb = 2", "%%step one\nc = a", "del b", "%%step two\nd = a"], plan="rr"),
    "gone": Case(["a = 1\nb = 2", "%%step one\nc = globals().get('b')"], {0: "a = 1"}, plan="e"),
    "named in a text": Case(["k = 1", "%%step one\nc = eval('k + 1')"], {0: "k = 2"}, plan="e"),
    "a star import": Case(["from helper import *", "%%step one\nc = fit(2)"], plan="d"),
    "an imported function": Case(["from helper import fit", "%%step one\nc = fit(2)"], plan="r"),
    "an imported function that changes": Case(
        ["from helper import fit", "%%step one\nc = fit(2)"],
        files={"helper.py": HELPER.replace("v * K", "v + K")},
        plan="e",
    ),
    "an imported class": Case(["from helper import Thing as T", "%%step one\nc = T().get()"], plan="r"),
    "a module": Case(
        ["import helper as h", "%%step one\nc = h.fit(2)"],
        files={"helper.py": HELPER.replace("= 1", "= 2")},
        plan="e",
    ),
    "a module that a step imports": Case(
        ["%%step one\nimport helper\nc = 1", "%%step two\nd = helper.fit(2)"], plan="rr"
    ),
    "a function that a step defines": Case(
        ["%%step one\ndef f(v): return v", "%%step two\nd = f(2)"],
        {0: "%%step one\ndef f(v): return v + 0"},
        plan="ee",
    ),
    "a file": Case(
        ["%%step one\nt = open('in.txt').read()", "%%step two\nu = t"], files={"in.txt": "other"}, plan="ed"
    ),
    "a file that is as it was": Case(
        ["%%step one\nt = open('in.txt').read()"], files={"in.txt": "one"}, plan="r"
    ),
    "a missing file": Case(
        ["%%step one\nimport os\nt = os.path.exists('new.txt')"], files={"new.txt": ""}, plan="e"
    ),
    "random after a seed": Case(
        ["%%step one\nimport random\nrandom.seed(1)", "%%step two\nr = random.random()"], plan="rr"
    ),
    "random": Case(["import random", "%%step one\nr = random.random()"], plan="e"),
    "options": Case(
        ["%%step one\na = 1", "%%step two\nb = 1"],
        {0: "%%step one --always\na = 1", 1: "%%step two --version 2\nb = 1"},
        plan="ee",
    ),
    "not durable": Case(
        ["%%step one\nimport threading\nlock = threading.Lock()", "%%step two\na = 1"], plan="er"
    ),
    "a magic": Case(["%%step one\na = 1\n%precision 3", "%%step two\nb = a"], plan="rr"),
    "invalidated": Case(["%%step one\na = [1]", "%%step two\nb = a + [2]"], invalidated="one", plan="ed"),
    "a step that was inserted": Case(
        ["a = [1]", "%%step two\nb = a + [2]"], {0: "%%step new\na = [1]"}, plan="ed"
    ),
    "a loop": Case(["total = 0\nfor i in range(3): total += i", "%%step one\nb = total"], plan="d"),
    "not read": Case(["import time\nnow = time.time()", "%%step one\nb = 1"], plan="r"),
}


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Iterator[ForkedKernels]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DURABLE_NB_KEY_FILE", str(user_key))
        made = ForkedKernels(tmp_path_factory.mktemp("kernels"))
    yield made
    made.close()


def run(kernels: ForkedKernels, folder: Path, cells: list[str]) -> dict[str, str]:
    """Run cells in a new kernel; step → what became of it."""
    store = {"DURABLE_NB_STORE": str(folder / ".durable")}
    life = kernels.run(
        folder, [cell(source, f"c{i}") for i, source in enumerate(cells)], environment=store, seed=next(SEEDS)
    )
    assert [seen.error for seen in life.cells] == [""] * len(cells)
    words = {"completed": "execute", "reused": "reuse"}
    return {seen.status["step"]: words[seen.status["state"]] for seen in life.cells if seen.status}


def plan(folder: Path, cells: list[str]) -> dict[str, str]:
    """The plan that the shell makes; step → decision. None of the project's modules is imported here."""
    read = plan_cells(NotebookCell("code", source) for source in cells)
    found = Outlook(open_store(folder / ".durable"), folder).plan("", list(read))
    return {step.step: step.decision.value for step in found.steps}


@pytest.mark.parametrize("name", CASES)
def test_a_run_does_what_a_plan_is_sure_of(
    name: str, kernels: ForkedKernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision that is expected, and the one that a run makes."""
    case = CASES[name]
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "helper.py").write_text(HELPER)
    (folder / "in.txt").write_text("one")
    run(kernels, folder, case.cells)
    for path, text in case.files.items():
        (folder / path).write_text(text)
    if case.invalidated:
        invalidate(open_store(folder / ".durable"), case.invalidated)
    cells = [case.then.get(number, source) for number, source in enumerate(case.cells)]

    monkeypatch.syspath_prepend(folder)
    planned = plan(folder, cells)
    states = run(kernels, folder, cells)

    assert case.plan == "".join(decision[0] for decision in planned.values())
    sure = {step: decision for step, decision in planned.items() if decision != "depends"}
    assert {step: states[step] for step in sure} == sure

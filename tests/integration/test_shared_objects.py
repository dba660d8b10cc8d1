"""Objects that variables share stay shared, whether their steps executed or were reused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels, Seen, cell


class Notebook:
    """Runs cells in new kernels, in one folder."""

    def __init__(self, kernels: ForkedKernels, folder: Path) -> None:
        self._kernels = kernels
        self._folder = folder

    def run(self, *cells: str) -> list[Seen]:
        return self._kernels.run(self._folder, [cell(source) for source in cells]).cells


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedKernels]:
    forked = ForkedKernels(tmp_path_factory.mktemp("forked"))
    yield forked
    forked.close()


@pytest.fixture
def notebook(kernels: ForkedKernels, tmp_path: Path) -> Notebook:
    return Notebook(kernels, tmp_path)


@pytest.mark.parametrize(
    ("plain", "step", "change", "shown"),
    [
        ("xs = [1, 2]", "t = (xs, xs)", "xs.append(3)", "t"),
        ("xs = [[1], [2]]", "best = xs[0]", "best.append(9)", "xs"),
        ("xs = [[1], [2]]", "some = [x for x in xs if x[0] > 1]", "xs[1].append(9)", "some"),
        ("d = {'a': {'b': [1]}}", "inner = d['a']['b']", "inner.append(2)", "d"),
        ("def f(v=1): return v", "h = f", "f.calls = 3", "h.calls, h is f"),
        ("def f(v=1): return v", "t = {'f': f}", "f.calls = 3", "t['f'].calls"),
        ("class C: n = 1\nc = C()\nc.xs = [1]", "y = c.xs; z = [c]", "y.append(2)", "z[0].xs, z[0] is c"),
        ("import numpy as np\na = np.arange(6)", "v = a[2:4]", "a[2] = 99", "v.tolist(), v.base is a"),
        ("import numpy as np\na = np.arange(6).reshape(2, 3)", "v = a[1]", "v[0] = 99", "a.tolist()"),
        ("import numpy as np", "a = np.zeros(4)\nv = a[::2]", "v[1] = 7", "a.tolist()"),
        (
            "import numpy as np",
            "x = np.arange(9)\nd = {'v': x[3:6]}\nw = x[4:]",
            "x[:] = 0",
            "d['v'].sum(), w.sum()",
        ),
        (
            "import numpy as np",
            "base = np.arange(6)\nb = base.view()\nb.flags.writeable = False\nboth = [b, b[1:], base[2:]]",
            "base[:] = 7",
            "b.tolist(), [v.sum() for v in both], b.flags.writeable, both[2].flags.writeable",
        ),
        (
            "import pandas as pd\ndf = pd.DataFrame({'x': [1]})",
            "frames = [df]",
            "df['y'] = 2",
            "len(frames[0].columns)",
        ),
        ("k = 2\nfs = [lambda: k]", "fs2 = [fs[0], 1]", "k = 5", "fs2[0] is fs[0], fs2[0]()"),
    ],
)
def test_results_that_hold_inputs(notebook, plain: str, step: str, change: str, shown: str) -> None:
    """What is changed through one of them shows in the other, as in a plain kernel."""
    cells = [plain, f"%%step make\n{step}", change, f"print({shown})"]
    expected = notebook.run(*cells)

    found = notebook.run(*cells)
    assert found[1].state == "reused", found[1].status
    assert [(seen.error, seen.shown) for seen in found[2:]] == [(s.error, s.shown) for s in expected[2:]]
    assert expected[3].shown != ""


@pytest.mark.parametrize(
    ("before", "after", "step", "shown"),
    [
        ("a = [1]\nb = a", "a = [1]\nb = [1]", "a.append(2)\nc = len(b)", "c"),
        ("a = [1]\nb = a", "a = [1]\nb = 5", "a.append(2)", "b"),
        ("a = [1]\nb = [1]", "a = [1]\nb = a", "a.append(2)", "b"),
        ("d = {}\nrows = [d]", "d = {}\nrows = [{}]", "d['x'] = 1\nn = len(rows[0])", "n"),
        ("d = {}\nrows = [{}]", "d = {}\nrows = [d]", "d['x'] = 1", "rows"),
        ("a = [1]\nb = a", "a = [1]\nb = [1]", "same = a is b", "same"),
    ],
)
def test_who_shares_what_is_an_input(notebook, before: str, after: str, step: str, shown: str) -> None:
    """Equal variables that share other objects than before give another result."""
    notebook.run(before, f"%%step work\n{step}")

    found = notebook.run(after, f"%%step work\n{step}", f"print({shown})")
    assert found[2].shown == notebook.run(after, step, f"print({shown})")[2].shown
    assert found[2].shown != ""


def test_a_rebound_input_whose_parts_another_variable_holds(notebook) -> None:
    """The step executes rather than tear them apart."""
    cells = [
        "xs = [1]; box = {'xs': xs}; nested = [xs, [2]]; del xs",
        "%%step turn\nnested = nested[::-1]",
        "nested[1].append(3); print(box)",
    ]
    notebook.run(*cells)

    found = notebook.run(*cells)
    assert "{'xs': [1, 3]}" in found[2].shown
    assert "it holds objects that box holds too" in found[1].warning


_TABLE = "import pandas as pd\ndf = pd.DataFrame({'x': [1, 3, 2]})"


@pytest.mark.parametrize(
    ("make", "shown", "change"),
    [
        ("xs = [1]", "xs", "xs.append(2)"),
        ("import numpy as np\na = np.arange(3)", "a", "a[0] = 7"),
        (_TABLE, "df", "df['y'] = 2"),
        (_TABLE, "df", "df.sort_values('x', inplace=True)"),
        (_TABLE, "df", "df.index.name = 'row'"),
        ("xs = [1]\nys = xs", "ys", "xs.append(2)"),
        ("xs = [1]\nbox = {'xs': xs}", "box", "xs.append(2); box['n'] = 1"),
        ("xs = [1]", "xs", "xs.append(2); xs = [0]"),
        ("xs = [1]", "xs", "xs.append(2)\ndel xs"),
        ("xs = [1]", "xs", "xs = [*xs, 2]"),
    ],
)
def test_earlier_results_change_with_their_variable(notebook, make: str, shown: str, change: str) -> None:
    """``Out`` and ``_`` hold the variables' own objects: they show what a reused step did to these."""
    _check_results(notebook, f"%%step make\n{make}\n{shown}", f"%%step change\n{change}")


@pytest.mark.parametrize("show", ["xs", "(xs, xs)", "%%step show\nxs", "%%step show\n(xs, xs)"])
def test_results_of_other_cells_change_with_their_variable(notebook, show: str) -> None:
    """Also those that only hold its object."""
    _check_results(notebook, "%%step make\nxs = [1]", show, "%%step change\nxs.append(2)")


def _check_results(notebook: Notebook, *cells: str) -> None:
    cells = (*cells, "%%step use\nseen = str(_)", "[print(v) for v in Out.values()]; print(_, seen)")
    plain = notebook.run(*[c.partition("\n")[2] or c for c in cells])
    notebook.run(*cells)

    assert plain[-1].shown == notebook.run(*cells)[-1].shown
    assert plain[-1].shown != ""


def test_a_step_that_changes_what_was_shown_is_reused(notebook) -> None:
    """Showing a table costs no step that changes it; what the result only holds is said."""
    cells = ["%%step make\nxs = [1]", "xs", "%%step change\nxs.append(2)", "%%step again\nxs.append(3)"]
    within = [*cells[:1], "[xs]", *cells[2:3]]
    for script in (cells, within):
        notebook.run(*script)

    assert ["reused"] * 3 == [seen.state for seen in notebook.run(*cells) if seen.state]
    found = notebook.run(*within)[2]
    assert found.state == "completed"
    assert "a part in an earlier result (Out)" in found.reason


def test_a_result_read_before_its_variable(notebook) -> None:
    """A name that still waits is the object that ``Out`` gave to another one."""
    cells = ["%%step make\nxs = [1]\nxs", "%%step change\nxs.append(2)", "print(zs)"]
    notebook.run(*cells[:2])

    assert notebook.run(cells[0], "zs = Out[1]", *cells[1:])[-1].shown == "[1, 2]\n"


def test_names_of_an_index_that_another_table_has_too(notebook) -> None:
    """pandas tables share index objects, whose names change in place."""
    cells = [
        "import pandas as pd\na = pd.Series([1], index=pd.Index([5]))\nb = pd.DataFrame({'a': a})",
        "%%step name\na.index.name = 'year'",
        "print(b.index.name, a.index.name)",
    ]
    plain = notebook.run(*cells)

    assert plain[2].shown == notebook.run(*cells)[2].shown


@pytest.mark.parametrize(
    ("setting", "step", "shown"),
    [
        ("import random; random.seed(1)", "random.seed(1)\nz = 1", "random.random()"),
        (
            "import sys; sys.path.insert(0, '/q')",
            "if '/q' not in sys.path: sys.path.insert(0, '/q')",
            "sys.path[0]",
        ),
        ("import random; random.seed(1)", "z = random.getstate()[1][0]", "z"),
    ],
)
def test_state_that_is_set_to_what_it_is_or_only_read(notebook, setting: str, step: str, shown: str) -> None:
    """Reused where it stands otherwise, the step sets it; what reads it depends on it."""
    first, second = setting, setting.partition(";")[0] + "; random.seed(2)" * ("random" in setting)
    notebook.run(first, f"%%step s\n{step}", f"print({shown})")

    found = notebook.run(second, f"%%step s\n{step}", f"print({shown})")[2].shown
    assert found == notebook.run(second, step, f"print({shown})")[2].shown

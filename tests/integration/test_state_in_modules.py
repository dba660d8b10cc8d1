"""Variables in the user's modules and options of libraries are inputs and outputs like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.kernels import ForkedKernels, Life, cell, write


def states(results) -> list[str]:
    return [r.state for r in results if r.state]


@pytest.fixture
def helpers(tmp_path: Path) -> Path:
    path = tmp_path / "helpers.py"
    path.write_text("limit = 1\ncache = {}\ndef over(x):\n    cache[x] = True\n    return x > limit\n")
    return path


def run(forked: ForkedKernels, helpers: Path, *cells: str) -> Life:
    """All cells in a new kernel in the folder of the module; none may fail."""
    return forked.run_cells(helpers.parent, *cells)


def test_a_variable_of_a_module_that_another_cell_sets_is_an_input(forked, helpers) -> None:
    """helpers.limit = 5 changes what helpers.over gives."""
    cells = ["import helpers\nhelpers.limit = 1", "%%step use\ny = helpers.over(3)", "print(y)"]
    run(forked, helpers, *cells)

    same = run(forked, helpers, *cells)
    other = run(forked, helpers, cells[0].replace("= 1", "= 5"), *cells[1:])
    back = run(forked, helpers, *cells)
    assert [["reused"], ["completed"], ["reused"]] == [states(life.cells) for life in (same, other, back)]
    assert ["True\n", "False\n", "True\n"] == [life.cells[2].shown for life in (same, other, back)]


def test_what_a_step_changes_in_a_module_comes_back(forked, helpers) -> None:
    """As it would be after executing it."""
    step = "%%step use\ny = helpers.over(3)\nhelpers.limit = 9"
    shown = "print(helpers.limit, helpers.cache, cache is helpers.cache)"
    cells = ["import helpers\nfrom helpers import cache", step, shown]
    run(forked, helpers, *cells)

    again = run(forked, helpers, *cells)
    assert ["reused"] == states(again.cells)
    assert "9 {3: True} True\n" == again.cells[2].shown


def test_a_module_that_the_step_imports_itself(forked, helpers) -> None:
    """Its first import in the step is no change of it; what the step then does to it is."""
    cells = ["%%step use\nfrom helpers import over\ny = over(3)", "import helpers; print(helpers.cache)"]
    run(forked, helpers, *cells)

    again = run(forked, helpers, *cells)
    assert ["reused"] == states(again.cells)
    assert "{3: True}\n" == again.cells[1].shown
    helpers.write_text(helpers.read_text() + "\nmore = 1\n")
    assert ["completed"] == states(run(forked, helpers, *cells).cells)


def test_a_module_that_was_edited_after_its_import(forked, helpers) -> None:
    """The kernel still runs the old code: its result must not pass for one of the new."""
    step, shown = "%%step use\ny = helpers.over(3)", "print(y)"
    run(forked, helpers, "import helpers", step)
    old = forked.run(
        helpers.parent,
        [cell("import helpers"), write("helpers.py", "def over(x): return 'new'\n"), cell(step), cell(shown)],
    ).cells
    assert ("completed", "True\n") == (old[1].state, old[2].shown)
    assert "helpers.py was edited after this kernel had imported it" in old[1].warning

    new = forked.run(
        helpers.parent,
        [
            cell("import helpers"),
            cell(step),
            cell(shown),
            write("helpers.py", "def over(x): return 'newer'\n"),
            cell("import importlib; importlib.reload(helpers)"),
            cell(step),
            cell(shown),
        ],
    ).cells
    assert ("completed", "new\n") == (new[1].state, new[2].shown)
    assert ("", "newer\n") == (new[4].warning, new[5].shown)


def test_options_of_pandas_and_matplotlib_come_back(kernel) -> None:
    """A step that configures a library has configured it after it was reused, too."""
    cells = [
        """%%step configure
import pandas as pd, matplotlib.pyplot as plt
pd.set_option('display.max_rows', 3)
plt.rcParams['figure.figsize'] = (3, 2)""",
        "%%step show\nframe = pd.DataFrame({'x': range(9)})\nframe",
    ]
    kernel.run_all(*cells)

    assert states(kernel.run_all(*cells)) == ["reused", "reused"]
    shown = "pd.get_option('display.max_rows'), plt.rcParams['figure.figsize']"
    assert kernel.run(shown).result == "(3, [3.0, 2.0])"


def test_an_option_that_changes_what_is_shown_executes_what_shows(forked, tmp_path: Path) -> None:
    """A table is displayed anew; a step that shows nothing is reused."""
    plain = "import pandas as pd\npd.set_option('display.max_rows', {})"
    cells = ["%%step quiet\nframe = pd.DataFrame({'x': range(9)})", "%%step loud\nframe"]
    wide = forked.run_cells(tmp_path, plain.format(60), *cells)

    narrow = forked.run_cells(tmp_path, plain.format(4), *cells)
    again = forked.run_cells(tmp_path, plain.format(60), *cells)
    assert ["reused", "completed"] == states(narrow.cells)
    assert ["reused", "reused"] == states(again.cells)
    assert wide.cells[2].shown == again.cells[2].shown != narrow.cells[2].shown

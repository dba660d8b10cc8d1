"""Variables in the user's modules and options of libraries are inputs and outputs like any other."""

from __future__ import annotations

import pytest


def states(results) -> list[str]:
    return [r.state for r in results if r.state]


@pytest.fixture
def helpers(kernel):
    path = kernel.folder / "helpers.py"
    path.write_text("limit = 1\ncache = {}\ndef over(x):\n    cache[x] = True\n    return x > limit\n")
    return path


def test_a_variable_of_a_module_that_another_cell_sets_is_an_input(kernel, helpers) -> None:
    """helpers.limit = 5 changes what helpers.over gives."""
    cells = ["import helpers\nhelpers.limit = 1", "%%step use\ny = helpers.over(3)"]
    kernel.run_all(*cells)

    assert states(kernel.run_all(*cells)) == ["reused"]
    assert states(kernel.run_all(cells[0].replace("= 1", "= 5"), cells[1])) == ["completed"]
    assert kernel.run("y").result == "False"
    assert states(kernel.run_all(*cells)) == ["reused"]


def test_what_a_step_changes_in_a_module_comes_back(kernel, helpers) -> None:
    """As it would be after executing it."""
    step = "%%step use\ny = helpers.over(3)\nhelpers.limit = 9"
    cells = ["import helpers\nfrom helpers import cache", step]
    kernel.run_all(*cells)

    assert states(kernel.run_all(*cells)) == ["reused"]
    assert kernel.run("helpers.limit, helpers.cache, cache is helpers.cache").result == "(9, {3: True}, True)"


def test_a_module_that_the_step_imports_itself(kernel, helpers) -> None:
    """Its first import in the step is no change of it; what the step then does to it is."""
    cell = "%%step use\nfrom helpers import over\ny = over(3)"
    kernel.run_all(cell)

    assert states(kernel.run_all(cell)) == ["reused"]
    assert kernel.run("import helpers; helpers.cache").result == "{3: True}"
    helpers.write_text(helpers.read_text() + "\nmore = 1\n")
    assert states(kernel.run_all(cell)) == ["completed"]


def test_a_module_that_was_edited_after_its_import(kernel, helpers) -> None:
    """The kernel still runs the old code: its result must not pass for one of the new."""
    cells = ["import helpers", "%%step use\ny = helpers.over(3)"]
    kernel.run_all(*cells)
    helpers.write_text("def over(x): return 'new'\n")

    old = kernel.run(cells[1])
    assert old.state == "completed"
    assert "helpers.py was edited after this kernel had imported it" in old.status["warning"]
    assert states(kernel.run_all(*cells)) == ["completed"]
    assert kernel.run("y").result == "'new'"
    helpers.write_text("def over(x): return 'newer'\n")
    kernel.run("import importlib; importlib.reload(helpers)")
    assert kernel.run(cells[1]).status["warning"] == ""
    assert kernel.run("y").result == "'newer'"


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


def test_an_option_that_changes_what_is_shown_executes_what_shows(kernel) -> None:
    """A table is displayed anew; a step that shows nothing is reused."""
    plain = "import pandas as pd\npd.set_option('display.max_rows', {})"
    cells = ["%%step quiet\nframe = pd.DataFrame({'x': range(9)})", "%%step loud\nframe"]
    kernel.run_all(plain.format(60), *cells)

    assert states(kernel.run_all(plain.format(4), *cells)) == ["reused", "completed"]
    assert states(kernel.run_all(plain.format(60), *cells)) == ["reused", "reused"]

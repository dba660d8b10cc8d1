"""``%%params`` cells: plain cells in a kernel, parameters for a run, known to papermill."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from oracle.kernels import ForkedKernels, cell

from durable_nb.batch.engine_reading import install

PARAMS = "# what the report is about\n%%params\nday = 'monday'  # which day\nalpha = 0.5  # range: 0..1\n"


def write(path: Path, *sources: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[new_code_cell(source) for source in sources], metadata={"kernelspec": kernel})
    nbformat.write(nb, path)
    return path


@pytest.mark.parametrize("marker", ["%%params", "# params:"])
def test_runs_as_a_plain_cell(forked: ForkedKernels, tmp_path: Path, marker: str) -> None:
    """Its code runs as it stands there, and steps depend on what it binds."""
    declared = f"{marker}\nday = 'monday'\nday"
    step = "%%step a\nx = day.upper()\nprint(x)"

    first = forked.run_cells(tmp_path, declared, step)
    again = forked.run_cells(tmp_path, declared, step)
    changed = forked.run_cells(tmp_path, declared.replace("monday", "friday"), step)

    assert "monday" in first.cells[0].shown
    assert ["", "completed"] == first.states == changed.states
    assert ["", "reused"] == again.states
    assert "'monday' → 'friday'" in changed.cells[1].reason


def test_errors_are_those_of_the_cell(forked: ForkedKernels, tmp_path: Path) -> None:
    """A mistake in it is shown at the user's own line."""
    life = forked.run(tmp_path, [cell("%%params\nday = 1\nalpha = 1 / 0")], go_on=True)

    assert "ZeroDivisionError" in life.errors[0]
    assert "----> 3 alpha" in life.cells[0].traceback or "line 3" in life.cells[0].traceback


def test_below_another_magic(forked: ForkedKernels, tmp_path: Path) -> None:
    """Where it cannot work it says where it belongs."""
    life = forked.run(tmp_path, [cell("%%time\n%%params\nday = 1")], go_on=True)

    assert "%%params must stand above %%time" in life.cells[0].traceback


def test_auto_mode_leaves_it_alone(forked: ForkedKernels, tmp_path: Path) -> None:
    """A cell with defaults is no step of its own."""
    forked.run_cells(tmp_path, "%steps auto on", f"{PARAMS}n = max(1, 2)", "n = [i for i in range(3)]\nn")

    steps = [folder.name for folder in (tmp_path / ".durable" / "traces").iterdir()]
    assert [True] == [name.startswith("n_") for name in steps]


def test_papermill_knows_it(tmp_path: Path) -> None:
    """papermill lists the parameters, and puts values below the cell, with any engine."""
    path = write(tmp_path / "in.ipynb", "1", PARAMS, "day")
    install()

    found = papermill.inspect_notebook(str(path))
    papermill.execute_notebook(str(path), str(tmp_path / "out.ipynb"), {"alpha": 0.1}, prepare_only=True)

    assert {"day": "which day", "alpha": "range: 0..1"} == {name: one["help"] for name, one in found.items()}
    tags = [one.metadata.tags for one in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells]
    assert [[], ["parameters"], ["injected-parameters"], []] == tags


def test_a_run_with_papermills_command(tmp_path: Path) -> None:
    """With the engine, values are as declared, and win over the defaults; the record has them."""
    path = write(tmp_path / "in.ipynb", PARAMS, "%%step a\nprint(day, alpha)\nx = 1")

    papermill.execute_notebook(
        str(path), str(tmp_path / "out.ipynb"), {"alpha": 1}, engine_name="durable", progress_bar=False
    )

    nb = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert "# Parameters\nalpha = 1.0" == nb.cells[1].source
    assert "monday 1.0\n" == nb.cells[2].outputs[0].text
    assert {"alpha": 1.0} == nb.metadata.papermill.parameters

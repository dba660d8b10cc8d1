"""Where no page of JupyterLab can be, nothing of the link to it is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import papermill
import pytest
from oracle.kernels import ForkedKernels
from panel_seen import write

IS_LINKED = "import sys\nprint('durable_nb.dashboard.lab.broadcast' in sys.modules)"
CELLS = ["%load_ext durable_nb", "%%step load\nrows = list(range(3))\nrows", IS_LINKED]


def outputs(path: Path) -> list[list[Any]]:
    """Of each cell the type of each output, and its text."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [[(o["output_type"], "".join(o.get("text", []))) for o in cell["outputs"]] for cell in cells]


@pytest.mark.parametrize(("engine", "is_linked"), [(None, "True\n"), ("durable", "False\n")])
def test_a_batch_run_is_as_it_was(tmp_path: Path, engine: str | None, is_linked: str) -> None:
    """papermill's own engine meets a message that it has no use for; a kernel of ours sends none."""
    notebook = write(tmp_path / "nb.ipynb", *CELLS)
    made = tmp_path / "out.ipynb"

    papermill.execute_notebook(
        notebook, made, engine_name=engine, cwd=tmp_path, progress_bar=False, log_output=False
    )

    first, step, linked = outputs(made)
    assert ([], [("stream", is_linked)]) == (first, linked)
    assert ["execute_result", "display_data"] == [kind for kind, _ in step]
    assert "widgets" not in json.loads(made.read_text(encoding="utf-8"))["metadata"]


def test_a_terminal_is_as_it_was(forked: ForkedKernels, tmp_path: Path) -> None:
    """IPython without a kernel has nobody to talk to."""
    life = forked.run_cells(tmp_path, IS_LINKED)

    assert "False" in life.cells[-1].shown

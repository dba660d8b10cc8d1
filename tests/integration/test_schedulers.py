"""What the README tells those who schedule with other programs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from papermill.engines import papermill_engines

from durable_nb.batch.engine import DurableEngine
from durable_nb.store.store import open_store


def test_as_airflow_calls_papermill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's PapermillOperator names no engine: it is ours where ours is registered for none."""
    monkeypatch.setitem(papermill_engines._engines, None, papermill_engines._engines[None])
    papermill_engines.register(None, DurableEngine)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[new_code_cell("%%step one\nx = 1")], metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "in.ipynb")

    papermill.execute_notebook(
        str(tmp_path / "in.ipynb"),
        str(tmp_path / "out.ipynb"),
        parameters={},
        progress_bar=False,
        report_mode=True,
        log_output=False,
        kernel_name=None,
        language=None,
        engine_name=None,
    )

    rows = open_store(tmp_path / ".durable").ledger.rows("select step, state from attempts")
    assert rows == [{"step": "one", "state": "completed"}]

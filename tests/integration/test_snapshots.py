"""What an output notebook says of its steps, for a front end that opens it without a kernel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from zlib import crc32

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.engine_run import run_notebook
from durable_nb.core.snapshot import source_digest

CELLS = [
    "key_api = 1",
    "%%step load\nn = [1, 2]\n\n",
    "# step: bad\nm = n[7]",
    "%%step later\nk = m",
    "print(n)",
    "%%step other\nz = n",
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(*cells: str) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel})
    nb.cells[1].metadata["durable_nb"] = {"step": "load", "state": "running", "digest": "00000000"}
    nbformat.write(nb, "in.ipynb")


def run(**options: Any) -> list[Any]:
    """The metadata of the cells in the output notebook."""
    run_notebook("in.ipynb", "out.ipynb", progress=False, **options)
    nb = nbformat.read("out.ipynb", as_version=4)
    return [cell.metadata.get("durable_nb") for cell in nb.cells if cell.source in CELLS]


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_step_says_how_it_stood(jobs: int) -> None:
    """State, seconds, when, and the digest of its cell; what the input notebook said of it is gone."""
    save(*CELLS)
    before = time.time()

    first = run(keep_going=True, jobs=jobs)
    again = run(keep_going=True, jobs=jobs)

    for found, load in ((first, "completed"), (again, "reused")):
        states = [(one or {}).get("state") for one in found]
        assert ["completed", load, "failed", "blocked", "completed", load] == states
        for place, name in ((1, "load"), (2, "bad"), (3, "later"), (5, "other")):
            snapshot = found[place]
            assert {"step", "state", "seconds", "at", "digest"} == set(snapshot)
            assert name == snapshot["step"]
            assert before - 1 < snapshot["at"] < time.time() + 1
            assert 0 <= snapshot["seconds"] < 60
            assert f"{crc32(CELLS[place].rstrip().encode()):08x}" == snapshot["digest"]
        assert {"state": "completed"} == found[4]


def test_while_it_runs_the_file_says_so() -> None:
    """A machine that is switched off leaves a notebook in which the step was running."""
    look = "%%step look\nimport pathlib\nseen = pathlib.Path('out.ipynb').read_text()"
    save("", "", look, "%%step show --always\nprint(seen)")

    run_notebook("in.ipynb", "out.ipynb", progress=False)

    nb = nbformat.read("out.ipynb", as_version=4)
    seen = nbformat.reads(nb.cells[3].outputs[0].text, as_version=4)
    at_that_time = seen.cells[2].metadata.durable_nb
    assert ("look", "running") == (at_that_time["step"], at_that_time["state"])
    assert source_digest(look) == at_that_time["digest"]


def test_the_digest_of_a_cell() -> None:
    """Eight digits, of the text in UTF-8 without white space at its end."""
    assert "00000000" == source_digest("")
    assert source_digest("x = 'ä'") == source_digest("x = 'ä'\n \n")
    assert f"{crc32('x = ä'.encode()):08x}" == source_digest("x = ä")
    assert source_digest("x") != source_digest(" x")

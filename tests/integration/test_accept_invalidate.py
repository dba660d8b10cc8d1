"""``%steps accept`` and ``%steps invalidate``: what a person decides, in real kernels."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.store.store import open_store

HELPERS = "def double(x):\n    return 2 * x\nclass Box:\n    size = 3"
MAKE = "%%step make\nimport math\ndef half(x): return x / 2\ny = double(k) + Box.size\nprint('made', y)"
EDITED = (
    "%%step make\nimport math, cmath\ndef half(value): return value / 2\n"
    "y = Box.size + double(k)\nprint('made', y)"
)


def save(folder: Path, *sources: str) -> None:
    """The notebook as a front end saves it."""
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), folder / "nb.ipynb")


@pytest.fixture
def notebook(kernel: Any) -> Any:
    """A kernel that knows its notebook, as JupyterLab tells it."""
    kernel.environment["JPY_SESSION_NAME"] = "nb.ipynb"
    return kernel


def events(folder: Path) -> list[dict[str, Any]]:
    with closing(open_store(folder / ".durable")) as store:
        store.recover()
        rows = store.ledger.rows('SELECT step, override, "user", changes FROM overrides ORDER BY happened_at')
    return [dict(row) for row in rows]


def test_an_accepted_edit_reuses(notebook, tmp_path: Path) -> None:
    """The edited cell, saved but not run, reuses the old result; its own definitions are the edited ones."""
    save(tmp_path, "k = 1", HELPERS, MAKE)
    notebook.start()
    for cell in ("k = 1", HELPERS, MAKE):
        notebook.run(cell)
    save(tmp_path, "k = 1", HELPERS, EDITED)

    accepted = notebook.run("%steps accept make")
    assert accepted.error == ""
    assert "+y = Box.size + double(k)" in accepted.result
    edited = notebook.run(EDITED)
    assert ("reused", "edit accepted", "made 5\n") == (edited.state, edited.status["reason"], edited.text)
    shown = "y, half(4), cmath.pi > 3, __import__('inspect').signature(half)"
    assert "(5, 2.0, True, <Signature (value)>)" == notebook.run(shown).result
    again = notebook.run_all("k = 1", HELPERS, EDITED)
    assert "reused" == again[2].state
    assert [("make", "accept")] == [(e["step"], e["override"]) for e in events(tmp_path)]
    assert "code" in events(tmp_path)[0]["changes"]


@pytest.mark.parametrize(
    "later",
    [
        ("k = 2", HELPERS, EDITED),
        ("k = 1", HELPERS, EDITED.replace("Box.size +", "1 + Box.size +")),
        ("k = 1", HELPERS.replace("2 * x", "3 * x"), EDITED),
        ("k = 1", HELPERS.replace("size = 3", "size = 4"), EDITED),
    ],
)
def test_nothing_more_is_accepted_than_what_differed(
    notebook, tmp_path: Path, later: tuple[str, ...]
) -> None:
    """Any further difference executes: another edit, an input, a function, a class."""
    save(tmp_path, "k = 1", HELPERS, MAKE)
    notebook.start()
    for cell in ("k = 1", HELPERS, MAKE):
        notebook.run(cell)
    save(tmp_path, "k = 1", HELPERS, EDITED)
    assert notebook.run("%steps accept make").error == ""

    assert "completed" == [notebook.run(cell) for cell in later][2].state


def test_edits_of_what_the_step_uses_are_accepted(notebook, tmp_path: Path) -> None:
    """A function, a class and a project module; and undone, they count again."""
    (tmp_path / "tools.py").write_text("def one(): return 1\n")
    make = "%%step make\nimport tools\ny = double(tools.one()) + Box.size"
    save(tmp_path, HELPERS, make)
    notebook.run_all(HELPERS, make)
    (tmp_path / "tools.py").write_text("def one():\n    result = 1\n    return result\n")
    helpers = HELPERS.replace("2 * x", "x + x").replace("size = 3", "size, unit = 3, 1")

    notebook.restart()
    notebook.run(helpers)
    accepted = notebook.run("%steps accept make")
    assert accepted.error == ""
    for what in ("double", "Box", "tools"):
        assert what in accepted.result
    assert "reused" == notebook.run(make).state
    assert "reused" == notebook.run_all(helpers, make)[1].state
    undone = notebook.run("%steps accept make --undo")
    assert "taken back" in undone.result
    assert "completed" == notebook.run(make).state
    assert "there is nothing to take back" in notebook.run("%steps accept make --undo").error


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("k = 2", MAKE), "k 1 → 2"),
        (("k = 1", EDITED.replace("y = ", "z = ")), "it binds z now"),
        (("k = 1", MAKE), "differs in nothing"),
        (("k = 1", MAKE.replace("step make", "step make --always")), "marked --always"),
        (("k = 1", MAKE.replace("step make", "step other")), "no step 'make'"),
        (("del k", EDITED), "k is"),
    ],
)
def test_what_cannot_be_accepted(notebook, tmp_path: Path, cells: tuple[str, str], said: str) -> None:
    """Only an edit that leaves the bound names is accepted; all else is refused, and says why."""
    save(tmp_path, MAKE)
    notebook.start()
    for cell in ("k = 1", HELPERS, MAKE):
        notebook.run(cell)
    notebook.restart()
    for cell in ("k = 1", HELPERS, cells[0]):
        notebook.run(cell)
    save(tmp_path, cells[1])

    refused = notebook.run("%steps accept make")
    assert said in refused.error
    assert not (tmp_path / ".durable" / "overrides").exists()


def test_a_file_that_only_the_edit_names_must_stay_as_it_is(notebook, tmp_path: Path) -> None:
    """An accepted edit depends on what it names, though the execution did not."""
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "b.txt").write_text("1")
    make = "%%step make\ny = open('{}').read()"
    save(tmp_path, make.format("b.txt"))
    notebook.start()
    notebook.run(make.format("a.txt"))
    notebook.restart()

    assert notebook.run("%steps accept make").error == ""
    assert "reused" == notebook.run(make.format("b.txt")).state
    (tmp_path / "b.txt").write_text("2")
    assert "completed" == notebook.run(make.format("b.txt")).state


def test_an_interrupted_edit_is_accepted_as_it_was_run(kernel, tmp_path: Path) -> None:
    """Without a notebook file, the cell counts as it last began to run."""
    kernel.start()
    kernel.run("k = 1\nimport time")
    kernel.run("%%step make\ny = k")
    kernel.send("%%step make\nprint('begun')\ntime.sleep(60)\ny = k")
    kernel.wait_for_text("begun")
    kernel.interrupt()
    kernel.finish()

    assert kernel.run("%steps accept make").error == ""
    assert "reused" == kernel.run("%%step make\nprint('begun')\ntime.sleep(60)\ny = k").state


def test_invalidated_results_execute(kernel, tmp_path: Path, delete_ledger) -> None:
    """All that a step has left executes, says why, and is reused again once that is taken back."""
    cells = ["k = {}", "%%step make\ny = k"]
    kernel.start()
    for k in (1, 2):
        kernel.run(cells[0].format(k))
        kernel.run(cells[1])

    said = kernel.run("%steps invalidate make").result
    assert "invalidated 2 results of make" in said
    delete_ledger()
    executed = kernel.run_all("k = 1", cells[1])[1]
    assert "completed" == executed.state
    assert executed.status["reason"].startswith("invalidated by ")
    assert "reused" == kernel.run(cells[1]).state
    kernel.run("%steps invalidate make --undo")
    kernel.run("k = 2")
    assert "reused" == kernel.run(cells[1]).state
    assert ["invalidate", "undo"] == [event["override"] for event in events(tmp_path)]
    assert "has no results" in kernel.run("%steps invalidate nothing").error
    for words in ("accept", "invalidate a b", "accept --all"):
        assert "expected %steps" in kernel.run(f"%steps {words}").error


@pytest.fixture
def delete_ledger(tmp_path: Path) -> Any:
    """Lose the ledger: the files are the truth."""

    def delete() -> None:
        for path in (tmp_path / ".durable").glob("ledger*"):
            path.unlink()

    return delete


def test_what_is_accepted_is_shown_escaped(notebook, tmp_path: Path) -> None:
    """An edit may hold anything, also HTML."""
    save(tmp_path, "%%step make\ny = '<b>1</b>'[3]")
    notebook.start()
    notebook.run("%%step make\ny = '1'")
    notebook.restart()

    shown = notebook.run("%steps accept make").outputs[0]["data"]["text/html"]
    assert "&lt;b&gt;" in shown
    assert "<b>1" not in shown
    shutil.rmtree(tmp_path / ".durable" / "overrides")
    assert json.loads((tmp_path / "nb.ipynb").read_text())["cells"]

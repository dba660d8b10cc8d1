"""``%steps accept`` and ``%steps invalidate``: what a person decides."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from oracle.kernels import ForkedKernels, Life, cell, write

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


def run(forked: ForkedKernels, folder: Path, *script: str | dict[str, Any]) -> Life:
    """Cells, and what happens between them, in a new kernel that knows its notebook."""
    actions = [cell(a) if isinstance(a, str) else a for a in script]
    return forked.run(folder, actions, go_on=True, environment={"JPY_SESSION_NAME": "nb.ipynb"})


def saved(*sources: str) -> dict[str, Any]:
    """The notebook is saved between two cells."""
    return write("nb.ipynb", nbformat.writes(new_notebook(cells=[new_code_cell(s) for s in sources])))


def events(folder: Path) -> list[dict[str, Any]]:
    with closing(open_store(folder / ".durable")) as store:
        store.recover()
        rows = store.ledger.rows('SELECT step, override, "user", changes FROM overrides ORDER BY happened_at')
    return [dict(row) for row in rows]


def test_an_accepted_edit_reuses(notebook, tmp_path: Path) -> None:
    """The edited cell, saved but not run, reuses the old result; its own definitions are the edited ones."""
    save(tmp_path, "k = 1", HELPERS, MAKE)
    notebook.start()
    for source in ("k = 1", HELPERS, MAKE):
        notebook.run(source)
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
def test_nothing_more_is_accepted_than_what_differed(forked, tmp_path: Path, later: tuple[str, ...]) -> None:
    """Any further difference executes: another edit, an input, a function, a class."""
    save(tmp_path, "k = 1", HELPERS, MAKE)

    life = run(
        forked,
        tmp_path,
        *("k = 1", HELPERS, MAKE),
        saved("k = 1", HELPERS, EDITED),
        "%steps accept make",
        *later,
    )
    assert [""] * 7 == life.errors
    assert "completed" == life.states[6]


def test_edits_of_what_the_step_uses_are_accepted(forked, tmp_path: Path) -> None:
    """A function, a class and a project module; and undone, they count again."""
    (tmp_path / "tools.py").write_text("def one(): return 1\n")
    make = "%%step make\nimport tools\ny = double(tools.one()) + Box.size"
    save(tmp_path, HELPERS, make)
    run(forked, tmp_path, HELPERS, make)
    (tmp_path / "tools.py").write_text("def one():\n    result = 1\n    return result\n")
    helpers = HELPERS.replace("2 * x", "x + x").replace("size = 3", "size, unit = 3, 1")

    accepting = run(forked, tmp_path, helpers, "%steps accept make", make)
    assert "" == accepting.errors[1]
    for what in ("double", "Box", "tools"):
        assert what in accepting.cells[1].shown
    assert "reused" == accepting.states[2]
    undo = "%steps accept make --undo"
    later = run(forked, tmp_path, helpers, make, undo, make, undo)
    assert ["", "reused", "", "completed", ""] == later.states
    assert "taken back" in later.cells[2].shown
    assert "there is nothing to take back" in later.errors[4]


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
def test_what_cannot_be_accepted(forked, tmp_path: Path, cells: tuple[str, str], said: str) -> None:
    """Only an edit that leaves the bound names is accepted; all else is refused, and says why."""
    save(tmp_path, MAKE)
    run(forked, tmp_path, "k = 1", HELPERS, MAKE)

    refused = run(forked, tmp_path, "k = 1", HELPERS, cells[0], saved(cells[1]), "%steps accept make")
    assert said in refused.errors[3]
    assert not (tmp_path / ".durable" / "overrides").exists()


def test_a_file_that_only_the_edit_names_must_stay_as_it_is(forked, tmp_path: Path) -> None:
    """An accepted edit depends on what it names, though the execution did not."""
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "b.txt").write_text("1")
    make = "%%step make\ny = open('{}').read()"
    edited = make.format("b.txt")
    save(tmp_path, edited)
    run(forked, tmp_path, make.format("a.txt"))

    life = run(forked, tmp_path, "%steps accept make", edited, write("b.txt", "2"), edited)
    assert [""] * 3 == life.errors
    assert ["", "reused", "completed"] == life.states


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


def test_invalidated_results_execute(forked, tmp_path: Path, delete_ledger) -> None:
    """All that a step has left executes, says why, and is reused again once that is taken back."""
    make = "%%step make\ny = k"

    made = run(forked, tmp_path, "k = 1", make, "k = 2", make, "%steps invalidate make")
    assert "invalidated 2 results of make" in made.cells[4].shown
    delete_ledger()
    life = run(forked, tmp_path, "k = 1", make, make, "%steps invalidate make --undo", "k = 2", make)
    assert ["", "completed", "reused", "", "", "reused"] == life.states
    assert life.cells[1].reason.startswith("invalidated by ")
    assert ["invalidate", "undo"] == [event["override"] for event in events(tmp_path)]


def test_decisions_about_nothing(forked, tmp_path: Path) -> None:
    """A step without results, and words that mean nothing."""
    wrong = ["accept", "invalidate a b", "accept --all"]

    life = run(forked, tmp_path, "%steps invalidate nothing", *(f"%steps {words}" for words in wrong))
    assert "has no results" in life.errors[0]
    assert all("expected %steps" in error for error in life.errors[1:])


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

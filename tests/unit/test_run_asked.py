"""What is asked of one run, by options and by the environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import durable_nb.batch
from durable_nb.batch.asked import ask, forced_steps, read_tags
from durable_nb.batch.changes import read_given, read_output_name
from durable_nb.batch.fixes import Fix, compare_notebooks
from durable_nb.batch.git import checkout_of
from durable_nb.batch.imports import imported_packages
from durable_nb.core.errors import UnknownStepError, UsageError

STEPS = {"load": False, "clean": False, "send": True, "show": False}


def notebook(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def test_the_environment_asks_where_no_option_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """papermill hands an engine no options of its own."""
    monkeypatch.setenv("DURABLE_NB_FROM", "clean")
    monkeypatch.setenv("DURABLE_NB_FORCE", "load 'my step'")
    monkeypatch.setenv("DURABLE_NB_TAGS", "team=ops day=1")
    monkeypatch.setenv("DURABLE_NB_RESUME", "r1")

    found = ask()

    assert ("clean", ("load", "my step"), "r1") == (found.from_step, found.force, found.resume)
    assert {"team": "ops", "day": "1"} == found.tags
    other = ask(from_step="show", force=["send"], new_run=True)
    assert ("show", ("send",), "") == (other.from_step, other.force, other.resume)


@pytest.mark.parametrize(
    ("text", "new"), [("1", True), ("yes", True), ("", False), ("0", False), ("No", False)]
)
def test_new_run_by_the_environment(monkeypatch: pytest.MonkeyPatch, text: str, new: bool) -> None:
    """Said as flags are said everywhere."""
    monkeypatch.setenv("DURABLE_NB_NEW_RUN", text)

    assert new is ask().new_run


def test_a_new_run_that_is_resumed_is_none() -> None:
    """Refused before anything happens."""
    with pytest.raises(UsageError, match="say one of them"):
        ask(new_run=True, resume="r1")


@pytest.mark.parametrize("text", ["team", "=ops", " =x"])
def test_half_a_tag(text: str) -> None:
    """The message shows a whole one."""
    with pytest.raises(UsageError, match="team=ops"):
        read_tags([text])


def test_from_a_step_on() -> None:
    """All after it are executed, but none that must not be done twice, unless it is named."""
    assert ["clean", "show"] == forced_steps(ask(from_step="clean"), STEPS)
    assert ["load", "clean", "send", "show"] == forced_steps(
        ask(from_step="clean", force=["send", "load"]), STEPS
    )
    assert ["send"] == forced_steps(ask(force=["send"]), STEPS)
    assert [] == forced_steps(ask(), STEPS)
    with pytest.raises(UnknownStepError, match=r"--from claen: .* did you mean clean"):
        forced_steps(ask(from_step="claen"), STEPS)
    with pytest.raises(UnknownStepError, match="its steps are: load, clean"):
        forced_steps(ask(force=["zzz"]), STEPS)


def test_outputs_as_they_are_typed() -> None:
    """Values are JSON or else text; what is no output is refused."""
    assert {("a", "x"): [1, 2], ("b.c", "y"): "text=1"} == read_given(["a.x=[1, 2]", "b.c.y=text=1"])
    assert ("clean", "df") == read_output_name("clean.df")
    for wrong in ("df", ".df", "clean.", "clean.1x"):
        with pytest.raises(UsageError, match=r"STEP\.NAME"):
            read_output_name(wrong)
    with pytest.raises(UsageError, match=r"STEP\.NAME=VALUE"):
        read_given(["clean.df"])


BEFORE = ("import math", "%%step a\nx = 1", "%%step b --retries 1\ny = x", "!ls", "z = 1")


@pytest.mark.parametrize(
    ("after", "fix"),
    [
        (BEFORE, Fix()),
        (("import math  # yes", "# step: a\nx = 1  # why", *BEFORE[2:]), Fix()),
        (("import math", "%%step a\nx = 2", *BEFORE[2:]), Fix(changed=("a",))),
        (("import math", "%%step a --version 2\nx = 1", *BEFORE[2:]), Fix(changed=("a",))),
        (("import math", "%%step a\nx = 1", "%%step c\ny = x", *BEFORE[3:]), Fix(new=("c",), gone=("b",))),
        ((*BEFORE[:3], "!ls -l", "z = 2", "new = 3"), Fix(plain=3)),
        (BEFORE[:3], Fix()),
    ],
    ids=["same", "comments", "code", "option", "renamed", "plain", "fewer"],
)
def test_what_a_fix_touches(after: tuple[str, ...], fix: Fix) -> None:
    """Code and options that change a result count, comments and markers do not."""
    found = compare_notebooks(notebook(*BEFORE), notebook(*after))

    assert fix == found


def test_a_renamed_step_is_pointed_at() -> None:
    """It executes again, and says so."""
    assert ["new: c", "gone: b", "a step that was renamed executes again"] == Fix(
        new=("c",), gone=("b",)
    ).lines()
    assert ["the code is the same"] == Fix().lines()


def test_imports_of_all_cells() -> None:
    """Packages by their top-level names; markdown, commands and broken cells say nothing."""
    nb = notebook(
        "import a.b, c", "%%step s\nfrom d.e import f\n%matplotlib inline", "import (", "!pip install x"
    )
    nb.cells.append(new_markdown_cell("import nothing"))

    assert ["a", "c", "d"] == imported_packages(nb)


def test_git(tmp_path: Path) -> None:
    """The commit, and whether files differ from it; nothing outside of a repository, or before a commit."""

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=e", *words]
        return subprocess.check_output(command, cwd=tmp_path, text=True).strip()

    assert checkout_of(tmp_path) is None
    git("init", "-q")
    assert checkout_of(tmp_path) is None
    (tmp_path / "nb.ipynb").write_text("{}")
    git("add", ".")
    git("commit", "-qm", "first")
    (tmp_path / "notes").mkdir()
    clean = checkout_of(tmp_path / "notes")
    (tmp_path / "nb.ipynb").write_text("{ }")
    dirty = checkout_of(tmp_path)

    assert clean is not None
    assert dirty is not None
    assert (git("rev-parse", "HEAD"), False) == (clean.commit, clean.dirty)
    assert (clean.commit, True) == (dirty.commit, dirty.dirty)


def test_public_names_of_batch() -> None:
    """Each is there, and says what it is for."""
    assert [] == [name for name in durable_nb.batch.__all__ if not getattr(durable_nb.batch, name).__doc__]
    with pytest.raises(AttributeError, match="nothing"):
        _ = durable_nb.batch.nothing

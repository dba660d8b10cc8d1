"""A notebook is given its parameters: checked, put in their place, secrets kept out."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch.engine_reading import tagged
from durable_nb.batch.parameters import Origin, declared_parameters, effective, prepare, refuse_secret_path
from durable_nb.core.errors import UsageError
from durable_nb.core.parameters import NOT_LITERAL, Typed

PARAMS = '%%params\nday = "monday"\nalpha = 0.5\ntoken = ""\n'
TOKEN = "hunter2-hunter2"


def notebook(*cells: str | NotebookNode, language: str = "python") -> NotebookNode:
    made = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return new_notebook(
        cells=made, metadata={"kernelspec": {"name": "k", "display_name": "K", "language": language}}
    )


def cell(source: str, *tags: str) -> NotebookNode:
    return new_code_cell(source, metadata={"tags": list(tags)})


def sources(nb: NotebookNode) -> list[str]:
    return [one.source for one in nb.cells]


def test_values_stand_below_the_cell_that_declares_them() -> None:
    """Later cells see the values, and the notebook that was passed in is as it was."""
    nb = notebook("import os", PARAMS, "print(day)")

    found = prepare(nb, {"day": "friday", "alpha": Typed("1")})

    assert "# Parameters\nday = 'friday'\nalpha = 1.0" == found.notebook.cells[2].source
    assert ["injected-parameters"] == found.notebook.cells[2].metadata.tags
    assert ["import os", PARAMS, "print(day)"] == sources(nb)


def test_papermill_finds_the_cell_in_what_comes_out() -> None:
    """The cell gets papermill's tag, unless another one has it."""
    assert ["parameters"] == prepare(notebook(PARAMS), {}).notebook.cells[0].metadata.tags
    assert "tags" not in prepare(notebook(cell("a = 1", "parameters"), PARAMS), {}).notebook.cells[1].metadata


def test_papermills_cell_is_moved() -> None:
    """papermill puts values at the top of a notebook without its tag, where the defaults would win."""
    nb = notebook(cell("# Parameters\nalpha = 2.0", "injected-parameters"), "import os", PARAMS)

    found = prepare(nb, {"alpha": 2})

    assert ["import os", PARAMS, "# Parameters\nalpha = 2.0"] == sources(found.notebook)


def test_papermills_tag_declares() -> None:
    """A cell with papermill's tag needs no marker."""
    nb = notebook(cell("alpha = 0.5  # how much", "parameters"), "alpha")

    with pytest.raises(UsageError, match="alpha: expected float, got 'x'"):
        prepare(nb, {"alpha": "x"})
    assert ["how much"] == [parameter.help for parameter in declared_parameters(nb)]


@pytest.mark.parametrize(
    "value",
    [
        1,
        -2.5,
        float("inf"),
        float("nan"),
        True,
        None,
        "a\"\n'",
        [1, "b", None],
        {"a": [1.5]},
        {"b": {"c": ()}},
    ],
)
def test_values_come_out_of_their_code(value: Any) -> None:
    """What stands in the notebook makes the value that was given."""
    code = prepare(notebook("x = None"), {"x": value}).notebook.cells[0].source

    scope: dict[str, Any] = {}
    exec(compile(ast.parse(code), "cell", "exec"), scope)
    assert repr(value) == repr(scope["x"])


def test_secrets_stand_nowhere() -> None:
    """The notebook asks for a secret by its name; the record has a mask."""
    nb = notebook(PARAMS)
    nb.metadata["papermill"] = {"parameters": {"token": TOKEN, "day": TOKEN}, "version": "2"}

    found = prepare(nb, {"token": TOKEN, "day": "friday"})

    assert TOKEN not in str(found.notebook)
    assert (
        {"token": "[secret]", "day": "friday"} == found.record == found.notebook.metadata.papermill.parameters
    )
    assert TOKEN == found.values["token"] == found.secrets["token"]
    assert 'token = __import__("durable_nb").secret("token")' in found.notebook.cells[1].source


def test_a_value_that_holds_a_secret() -> None:
    """An address with a key in it is a secret as a whole."""
    found = prepare(notebook(PARAMS), {"token": TOKEN, "day": f"https://x.org/?k={TOKEN}"})

    assert {"token": "[secret]", "day": "[secret]"} == found.record
    assert TOKEN not in str(found.notebook)


def test_told_secrets() -> None:
    """Any parameter may be called a secret; a name that is none is refused."""
    found = prepare(notebook(PARAMS), {"day": "4711-4711"}, secrets=["day"])

    assert "[secret]" == found.record["day"]
    with pytest.raises(UsageError, match="--secret dya: the notebook declares no such parameter"):
        prepare(notebook(PARAMS), {}, secrets=["dya"])


def test_secrets_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line can be seen by others: a variable may hold a secret; what is given wins."""
    monkeypatch.setenv("DURABLE_NB_SECRET_TOKEN", "from-env")

    assert {"token": "from-env"} == prepare(notebook(PARAMS), {}).values
    assert {"token": TOKEN} == prepare(notebook(PARAMS), {"token": TOKEN}).values


def test_a_default_is_a_secret_too() -> None:
    """A secret that stands in the notebook itself is masked in all that is made of it."""
    found = prepare(notebook('%%params\ntoken = "written-down"'), {})

    assert "x [secret]" == found.secrets.mask("x written-down")


def test_a_record_gives_no_secret_back() -> None:
    """What a record holds in place of a secret is not taken for it."""
    with pytest.raises(UsageError, match=r"token holds a secret, which is not kept .* -p token VALUE"):
        prepare(notebook(PARAMS), {"token": "[secret]"})
    with pytest.raises(UsageError, match="token holds a secret"):
        prepare(notebook('%%params\ntoken = "[secret]"'), {})
    with pytest.raises(UsageError, match="url holds a secret"):
        prepare(notebook("url = 1"), {"url": "https://x.org/?k=[secret]"})


def test_a_path_holds_no_secret() -> None:
    """papermill fills parameters into paths; a secret is refused there, without being shown."""
    secrets = prepare(notebook(PARAMS), {"token": TOKEN}).secrets

    with pytest.raises(UsageError) as caught:
        refuse_secret_path(f"out/{TOKEN}.ipynb", secrets)

    assert "out/[secret].ipynb" in str(caught.value)


def test_other_languages_are_left_alone() -> None:
    """A notebook that is not in Python is papermill's, but for secrets, which it would write down."""
    nb = notebook(cell("x <- 1", "parameters"), language="R")

    assert prepare(nb, {"y": Typed("2")}).values == {"y": 2}
    with pytest.raises(UsageError, match="token: secret parameters need a notebook in Python"):
        prepare(nb, {"token": "abc"})


def test_what_wins() -> None:
    """Given with the command wins over edited for the run, that over the default."""
    declared = declared_parameters(notebook("%%params\na = 1\nb = 2\nc = 3\nd = f()"))

    found = effective(declared, {"b": 20, "c": 30}, {"c": 300})

    expected = [("a", 1, Origin.DEFAULT), ("b", 20, Origin.EDIT), ("c", 300, Origin.GIVEN)]
    assert [*expected, ("d", NOT_LITERAL, Origin.DEFAULT)] == [(o.name, o.value, o.origin) for o in found]


def test_edits_are_put_in() -> None:
    """An edit holds where the command says nothing."""
    found = prepare(notebook(PARAMS), {"day": "friday"}, edited={"day": "sunday", "alpha": 0.1})

    assert {"day": "friday", "alpha": 0.1} == found.values


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cells": [{"cell_type": "code"}]} %%params', "%%params"])
def test_reading_what_is_no_notebook(text: str) -> None:
    """papermill gets a damaged file as it is, and says what is wrong with it."""
    assert text == tagged(text)

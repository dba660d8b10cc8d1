"""The marker that makes a cell a step."""

import pytest

from durable_nb.core.cells import read_cell
from durable_nb.core.errors import OptionError, StepNameError


@pytest.mark.parametrize(
    "source",
    [
        "%%step clean\ndf = 1",
        "%%step clean --ttl 2d\ndf = 1",
        "# step: clean\ndf = 1",
        "#step: clean\ndf = 1",
        "\n# a comment\n\n%%step clean\ndf = 1",
        "# a comment\n# step: clean\ndf = 1",
        "%%step   clean  \r\ndf = 1",
    ],
)
def test_both_forms_name_the_step(source: str) -> None:
    """Comments and blank lines may stand above."""
    cell = read_cell(source)
    assert cell is not None
    assert cell.name == "clean"


@pytest.mark.parametrize(
    "source",
    ["x = 1", "x = 1\n%%step clean", "x = 1\n# step: clean", "%%steps", "%%stepwise a", "%%time\n1", ""],
)
def test_other_cells_are_plain(source: str) -> None:
    """A marker below code, or another magic, makes no step."""
    assert read_cell(source) is None


def test_the_body_keeps_its_line_numbers() -> None:
    """The marker line becomes a comment; nothing moves."""
    source = "# hi\n%%step clean --always\nx = 1\n"
    cell = read_cell(source)
    assert cell is not None
    assert cell.body == "# hi\n# step: clean --always\nx = 1\n"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("raw = load()\ndf = raw", "raw"),
        ("import os\nx: int = 1", "x"),
        ("def f(): ...", "f"),
        ("for row in rows: total = row", "row"),
        ("%matplotlib inline\n!ls\nx, y = 1, 2", "x"),
    ],
)
def test_a_step_without_a_name_takes_the_first_name_bound(body: str, name: str) -> None:
    """Imports do not count: half of all cells begin with one."""
    cell = read_cell(f"%%step\n{body}")
    assert cell is not None
    assert cell.name == name


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "%%step 2clean\nx=1",
            "found the step name '2clean', expected a Python identifier such as 'step_2clean'",
        ),
        ("%%step load-data\nx=1", "such as 'load_data'"),
        ("%%step\nprint(1)", "binds no variable"),
    ],
)
def test_a_bad_name_is_refused_with_a_good_one(source: str, message: str) -> None:
    """The message shows a name that would do."""
    with pytest.raises(StepNameError, match=message):
        read_cell(source)


def test_a_bad_option_names_its_marker() -> None:
    """With many steps in a notebook, the message says which."""
    with pytest.raises(OptionError, match=r"in '%%step clean --alway': unknown option --alway"):
        read_cell("%%step clean --alway\nx=1")

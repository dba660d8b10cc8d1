"""The name that is suggested for a cell that is to become a step."""

from __future__ import annotations

import builtins
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_nb.core.cells import read_cell
from durable_nb.core.step_names import suggest_step_name


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raw = load()\ndf = raw", "raw"),
        ("import os\ndef fit(): ...", "fit"),
        ("fig, ax = plt.subplots()", "fig"),
        ("list = [1]", "list_step"),
        ("pd.read_csv('data/sales 2025.csv').head()", "read_csv_sales_2025"),
        ("plt.savefig(r'C:\\out\\figure.png')", "savefig_figure"),
        ("send_mail(to)", "send_mail"),
        ("print(len(x))\nmodel.fit(X, y)", "fit"),
        ("!wget https://example.org", "wget"),
        ("%%bash\necho hello", "bash"),
        ("f()()", "f"),
        ("# only words", "step"),
        ("print(1)", "step"),
        ("", "step"),
        ("%%step a b --c\nraw = 1", "raw"),
        ("# step:\nraw = 1", "raw"),
        ("%%params\nday = 1", "day"),
    ],
)
def test_a_cell_is_called_after_what_it_binds_or_does(source: str, expected: str) -> None:
    """What ``%%step`` without a name takes comes first."""
    assert expected == suggest_step_name(source, ())


def test_a_name_that_is_taken_gets_a_number() -> None:
    """The first that is free."""
    assert suggest_step_name("raw = 1", {"raw", "raw_2"}) == "raw_3"


@given(st.text(), st.sets(st.sampled_from(["step", "raw", "raw_2", "x"])))
def test_any_text_gets_a_good_name(source: str, taken: set[str]) -> None:
    """Whatever stands in the cell: an identifier, free, and no word of Python's."""
    name = suggest_step_name(source, taken)

    assert name.isidentifier()
    assert name not in taken
    assert not keyword.iskeyword(name)
    assert not hasattr(builtins, name)


@given(st.from_regex(r"[a-z_][a-z0-9_]{1,20}", fullmatch=True))
def test_a_bound_name_is_the_name(bound: str) -> None:
    """The same as without a suggestion, unless Python has a use for it or it is all underscores."""
    if keyword.iskeyword(bound) or hasattr(builtins, bound) or not bound.strip("_"):
        return
    unnamed = read_cell(f"%%step\n{bound} = 1")

    assert unnamed is not None
    assert suggest_step_name(f"{bound} = 1", ()) == unnamed.name

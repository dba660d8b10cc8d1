"""What a cursor in a marker stands on, however little of the marker is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_nb.core.marker_cursor import Cursor, Expects, cursor_in_marker


def at(text: str) -> Cursor | None:
    """What stands at the place of ``|``."""
    return cursor_in_marker(text.replace("|", "", 1), text.index("|"))


@pytest.mark.parametrize(
    ("text", "expects", "typed", "option"),
    [
        ("%%step|", Expects.MAGIC, "", ""),
        ("%%st|ep clean", Expects.MAGIC, "", ""),
        ("# st|ep: clean", Expects.MAGIC, "", ""),
        ("%%step |", Expects.NAME, "", ""),
        ("%%step cl|ean --ttl 2d", Expects.NAME, "cl", ""),
        ("# step:|", Expects.NAME, "", ""),
        ("# why\n\n  # step: cl|\nx = 1", Expects.NAME, "cl", ""),
        ("%%step clean |", Expects.OPTION, "", ""),
        ("%%step clean -|", Expects.OPTION, "-", ""),
        ("%%step clean --tt|l 2d", Expects.OPTION, "--tt", "--ttl"),
        ("%%step --ttl|", Expects.OPTION, "--ttl", "--ttl"),
        ("%%step clean --always |", Expects.OPTION, "", ""),
        ("%%step clean --ttl 2d re|", Expects.OPTION, "re", ""),
        ("%%step clean --ttl |", Expects.VALUE, "", "--ttl"),
        ("%%step clean --ttl 2|d --always", Expects.VALUE, "2", "--ttl"),
        ("%%step clean --ttl=2|", Expects.VALUE, "2", "--ttl"),
        ("%%step clean --ttl --al|", Expects.OPTION, "--al", ""),
        ("%%step clean --ignore a,b|", Expects.VALUE, "b", "--ignore"),
        ("%%step clean --reads 'my da|", Expects.VALUE, "my da", "--reads"),
        ("%%step clean --always=|", Expects.NOTHING, "", "--always"),
        ("%%params |", Expects.NOTHING, "", ""),
        ("#params:|\nx = 1", Expects.NOTHING, "", ""),
    ],
)
def test_the_cursor_stands_on(text: str, expects: Expects, typed: str, option: str) -> None:
    """A name, an option, or a value of one; and what is typed of it ends at the cursor."""
    found = at(text)

    assert found is not None
    assert (expects, typed) == (found.expects, found.typed)
    assert option == (found.option.name if found.option is not None else "")
    if found.expects not in {Expects.MAGIC, Expects.NOTHING}:
        assert text[found.start :].startswith(f"{typed}|")


@pytest.mark.parametrize(
    "text",
    [
        "x = 1|",
        "%%step a\nx|",
        "# a |note\n%%step a",
        "%%steps |",
        "%%params|",
        "# note\n%%par|ams",
        "|\n%%step a",
    ],
)
def test_elsewhere_is_no_marker(text: str) -> None:
    """There IPython completes as it does without us."""
    assert at(text) is None


def test_what_else_stands_in_the_marker_is_known() -> None:
    """Options on both sides of the cursor, and the other names of its list."""
    found = at("%%step clean --retries 3 --ignore a, --env 'A' --ignore b,c,| --always\nx = 1")

    assert found is not None
    assert {"--retries", "--ignore", "--env", "--always"} == found.given
    assert {"b", "c"} == found.named


@given(st.sampled_from(["%%step", "# step:", "%%params", "# x\n%%step "]), st.text(), st.integers(0, 200))
def test_no_marker_is_too_unfinished(form: str, text: str, position: int) -> None:
    """Whatever is typed, and wherever the cursor is; also behind the end."""
    source = form + text
    found = cursor_in_marker(source, position)

    if found is not None and found.expects in {Expects.NAME, Expects.OPTION, Expects.VALUE}:
        assert source[found.start :].startswith(found.typed)
        assert found.start + len(found.typed) == min(position, len(source))

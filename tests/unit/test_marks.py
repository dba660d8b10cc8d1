"""What is wrong in a notebook is known before anything runs, and where it stands."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from durable_nb.core.cells import read_cell
from durable_nb.core.errors import UsageError
from durable_nb.core.marks import Mark, marks_of
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.core.parameter_reading import read_parameters


def cell(source: str, cell_id: str = "a", *, kind: str = "code", tags: tuple[str, ...] = ()) -> NotebookCell:
    return NotebookCell(kind, source, tags, cell_id)


def underlined(source: str, mark: Mark) -> str:
    """The text that a front end would underline: it counts UTF-16 code units."""
    line = source.splitlines()[mark.line].encode("utf-16-le")
    return line[2 * mark.start : 2 * mark.end].decode("utf-16-le")


@pytest.mark.parametrize(
    ("source", "word", "text"),
    [
        ("%%step clean --retires 3\nx = 1", "--retires", "unknown option --retires"),
        ("%%step clean --retires=3\nx = 1", "--retires", "unknown option --retires"),
        ("%%step clean --ttl\nx = 1", "--ttl", "option --ttl needs a value"),
        ("%%step clean --ttl --always\nx = 1", "--ttl", "option --ttl needs a value"),
        ("%%step clean --ttl soon\nx = 1", "soon", "option --ttl: found 'soon', expected a duration"),
        ("%%step clean --ttl=soon --always\nx = 1", "soon", "option --ttl: found 'soon'"),
        ('%%step clean --ttl="so on"\nx = 1', '"so on"', "option --ttl: found 'so on'"),
        ("%%step clean --ttl=\nx = 1", "--ttl=", "option --ttl: found ''"),
        ("%%step clean --always=yes\nx = 1", "yes", "option --always takes no value, found 'yes'"),
        ("%%step clean up --always\nx = 1", "up", "found 'up' after the step name"),
        ("%%step clean -r\nx = 1", "-r", "found '-r' after the step name"),
        ("%%step load-data\nx = 1", "load-data", "found the step name 'load-data', expected a Python ident"),
        ("%%step\nprint(1)", "%%step", "found no step name, and the cell binds no variable"),
        ("  # step:\nprint(1)", "# step:", "found no step name, and the cell binds no variable"),
        ("%%step clean --version 'a b\nx = 1", "'a b", "cannot read the step options"),
        ("# wörter 🚀\n\n#  step:  größe😀 --ttl 😀\nx = 1", "größe😀", "found the step name"),
        ("%%time\n# note\n  %%step clean\nx = 1", "%%step", "%%step must stand above %%time"),
        ("%%capture out\n%%params\nx = 1", "%%params", "%%params must stand above %%capture"),
        ("%%step clean --after nobody\nx = 1", "nobody", "step 'clean' is to run --after nobody"),
        ("%%step clean --after clean\nx = 1", "clean", "step 'clean' is to run --after clean"),
        ("%%params\nday: int = 'é' # when", "'é'", "day: expected int, got 'é'"),
        ("%%params\nday = 'é' # when; choices: a, b", "'é'", "day: expected one of a, b, got 'é'"),
        ("# params:\nday = 3 # é; range: low..", "range: low..", "parameter day: found '# range: low..'"),
        ("# params:\nday: int = 3 # choices: a; b", "choices: a", "day: expected int, got 'a'"),
        ("# params:\nday = 9 # range: 0..5", "9", "day: expected a number from 0 to 5, got 9"),
        ("%%params\nday: int = (\n  'a'\n)", "'a'", "day: expected int, got 'a'"),
    ],
)
def test_the_wrong_word_is_marked(source: str, word: str, text: str) -> None:
    """The word or value, in its line, with what was found and expected there."""
    mark = marks_of([cell(source)])[0]

    assert word == underlined(source, mark)
    assert text in mark.text


@pytest.mark.parametrize(
    "source",
    [
        "%%step clean --retries 3\nx = 1",
        "x = 1",
        "x = 1\n# step: a b",
        "%%step\nx = (1,",
        "%%step\nfiles = !ls",
        "%%on_failure\n# step: a b\nx = 1",
        "%%time\nx = 1",
        "%%params\nday = 3  # range: 0..5\n",
        "%%params\nday = = 3",
        "%%step clean --ignore a,b --reads 'x y/*.csv'\nx = 1",
        "",
    ],
)
def test_what_would_run_is_not_marked(source: str) -> None:
    """Neither is code that is being written: Python tells what is wrong with that."""
    assert marks_of([cell(source)]) == []


def test_every_wrong_word_of_a_marker_is_marked_in_its_order() -> None:
    """Each once: the value of an unknown option is no further mistake."""
    source = "%%step load-data --retires 3 --ttl soon stray\nx = 1"

    marks = marks_of([cell(source)])

    assert ["load-data", "--retires", "soon", "stray"] == [underlined(source, mark) for mark in marks]
    assert marks[1].next == "did you mean --retries?"


def test_a_mark_says_what_running_the_cell_would_say() -> None:
    """The error adds only which marker it is about."""
    source = "%%step clean --alway\nx = 1"
    (mark,) = marks_of([cell(source)])

    with pytest.raises(UsageError) as refused:
        read_cell(source)

    assert f"in '%%step clean --alway': {mark.text}; {mark.next}" == str(refused.value)


def test_two_cells_of_one_name_are_both_marked() -> None:
    """Each says where the other is; a step without a name has one too."""
    first, second = "# why\n%%step clean\nx = 1", "# step:\nclean = 1"

    marks = marks_of([cell("text", "t", kind="markdown"), cell(first, "a"), cell(second, "b")])

    assert [("a", 1, "clean"), ("b", 0, "# step:")] == [
        (mark.cell_id, mark.line, underlined(source, mark))
        for mark, source in zip(marks, (first, second), strict=True)
    ]
    assert "cell 3, which begins with '# step:'" in marks[0].text
    assert "cell 2, which begins with '# why'" in marks[1].text


def test_a_cell_that_is_left_out_takes_no_name() -> None:
    """Engines do not run it."""
    cells = [cell("%%step clean\nx = 1", tags=("skip-execution",)), cell("%%step clean\nx = 2", "b")]

    assert marks_of(cells) == []


@pytest.mark.parametrize("written", ["--after load,cleen", "--after=cleen", "--after load --after 'cleen'"])
def test_after_must_name_a_step_above(written: str) -> None:
    """The name alone is marked, and the nearest is suggested."""
    wrong = f"%%step report {written}\ny = 1"
    cells = [cell("%%step load\nx = 1"), cell("%%step clean --tll 3\nx = 1", "b"), cell(wrong, "c")]

    mark = marks_of(cells)[-1]

    assert ("c", "cleen", "did you mean clean?") == (mark.cell_id, underlined(wrong, mark), mark.next)


def test_after_must_not_name_a_step_below() -> None:
    """It could never have completed."""
    cells = [cell("%%step first --after last\nx = 1", "a"), cell("%%step last\ny = 1", "b")]

    (mark,) = marks_of(cells)

    assert ("a", "the steps above it: none") == (mark.cell_id, mark.next)


def test_only_the_first_tagged_cell_declares() -> None:
    """As for papermill."""
    wrong = "day: int = 'x'"
    cells = [cell(wrong, "a", tags=("parameters",)), cell(wrong, "b", tags=("parameters",))]

    assert [mark.cell_id for mark in marks_of(cells)] == ["a"]


def test_marks_are_json_with_the_names_that_front_ends_know() -> None:
    """Part of the wire between kernel and extension."""
    (mark,) = marks_of([cell("%%step a --alway\nx = 1", "id1")])

    assert mark.as_json() == {
        "cell": "id1",
        "line": 0,
        "start": 9,
        "end": 16,
        "text": "unknown option --alway",
        "next": "did you mean --always?",
    }


MARKERS = st.one_of(
    st.text(),
    st.text(alphabet=string.ascii_letters + " -='\"\\,😀ä\t"),
    st.lists(
        st.sampled_from(
            ["clean", "--ttl", "2d", "--always", "--always=1", "--after", "a,b", "'", "--", "=", '"']
        )
    ).map(" ".join),
)


@given(st.sampled_from(["%%step ", "# step:", "#step: ", "# hi\n\n  %%step\t"]), MARKERS)
@example("# step:", "a\x0cb --x")
@example("%%step ", "a\\")
@example("%%step ", '"')
def test_a_cell_is_marked_exactly_where_it_would_be_refused(form: str, text: str) -> None:
    """Whatever stands in the marker; and the mark is a piece of its line."""
    source = f"{form}{text.replace(chr(10), '').replace(chr(13), '')}\nx = 1"
    try:
        read_cell(source)
        refused = False
    except UsageError:
        refused = True

    marks = marks_of([cell(source)])

    assert refused == any("is to run --after" not in mark.text for mark in marks)
    lines = source.split("\n")
    for mark in marks:
        assert 0 <= mark.start < mark.end <= len(lines[mark.line].encode("utf-16-le", "surrogatepass")) // 2


@given(st.lists(st.tuples(st.sampled_from(["code", "markdown"]), st.text() | MARKERS.map("%%step ".__add__))))
@example([("code", "%%params\nx = 1\r# choices: a\n\x0c\ny: int = 'a' # range: ..")])
@example([("code", "%%params\n" + "(" * 300)])
@example([("code", "%%time\n" + " " * 5000 + "x")])
def test_no_notebook_is_too_strange(cells: list[tuple[str, str]]) -> None:
    """Marks are made while people type."""
    found = marks_of([cell(source, kind=kind) for kind, source in cells])

    assert all(mark.start <= mark.end for mark in found)


DECLARATIONS = st.lists(
    st.sampled_from(
        [
            "a = 1  # range: 0..",
            "b: int = 'x'",
            "c = 'ü' # choices: ä, ü",
            "d = 3 # help; range: x..y",
            "e: list[int] = [1, 'ü']",
            "f = 5 # range: 6..",
            "# a comment",
            "",
        ]
    )
)


@given(st.sampled_from(["%%params", "# params:", "# note\n%%params"]), DECLARATIONS)
def test_parameters_are_marked_exactly_where_a_run_would_refuse_them(form: str, lines: list[str]) -> None:
    """Each mark on the line of its declaration."""
    source = "\n".join([form, *lines])
    try:
        read_parameters(source)
        refused = False
    except UsageError:
        refused = True

    marks = marks_of([cell(source)])

    assert refused == bool(marks)
    for mark in marks:
        name = mark.text.removeprefix("parameter ").partition(":")[0]
        assert source.splitlines()[mark.line].startswith((f"{name} =", f"{name}:"))

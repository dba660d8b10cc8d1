"""What is told of a difference, and what is kept so that it can be told."""

from __future__ import annotations

import json

import pytest

from durable_nb.core.details import (
    EMPTY,
    LARGEST_DETAIL,
    LARGEST_TEXT,
    Detail,
    decode,
    encode,
    outline,
    without_repetition,
)
from durable_nb.core.differences import LONGEST_DIFF, of_code, of_dependencies
from durable_nb.core.model import Dependency, DependencyKind

VALUE, FUNCTION, MODULE, FILE, ENV = (
    DependencyKind(k) for k in ("value", "function", "module", "file", "env")
)


def dependency(kind: DependencyKind, name: str, summary: str = "", **detail) -> Dependency:
    return Dependency(kind, name, "", summary, encode(Detail(**detail)))


def frame(rows: int, **columns: str) -> Dependency:
    return dependency(VALUE, "df", f"DataFrame {rows:,} × {len(columns)}", rows=rows, columns=columns)


def test_a_table_says_its_rows_and_columns() -> None:
    """The example of the design, word for word."""
    was, now = frame(336776, delay="int64", dest="str"), frame(336770, delay="float64", dest="str")

    assert of_dependencies(was, now).text == "df: 336,776 → 336,770 rows, column delay int64 → float64"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (frame(3, a="int64", b="str"), "df changed"),
        (frame(4, a="int64", b="str"), "df: 3 → 4 rows"),
        (frame(3, a="int64", b="str", c="str"), "df: column c added"),
        (frame(3, a="int64"), "df: column b removed"),
        (frame(3, a="int64", z="str"), "df: column b renamed to z"),
        (frame(3, a="int64", z="bool"), "df: column b renamed to z str → bool"),
        (frame(3, b="str", a="int64"), "df: columns in another order"),
        (frame(3, a="int8", b="category"), "df: column a int64 → int8, column b str → category"),
        (dependency(VALUE, "df", "list of 3"), "df DataFrame 3 × 2 → list of 3"),
    ],
)
def test_how_a_table_differs(now: Dependency, expected: str) -> None:
    """Rows, columns, types, names and order are told; what cannot be told is not guessed."""
    assert of_dependencies(frame(3, a="int64", b="str"), now).text == expected


def test_many_changed_columns_are_counted() -> None:
    """A line stays a line."""
    was = frame(1, **{f"c{i}": "int64" for i in range(50)})
    now = frame(1, **{f"c{i}": "float64" for i in range(50)})

    assert of_dependencies(was, now).text.endswith("column c2 int64 → float64, 47 more")


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (
            Dependency(VALUE, "threshold", "", "0.4"),
            Dependency(VALUE, "threshold", "", "0.5"),
            "threshold 0.4 → 0.5",
        ),
        (Dependency(FILE, "a.csv", "1", "a.csv"), Dependency(FILE, "a.csv", "2", "a.csv"), "a.csv modified"),
        (
            Dependency(FILE, "a.csv", "1", "a.csv"),
            Dependency(FILE, "a.csv", "2", "a.csv missing"),
            "a.csv is missing",
        ),
        (Dependency(ENV, "HOME", "1"), Dependency(ENV, "HOME", "2"), "$HOME changed"),
        (
            Dependency(MODULE, "pandas", "1", "pandas 3.1.1"),
            Dependency(MODULE, "pandas", "2", "pandas 3.2.0"),
            "pandas 3.1.1 → 3.2.0",
        ),
        (
            dependency(VALUE, "config", "dict of 2", values={"alpha": "0.1", "beta": "1"}),
            dependency(VALUE, "config", "dict of 2", values={"alpha": "0.2", "beta": "1"}),
            "config: alpha 0.1 → 0.2",
        ),
        (
            dependency(
                FUNCTION, "f", "function f", sources={"f": "def f(k=1): ..."}, values={"default k": "1"}
            ),
            dependency(
                FUNCTION, "f", "function f", sources={"f": "def f(k=1): ..."}, values={"default k": "2"}
            ),
            "f: default k 1 → 2",
        ),
    ],
)
def test_how_a_dependency_differs(was: Dependency, now: Dependency, expected: str) -> None:
    """One line that names the thing and the difference."""
    assert of_dependencies(was, now).text == expected


def test_a_changed_helper_says_which_line_and_shows_it() -> None:
    """The file, the line, and a unified diff around it."""
    text = "import os\n\n\ndef f(x):\n    return x + 1\n\n\ndef g():\n    pass\n"
    was = dependency(MODULE, "helpers", "helpers.py", sources={"helpers.py": text, "deeper.py": "k = 1\n"})
    now = dependency(
        MODULE,
        "helpers",
        "helpers.py",
        sources={"helpers.py": text.replace("+ 1", "+ 2"), "deeper.py": "k = 1\n"},
    )

    found = of_dependencies(was, now)

    assert found.text == "helpers.py line 5 changed"
    assert found.lines[:2] == ("helpers.py", "@@ -3,5 +3,5 @@")
    assert "-    return x + 1" in found.lines
    assert "+    return x + 2" in found.lines
    assert "deeper.py" not in found.lines


def test_an_edited_cell_is_shown_as_a_diff() -> None:
    """Only the changed lines, and a few around them."""
    source = "\n".join(f"x{i} = {i}" for i in range(40))

    found = of_code(source, source.replace("x20 = 20", "x20 = 21"))

    assert found.text == "code changed"
    assert found.lines == (
        "@@ -19,5 +19,5 @@", " x18 = 18", " x19 = 19", "-x20 = 20", "+x20 = 21", " x21 = 21", " x22 = 22",
    )  # fmt: skip


def test_a_long_diff_is_cut_and_counted() -> None:
    """A rewritten cell does not fill the screen."""
    was, now = ("\n".join(f"{name}{i} = {i}" for i in range(500)) for name in "ab")

    found = of_code(was, now)

    assert len(found.lines) == LONGEST_DIFF + 1
    assert found.lines[-1] == "… 921 more lines"


def test_a_long_source_is_kept_as_an_outline() -> None:
    """A big module is no big trace; which function changed is told all the same."""
    text = "\n".join(f"def f{i}(x):\n    return x + {i}\n" for i in range(1200))
    was = dependency(MODULE, "big", "big.py", sources={"big.py": text})
    now = dependency(MODULE, "big", "big.py", sources={"big.py": text.replace("x + 7\n", "x - 7\n")})

    assert len(text) > LARGEST_TEXT
    assert decode(was.detail).sources == {}
    assert of_dependencies(was, now).text == "big.py changed in f7"


def test_no_detail_is_larger_than_allowed() -> None:
    """Whatever is described, a trace stays small."""
    big = Detail(
        values={f"key{i}": "v" * 60 for i in range(100_000)},
        sources={"a.py": "x = 1\n" * 5000, "b.py": "y = '" + "é" * 30_000},
    )

    assert 0 < len(encode(big)) <= LARGEST_DETAIL


def test_an_outline_does_not_count_comments() -> None:
    """It changes where the code does."""
    text = "import os\nclass A:\n    k = 1\n    def m(self): return 1\ndef f(): return 2\n"
    changed = text.replace("return 1", "return 9  # why")

    different = {name for name, found in outline(text).items() if outline(changed)[name] != found}

    assert outline(text) == outline(text.replace("def f(): return 2", "# new\ndef f():\n    return 2"))
    assert different == {"A.m"}


def test_one_text_is_kept_once_in_a_trace() -> None:
    """Ten functions of one file do not keep ten copies of it, and each still tells what changed."""
    text = "def f(): return 1\ndef g(): return 2\n"
    both = [dependency(FUNCTION, name, f"function {name}", sources={"h.py": text}) for name in "fg"]
    now = dependency(FUNCTION, "g", "function g", sources={"h.py": text.replace("return 2", "return 3")})

    first, second = without_repetition(both)

    assert decode(first.detail).sources == {"h.py": text}
    assert decode(second.detail).sources == {}
    assert of_dependencies(second, now).text == "g: h.py changed in g"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"rows": "3", "columns": 4, "sources": {"a": 1}}', '{"new": {}}', "\x00"]
)
def test_a_detail_of_another_version_says_nothing(text: str) -> None:
    """An explanation is never worth an error."""
    assert decode(text) == EMPTY


def test_a_detail_comes_back_as_it_was() -> None:
    """Also with text that is no UTF-8."""
    detail = Detail(
        rows=3,
        columns={"ä\ud800": "int64"},
        values={"k": "1"},
        sources={"f": "def f(): ..."},
        outlines={"g": {"x": "1"}},
    )

    assert decode(json.loads(json.dumps(encode(detail)))) == detail

"""Tab and Shift-Tab in the marker of a step, as a front end asks a real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import Kernel
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.core.option_help import OPTION_HELP

SECRET = "s3cret-value"
NOTEBOOK = [
    "%load_ext durable_nb",
    "%%step load\nraw = [1, 2]",
    "# step: clean\ndf = raw",
    "# a note\n\n%%step publish --retries 1 --after cl\nsent = df",
    "%%step last\nx = 1",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel with a notebook of which some steps have run; no test changes it."""
    folder = tmp_path_factory.mktemp("completing")
    path = folder / "nb.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in NOTEBOOK]), path)
    (folder / "data").mkdir()
    (folder / "data" / "sales 1.csv").write_text("a")
    kernel = Kernel(folder)
    kernel.environment = {"DURABLE_TEST_TOKEN": SECRET, "JPY_SESSION_NAME": str(path)}
    kernel.start()
    kernel.run("import json\nclass Flaky(Exception): pass\nconn = object()\n_hidden = 1")
    for source in NOTEBOOK[1:3]:
        assert not kernel.run(source).error
    yield kernel
    kernel.stop(now=True)


def at(text: str) -> tuple[str, int]:
    """The code and the place of the cursor, which ``|`` stands for."""
    return text.replace("|", "", 1), text.index("|")


def offered(kernel: Kernel, text: str) -> list[str]:
    return list(kernel.completion(*at(text))["matches"])


@pytest.mark.parametrize(
    "text",
    [
        "%%step clean --re|",
        "# step: clean --re|",
        "# why\n\n%%step clean --re|\nraw = 1",
        "%%step --re|\nx = 1",
    ],
)
def test_options_complete_in_every_form_of_a_marker(shared: Kernel, text: str) -> None:
    """Only options that begin like that, in place of what is typed: other completers have no say."""
    code, cursor = at(text)

    reply = shared.completion(code, cursor)

    assert ["--retries", "--retry-on", "--reads"] == reply["matches"]
    assert ("--re", cursor) == (code[reply["cursor_start"] : reply["cursor_end"]], reply["cursor_end"])


def test_each_candidate_has_a_kind_and_says_what_it_is_for(shared: Kernel) -> None:
    """Front ends show both."""
    reply = shared.completion("%%step clean --timeo")

    (found,) = reply["metadata"]["_jupyter_types_experimental"]
    assert ("--timeout", "option") == (found["text"], found["type"])
    assert found["signature"] == "--timeout DURATION: " + OPTION_HELP["--timeout"].text


def test_an_option_that_is_given_is_not_offered_again(shared: Kernel) -> None:
    """Unless more of it may be given."""
    found = offered(shared, "%%step clean --retries 3 --env A --| --timeout 1m\nx = 1")

    assert {"--retries", "--timeout"}.isdisjoint(found)
    assert {"--env", "--always"} <= set(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%%step new --after |", ["load", "clean", "publish", "last"]),
        (NOTEBOOK[3].replace("cl\n", "cl|\n"), ["clean"]),
        (NOTEBOOK[3].replace("cl\n", "cl,|\n"), ["load", "clean", "last"]),
        ("%%step new --after=load,|", ["clean", "publish", "last"]),
        ("%%step new --after load,la|", ["last"]),
        ("%%step new --timeout |", ["30s", "10m", "1h", "6h"]),
        ("%%step new --ttl 3|", ["3s", "3m", "3h", "3d"]),
        ("%%step new --retry-on Fl|", ["Flaky", "FloatingPointError"]),
        ("%%step new --retry-on Flaky,json.|", ["json.JSONDecodeError"]),
        ("%%step new --env DURABLE_TEST_|", ["DURABLE_TEST_TOKEN"]),
        ("%%step new --reads |", ["data/", "nb.ipynb"]),
        ("%%step new --reads data/|", ["'data/sales 1.csv'"]),
        ("%%step new --writes 'data/s|", ["data/sales 1.csv"]),
        ("%%step new --ignore co|\nconn.close()\ncount = 1", ["conn", "count"]),
        ("%%step new --ignore conn,_|", []),
        ("%%step new --version |", []),
        ("%%step new --always=|", []),
        ("%%params |\nx = 1", []),
        ("# params: co|\nx = 1", []),
    ],
)
def test_values_complete_where_they_are_known(shared: Kernel, text: str, expected: list[str]) -> None:
    """What is not known is not guessed: neither names nor files stand there."""
    found = offered(shared, text)

    assert expected == [text for text in found if text != ".durable/"]


def test_environment_variables_are_offered_without_their_values(shared: Kernel) -> None:
    """A value may be a secret."""
    assert SECRET not in str(shared.completion("%%step new --env DURABLE"))


def test_a_step_is_offered_its_names(shared: Kernel) -> None:
    """A name for what the cell does, the steps that are known, then options; and what is typed narrows it."""
    found = offered(shared, "%%step |\ntotal = sum(df)")

    assert ["total", "load", "clean", "publish", "last", "--retries"] == found[:6]
    assert offered(shared, "%%step cl|\ntotal = sum(df)") == ["clean"]


def test_the_magic_itself_completes_as_ipython_does(shared: Kernel) -> None:
    """The line up to ``%%step`` is IPython's."""
    assert "%%step" in offered(shared, "%%st|")
    assert offered(shared, "%%step|") == ["%%step"]
    assert "%%params" in offered(shared, "# note\n%%par|")


def test_below_the_marker_everything_is_as_in_any_cell(shared: Kernel) -> None:
    """The hooks are for the marker alone."""
    assert "conn" in offered(shared, "%%step new\nx = con|")
    assert any(name.endswith("dumps") for name in offered(shared, "# step: new\njson.dum|"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%steps wh|", ["why"]),
        ("x = 1\n%steps why |", ["load", "clean", "publish", "last", "--json"]),
        ("%steps why cl|", ["clean"]),
        ("%steps why clean --|", ["--json"]),
        ("%steps auto |", ["on", "off"]),
        ("%steps plan |", ["--json"]),
    ],
)
def test_subcommands_and_their_steps_complete(shared: Kernel, text: str, expected: list[str]) -> None:
    """``%steps`` knows what it takes."""
    assert expected == offered(shared, text)


@pytest.mark.parametrize(
    "text",
    [
        "%%step clean --ret|ries 3\nx = 1",
        "%%step clean --retries 3|\nx = 1",
        "# step: clean --always --retries| 3\nx = 1",
        "# why\n%%step clean --retries=|3",
    ],
)
def test_a_tooltip_tells_what_an_option_is_for(shared: Kernel, text: str) -> None:
    """On the option and on its value, as plain text and as HTML."""
    found = shared.tooltip(*at(text))

    assert OPTION_HELP["--retries"].as_text() == found["text/plain"]
    assert "<b>--retries</b> N" in found["text/html"]


def test_a_cursor_behind_the_code_stands_at_its_end(shared: Kernel) -> None:
    """JupyterLab asks so about each of its candidates."""
    code = "%%step clean --retries"

    assert OPTION_HELP["--retries"].as_text() == shared.tooltip(code, len(code) + 9)["text/plain"]


def test_the_marker_itself_explains_all_options(shared: Kernel) -> None:
    """It is the help of the magic."""
    found = shared.tooltip(*at("%%st|ep clean\nx = 1"))["text/plain"]

    assert all(f"{option.form}\n" in found for option in OPTION_HELP.values())


def test_elsewhere_tooltips_are_of_variables(shared: Kernel) -> None:
    """A word of the code is what it is in any cell."""
    assert "Flaky" in shared.tooltip("%%step new\nraise Flaky")["text/plain"]
    assert shared.tooltip("x = no_such_name") == {}


def test_unloading_takes_all_of_it_away(kernel: Kernel) -> None:
    """The shell completes and explains as it did without the extension, and again after loading."""
    kernel.start(extension=False)
    before = (kernel.complete("%%step clean --re"), kernel.tooltip("%%step clean --retries"))
    kernel.run("%load_ext durable_nb")
    loaded = kernel.complete("%%step clean --re")
    kernel.run("%unload_ext durable_nb")

    after = (kernel.complete("%%step clean --re"), kernel.tooltip("%%step clean --retries"))

    assert before == after
    assert "--retries" in loaded
    kernel.run("%load_ext durable_nb")
    assert kernel.complete("%%step clean --re") == loaded


def test_those_who_ask_in_the_older_way_get_the_same(shared: Kernel) -> None:
    """IPython's own ``complete``, line by line."""
    asked = "get_ipython().complete('', '%%step clean --retr', 19)"

    assert shared.evaluate(asked) == "('--retr', ['--retries', '--retry-on'])"


def test_a_store_that_cannot_be_read_keeps_nothing_from_completing(kernel: Kernel, tmp_path: Path) -> None:
    """Tab is no place for that error; options are known all the same."""
    kernel.start()
    (tmp_path / ".durable").write_text("no folder")

    found: dict[str, Any] = kernel.completion("%%step ")

    assert "--retries" in found["matches"]

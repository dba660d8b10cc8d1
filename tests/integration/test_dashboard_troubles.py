"""Whatever is the matter with a store or a notebook: the panel says it, says what to do, and stays usable."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from panel_seen import Seen, runs_of, write

from durable_nb.batch import edited_parameters, set_parameter
from durable_nb.core.errors import DurableWarning, StoreAccessError
from durable_nb.dashboard.opening import find_place
from durable_nb.dashboard.panel import Panel
from durable_nb.store.store import open_store

PARAMS = "%%params\nday = 3  # of the month"
LOAD = "%%step load\nrows = list(range(day))"
ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("detail", {"step": "load"}),
    ("preview", {"step": "load", "output": "rows"}),
    ("foretell", {"do": "invalidate", "step": "load", "args": {}}),
    ("act", {"do": "invalidate", "step": "load", "args": {}}),
    ("check_parameters", {"values": {"day": "5"}}),
    ("apply_parameters", {"values": {"day": "5"}, "run": False}),
    ("runs", {"query": {}}),
    ("run", {"run_id": "run-0001"}),
    ("compare", {"left": "run-0000", "right": "run-0001"}),
    ("foretell_resume", {"run_ids": ["run-0000"], "parameters": {}, "notebook": ""}),
    ("refresh", {}),
)
"""All that a person asks for, with good arguments."""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook beside a store with three runs."""
    with closing(open_store(tmp_path / ".durable")) as store:
        runs_of(3, store)
    return write(tmp_path / "nb.ipynb", PARAMS, LOAD)


def answers(seen: Seen) -> dict[str, Any]:
    """What each question is answered with: a result, or what is the matter in words that are no bug's."""
    found = {method: seen.panel.ask(method, arguments) for method, arguments in ASKED}
    texts = json.dumps([found, seen.views["panel"]])
    assert "error of its own" not in texts, texts
    return {method: answer.get("ok", answer.get("problem")) for method, answer in found.items()}


def problem(seen: Seen) -> str:
    shown = seen.views["panel"]["problem"]
    return f"{shown['text']} {shown['next']}" if shown else ""


def test_a_damaged_ledger_is_made_anew(notebook: Path, see: Callable[..., Seen]) -> None:
    """What only it knew is lost, and that is said; steps and parameters are there."""
    ledger = notebook.parent / ".durable" / "ledger.duckdb"
    ledger.write_bytes(b"no database" * 1000)

    with pytest.warns(DurableWarning, match="Kept for you to look at"):
        seen = see(notebook.parent / ".durable", notebook)

    found = answers(seen)
    assert (["load"], "") == ([row["step"] for row in seen.views["steps"]["rows"]], problem(seen))
    assert "has no run 'run-0001'" in found["run"]["text"]


def test_a_store_on_a_read_only_disk_is_shown(tmp_path: Path, see: Callable[..., Seen]) -> None:
    """What can be read is; what would have to be written is refused with the reason; nothing is changed."""
    with disk(tmp_path / "disk") as folder:
        with closing(open_store(folder / ".durable")) as store:
            runs_of(3, store)
        file = write(folder / "nb.ipynb", PARAMS, LOAD)
        mount("-o", "remount,ro", str(folder))

        seen = see(folder / ".durable", file)
        found = answers(seen)
        resumed = seen.problem("resume", run_ids=["run-0000"], parameters={}, notebook=str(file))
        seen.panel.close()

        assert 3 == len(seen.views["runs"]["rows"])
        assert "Read-only" in found["apply_parameters"]["text"]
        assert "DURABLE_NB_STORE" in found["apply_parameters"]["next"]
        assert "Read-only" in resumed["text"]
        assert "3" == seen.views["parameters"]["cells"][0]["value"]


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=32M", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(*arguments: str) -> None:
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"NOT TESTED: no mount here ({result.stderr.strip()}); run the tests as root to have it")


def test_files_in_place_of_folders_are_told(tmp_path: Path, see: Callable[..., Seen]) -> None:
    """The one that is in the way is named; a file where the store should be opens no panel at all."""
    (tmp_path / ".durable").mkdir()
    (tmp_path / ".durable" / "traces").write_text("")
    seen = see(tmp_path / ".durable", write(tmp_path / "nb.ipynb", PARAMS, LOAD))

    assert "traces: Not a directory" in problem(seen)
    assert "traces: Not a directory" in answers(seen)["runs"]["text"]
    with pytest.raises(StoreAccessError, match="is a file; a folder was expected"):
        see(tmp_path / "nb.ipynb")


def test_a_notebook_that_goes_away_and_comes_back(notebook: Path, see: Callable[..., Seen]) -> None:
    """The runs stay; what to do is said; the steps are there again as soon as the file is."""
    seen = see(notebook.parent / ".durable", notebook)
    kept = notebook.read_text()

    notebook.unlink()
    seen.until(lambda: "is not there" in problem(seen))
    seen.until(lambda: seen.views["steps"]["rows"] == [])
    found = answers(seen)
    notebook.write_text(kept)

    seen.until(lambda: [row["step"] for row in seen.views["steps"]["rows"]] == ["load"])
    seen.until(lambda: problem(seen) == "")
    assert (3, "there is no step 'load' here any more") == (found["runs"]["total"], found["detail"]["text"])


def test_a_notebook_that_goes_away_while_the_panel_opens(notebook: Path) -> None:
    """What was read of it then is not taken for its present."""
    is_empty = threading.Event()

    def show(name: str, content: Any) -> None:
        notebook.unlink(missing_ok=True)
        if name == "steps" and content["rows"] == []:
            is_empty.set()

    with closing(Panel(find_place(notebook.parent / ".durable", str(notebook)))) as panel:
        panel.open(show)

        assert is_empty.wait(120)


@pytest.mark.parametrize(
    "text",
    ["", "no json {", "[1]", '{"cells": [null], "nbformat": 4}', '{"nbformat": 4, "metadata": {}}'],
)
def test_a_file_that_is_no_notebook_is_told(notebook: Path, see: Callable[..., Seen], text: str) -> None:
    """Its runs are shown all the same."""
    notebook.write_text(text)
    seen = see(notebook.parent / ".durable", notebook)

    assert f"{notebook} cannot be read as a notebook" in problem(seen)
    assert 3 == answers(seen)["runs"]["total"]


@pytest.mark.parametrize(
    ("cells", "told", "steps"),
    [
        (("x = 1",), "", 0),
        (("%%step load --nope\nx = 1",), "unknown option --nope", 0),
        (("%%params\nday = 3  # range: x..y", LOAD), "found '# range: x..y' in its comment", 1),
        (("%%step load\nx = (",), "", 1),
    ],
)
def test_cells_that_cannot_be_understood_are_told(
    notebook: Path, see: Callable[..., Seen], cells: tuple[str, ...], told: str, steps: int
) -> None:
    """A notebook without steps, a wrong marker, a wrong declaration, a cell that is no Python."""
    write(notebook, *cells)
    seen = see(notebook.parent / ".durable", notebook)

    assert told in problem(seen) if told else not problem(seen)
    assert (3, steps) == (answers(seen)["runs"]["total"], len(seen.views["steps"]["rows"]))


def test_a_value_that_runs_would_refuse_is_told(notebook: Path, see: Callable[..., Seen]) -> None:
    """It was set before the notebook changed: how to take it back is said."""
    with closing(open_store(notebook.parent / ".durable")) as store:
        set_parameter(store, notebook, "day", 5)
    write(notebook, "%%params\nnight = 3", LOAD)

    seen = see(notebook.parent / ".durable", notebook)

    assert "so that they are refused: day = 5, set by" in problem(seen)
    assert "unset_parameter" in problem(seen)
    assert ["night"] == [cell["name"] for cell in seen.views["parameters"]["cells"]]


@pytest.mark.filterwarnings("ignore::durable_nb.core.errors.DurableWarning")
def test_a_value_that_cannot_be_read_is_told(notebook: Path, see: Callable[..., Seen]) -> None:
    """Nobody knows which value was meant: the file is named, and no other value is put in its place."""
    with closing(open_store(notebook.parent / ".durable")) as store:
        set_parameter(store, notebook, "day", 5)
    (kept,) = (notebook.parent / ".durable" / "overrides").rglob("*.json")
    kept.write_text("{")

    seen = see(notebook.parent / ".durable", notebook)
    refused = answers(seen)["apply_parameters"]["text"]
    kept.unlink()
    seen.ok("apply_parameters", values={"day": "5"}, run=False)

    assert kept.name in refused
    assert "Remove that file, then put the value in again" in refused
    with closing(open_store(notebook.parent / ".durable")) as store:
        assert 5 == edited_parameters(store, notebook)["day"].value


def test_a_locked_ledger_keeps_nobody_from_deciding(notebook: Path, see: Callable[..., Seen]) -> None:
    """What a person decides is in files, and holds at once; the ledger learns of it when it is free."""
    seen = see(notebook.parent / ".durable", notebook)
    ledger = notebook.parent / ".durable" / "ledger.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        found = answers(seen)
        shown, field = seen.views["panel"]["problem"], seen.views["parameters"]["cells"][0]

    assert found["apply_parameters"]["text"].startswith("day = 5 in runs of this notebook")
    assert ("5", "edit") == (field["value"], field["from"])
    assert ("warning", "warning") == (shown["kind"], found["runs"]["kind"])
    assert "tries again by itself" in shown["next"]
    seen.until(lambda: seen.views["panel"]["problem"] is None)
    rows = seen.panel.place.store.ledger.rows("select override from overrides")
    assert [{"override": "parameter"}] == rows


def test_without_its_libraries_the_extra_is_named(notebook: Path) -> None:
    """The command and the function say what to install, and what there is without it; nothing is started."""
    folder = notebook.parent
    command = "runpy.run_module('durable_nb.cli', run_name='__main__')"
    told = [
        subprocess.run(
            [sys.executable, "-c", _WITHOUT + work, "dashboard", str(folder / ".durable"), "--no-browser"],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        for work in (command, "import durable_nb; durable_nb.dashboard()")
    ]

    assert 0 not in [done.returncode for done in told]
    assert all('pip install "durable_nb[dashboard]"' in done.stderr for done in told), told
    assert "needs anywidget and voila, not installed here" in " ".join(told[0].stderr.split())
    assert "Traceback" not in told[0].stderr


_WITHOUT = """
import runpy, sys
from importlib.machinery import PathFinder

class Without:
    @staticmethod
    def find_spec(name, path=None, target=None):
        gone = name.partition(".")[0] in {"anywidget", "voila"}
        return None if gone else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""
_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("update meta set created_by = 'held'")
print("held", flush=True)
sys.stdin.readline()
"""

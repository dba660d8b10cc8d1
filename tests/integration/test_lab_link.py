"""The kernel and the JupyterLab extension: what pages are told and ask, and what is on their screens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from lab_front import Page
from lab_kernels import Start, kernels_of
from panel_seen import write

SECRET = "hush-hush-4711"
LOAD_EXT = "%load_ext durable_nb"
PARAMS = f'%%params\nlimit = 3\napi_key = "{SECRET}"\n'
FACTOR = "factor = 2"
LOAD = "%%step load\nrows = list(range(limit))"
SCALE = "%%step scale\nscaled = [row * factor for row in rows]"
TOTAL = "%%step total\ntotal = sum(scaled)"
HELD = """%%step held --always
import pathlib, time
print('held')
while not pathlib.Path('go').exists():
    time.sleep(0.05)"""
CELLS = [LOAD_EXT, PARAMS, FACTOR, LOAD, SCALE, TOTAL]
VIEWS = ["jobs", "panel", "parameters", "runs", "steps"]
ON_SCREEN = "of the notebook as it is on the screen"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lab")
    write(made / "nb.ipynb", *CELLS)
    return made


@pytest.fixture(scope="module")
def start(folder: Path, user_key: Path) -> Iterator[Start]:
    """Starts kernels of the notebook."""
    with kernels_of(folder / "nb.ipynb", user_key) as start:
        yield start


@pytest.fixture(scope="module")
def manager(start: Start) -> KernelManager:
    """A kernel in which the notebook has run."""
    manager = start()
    page = Page(manager)
    for number, source in enumerate(CELLS):
        page.run(source, f"c{number}")
    page.close()
    return manager


@pytest.fixture
def front(manager: KernelManager) -> Iterator[Page]:
    """A page that has said hello, and shows the notebook as it is saved."""
    made = Page(manager)
    made.hello()
    made.show(*CELLS)
    made.until(lambda: made.row("total").get("cell") == "c5" and made.row("total")["stale"] is False)
    yield made
    made.leave()
    made.close()


@pytest.fixture
def held(folder: Path, front: Page) -> Iterator[Callable[[], None]]:
    """A step that runs until it is let go."""
    request = front.send(HELD, "c9")
    front.until(lambda: front.shown.get(request) == "held\n")

    def let_go() -> None:
        (folder / "go").touch()
        front.until(lambda: request in front.ended)

    yield let_go
    let_go()
    (folder / "go").unlink()


def states(front: Page) -> dict[str, Any]:
    return {row["step"]: row["stale"] for row in front.views["steps"]["rows"]}


def test_pages_find_a_kernel_that_has_loaded_durable_nb(start: Start) -> None:
    """It says so, and is found later; nothing that only pages need is loaded before one comes."""
    page = Page(start())
    before = page.comms()
    page.run(LOAD_EXT)
    told, found = page.last("loaded"), page.comms()
    needed = "[m for m in ('durable_nb.dashboard.panel', 'papermill', 'duckdb') if m in sys.modules]"
    loaded = page.run(f"import sys\nprint({needed})")
    page.listen()
    asking = page.comm
    page.run("%unload_ext durable_nb")
    gone = page.hears("unloaded")
    after = page.comms()
    page.run(LOAD_EXT)
    again = page.last("loaded")
    page.close()

    assert ({}, {"durable_nb": {"target_name": "durable_nb"}}, {}) == (before, found, after)
    assert ("0.1.0", "[]\n", [asking]) == (told["version"], loaded, page.closed)
    assert told["session"] == gone["session"] != again["session"]


def test_a_session_of_its_own_after_a_restart(start: Start) -> None:
    """A page that hears another session knows that all it was told is of a kernel that is gone."""
    manager = start()
    page = Page(manager)
    page.run(LOAD_EXT)
    first = page.hello()["session"]
    page.close()
    manager.restart_kernel(now=True)
    page = Page(manager)
    page.run(LOAD_EXT)
    second = page.hello()["session"]
    page.close()

    assert first != second


def test_hello_is_answered_by_all_views(front: Page) -> None:
    """Whoever comes gets all views, all of the same session; no message holds a secret."""
    heard = [told for told in front.heard if told["type"] == "view"]

    assert VIEWS == sorted({told["name"] for told in heard})
    assert 1 == len({told["session"] for told in front.heard})
    assert ["load", "scale", "total"] == [row["step"] for row in front.views["steps"]["rows"]]
    assert SECRET not in json.dumps(front.heard)


def test_steps_have_the_ids_of_their_cells(front: Page) -> None:
    """By them a page knows where the badge of a step belongs."""
    assert {"load": "c3", "scale": "c4", "total": "c5"} == {
        row["step"]: row["cell"] for row in front.views["steps"]["rows"]
    }


def test_an_edit_above_makes_stale_what_is_below(front: Page, folder: Path) -> None:
    """The plan is of what is on the screen, though the file has something else, and nothing has run."""
    front.show(*CELLS[:2], "factor = 3", *CELLS[3:])
    front.until(lambda: front.row("scale")["stale"] is True)
    edited = states(front), front.row("scale")["waits"], front.views["steps"]["note"]
    front.show(*CELLS)
    front.until(lambda: front.row("scale")["stale"] is False)

    assert ({"load": False, "scale": True, "total": None}, "factor 2 → 3", ON_SCREEN) == edited
    assert "factor = 3" not in (folder / "nb.ipynb").read_text(encoding="utf-8")


def test_a_new_cell_is_a_step_before_anything_is_saved(front: Page) -> None:
    """It stands where it is on the screen; removed, it is no more."""
    front.show(*CELLS[:4], "%%step count\ncount = len(rows)", *CELLS[4:])
    front.until(lambda: front.row("count"))
    names = [row["step"] for row in front.views["steps"]["rows"]]
    front.show(*CELLS)
    front.until(lambda: not front.row("count"))

    assert ["load", "count", "scale", "total"] == names


def test_a_renamed_step_is_not_shown_under_its_old_name(front: Page) -> None:
    """It ran in this kernel, but the notebook has it no more."""
    front.show(*CELLS[:5], TOTAL.replace("step total", "step whole"))
    front.until(lambda: front.row("whole"))

    assert {} == front.row("total")


def test_a_half_typed_marker_harms_nobody_else(front: Page) -> None:
    """What is wrong with it is told, where it stands; the plan of the others is as it was."""
    front.show(*CELLS[:5], TOTAL.replace("step total", "step total --ret"))
    front.until(lambda: front.views["steps"]["marks"])
    mark = front.views["steps"]["marks"][0]
    others = {step: stale for step, stale in states(front).items() if step != "total"}
    front.show(*CELLS)
    front.until(lambda: not front.views["steps"]["marks"])

    assert ("c5", 0, 13, 18) == tuple(mark[name] for name in ("cell", "line", "start", "end"))
    assert "unknown option --ret" in mark["text"]
    assert {"load": False, "scale": False} == others


def test_half_typed_code_harms_nobody_else(front: Page) -> None:
    """A cell that is no Python yet leaves the plan of the steps above it as it was."""
    front.show(*CELLS[:5], TOTAL + "\nif total > ")
    front.until(lambda: front.row("total")["stale"] is not False)

    assert (False, False) == (front.row("load")["stale"], front.row("scale")["stale"])


def test_cells_that_the_kernel_does_not_know_are_asked_for(front: Page) -> None:
    """A page sends only what has changed; a kernel that was told less says what it lacks."""
    order = ["c0", "c1", "c2", "c3", "c4", "c5", "c6"]

    missing = front.ok("cells", order=order, cells={})["missing"]
    source = {"type": "code", "source": "%%step last\nlast = 1", "tags": []}
    now = front.ok("cells", order=order, cells={"c6": source})["missing"]
    front.until(lambda: front.row("last"))

    assert (["c6"], []) == (missing, now)
    wrong: Any = front.ask("cells", order=order, cells={"c6": "text"})
    assert "expected its type, source and tags" in wrong["problem"]["text"]


def test_a_name_for_a_step_is_suggested(front: Page) -> None:
    """Of what the cell binds, and of none that is taken."""
    assert {"name": "clean"} == front.ok("name", source="clean = 1", taken=[])
    assert {"name": "clean_2"} == front.ok("name", source="clean = 1", taken=["clean"])


def test_what_cannot_be_answered_is_a_problem(front: Page) -> None:
    """An older kernel says that it does not know what a newer page asks for."""
    assert "which this version does not know" in front.ask("wonder")["problem"]["text"]
    assert "asked without request" in front.ask("take")["problem"]["text"]


def test_questions_are_answered_while_a_cell_runs(front: Page, held: Callable[[], None]) -> None:
    """Each page has a subshell; what it shows meanwhile counts as soon as the cell has ended."""
    detail = front.ok("detail", step="load")
    front.show(*CELLS[:2], "factor = 4", *CELLS[3:], HELD)
    front.until(lambda: front.row("held").get("state") == "running")
    held()
    front.until(lambda: front.row("scale")["waits"] == "factor 2 → 4")

    assert "load" == detail["step"]


def test_marks_are_told_while_a_cell_runs(front: Page, held: Callable[[], None]) -> None:
    """To know what is wrong with a marker nothing of the running kernel is needed."""
    front.show(*CELLS[:5], TOTAL.replace("step total", "step total --ret"))
    front.until(lambda: front.views["steps"]["marks"])

    assert front.views["panel"]["busy"] is True


def test_beats_tell_a_new_page_what_runs(
    manager: KernelManager, front: Page, held: Callable[[], None]
) -> None:
    """A page that was reloaded hears within seconds how all steps stand, though it has asked nothing."""
    front.until(lambda: front.row("held").get("state") == "running")
    reloaded = Page(manager, is_early=True)
    beat = reloaded.hears("beat")
    reloaded.close()
    held()
    rows = {row["step"]: row for row in beat["rows"]}

    assert {"load", "scale", "total", "held"} == rows.keys()
    running, done = rows["held"], rows["total"]
    assert ("running", "completed") == (running["state"], done["state"])
    assert beat["at"] - 60 < running["started_at"] < beat["at"]
    assert "c5" == done["cell"]
    assert {"step", "cell", "state", "seconds", "started_at", "usual_seconds", "waits", "attempts"} == set(
        done
    )


def test_the_first_hello_may_come_while_a_step_runs(start: Start, folder: Path) -> None:
    """The step is running since it began, and depends on nothing that the page asks for."""
    page = Page(start())
    page.run(LOAD_EXT)
    code = HELD.replace("held --always", "unheard")
    request = page.send(code, "c9")
    page.until(lambda: page.shown.get(request) == "held\n")
    page.hello()
    page.show(*CELLS, code)
    row = page.row("unheard")
    (folder / "go").touch()
    page.until(lambda: request in page.ended)
    write(folder / "nb.ipynb", *CELLS, "1")
    page.run(code, "c9")
    reasons = "select reason from attempts where step = 'unheard'"
    said = page.run(f"import durable_nb\nprint(durable_nb.query({reasons!r}))")
    write(folder / "nb.ipynb", *CELLS)
    (folder / "go").unlink()
    page.close()

    assert "running" == row["state"]
    assert row["started_at"] is not None
    assert "go is there now" in said
    assert "durable_nb" not in said
    assert "nb.ipynb" not in said


def test_what_another_page_shows_counts_until_it_goes(manager: KernelManager, front: Page) -> None:
    """Each page has answers of its own; the screen that changed last counts, as long as it is there."""
    other = Page(manager)
    other.hello()
    other.show(*CELLS[:2], "factor = 5", *CELLS[3:])
    front.until(lambda: front.row("scale")["waits"] == "factor 2 → 5")
    asked = other.start_asking("watching")
    front.hears("answer", lambda told: told["id"] == asked)
    mine = front.answers.get(asked)
    other.leave()
    front.until(lambda: front.row("scale")["stale"] is False)
    note = front.views["steps"]["note"]
    other.close()

    assert (None, ON_SCREEN) == (mine, note)


def test_without_a_page_the_saved_file_counts(manager: KernelManager) -> None:
    """The last page has closed its comm: what it showed does not count any more."""
    page = Page(manager)
    page.hello()
    page.show(*CELLS[:2], "factor = 6", *CELLS[3:])
    page.until(lambda: page.row("scale")["waits"] == "factor 2 → 6")
    page.leave()
    page.until(lambda: page.views["steps"]["note"].startswith("of the notebook as saved at"))
    said = page.run("%steps plan")
    page.close()

    assert "" == said
    bundle = page.bundles[-1]["text/plain"]
    assert "factor" not in bundle
    assert "as saved at" in bundle


def test_the_plan_in_a_cell_is_of_the_screen_too(front: Page) -> None:
    """``%steps plan`` says the same as the front."""
    front.show(*CELLS[:2], "factor = 7", *CELLS[3:])
    front.run("%steps plan")

    assert "factor 2 → 7" in front.bundles[-1]["text/plain"]
    assert "on the screen" in front.bundles[-1]["text/plain"]


def test_an_edit_on_the_screen_is_accepted(front: Page) -> None:
    """It needs neither to be saved nor to be run."""
    front.show(*CELLS[:5], TOTAL.replace("sum(scaled)", "sum(scaled, start=0)"))
    front.until(lambda: front.row("total")["stale"] is True)

    done = front.ok("act", do="accept", step="total", args={})
    front.until(lambda: front.row("total")["stale"] is False)
    front.ok("act", **done["undo"])
    front.until(lambda: front.row("total")["stale"] is True)


def test_a_name_is_free_when_its_cell_on_the_screen_has_another(front: Page) -> None:
    """The file still has two cells that would claim it."""
    front.show(*CELLS[:5], TOTAL.replace("step total", "step before"), TOTAL)

    assert "" == front.run(TOTAL, "c6")
    front.show(*CELLS[:5], TOTAL, TOTAL)
    assert "DuplicateStepError" in front.run(TOTAL, "c5")
    front.show(*CELLS)
    assert "" == front.run(TOTAL, "c5")

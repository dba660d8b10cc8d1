"""What a step's cell says of it in JupyterLab and Notebook 7, through edits, reloads and restarts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from integration.meeting import JOIN, Meeting, meeting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser.conftest import OpenNotebook
    from browser.jupyter import NotebookPage
    from playwright.sync_api import Locator

APPS = ["lab/tree", "notebooks"]
PARAMS = "%%params\nthreshold = 2  # rows below this are dropped"
LOAD = "%%step load\nrows = list(range(10))"
CLEAN = "# step: clean\nkept = [row for row in rows if row > threshold]"
TOTAL = "%%step total\ntotal = sum(kept)\ntotal"
CELLS = [PARAMS, LOAD, CLEAN, TOTAL]
ALL = range(5)
FAILS = "%%step load\nrows = [1]\nraise ValueError('no <b>rows</b> for day 4')"
CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
CELL = "window.jupyterapp.shell.currentWidget.content.widgets"


@pytest.fixture
def place() -> Iterator[Meeting]:
    """Where the step that is held waits."""
    with meeting() as made:
        made.hold("held")
        yield made


def held(place: Meeting) -> str:
    """A step that runs until it is let go."""
    return f"%%step held{JOIN}\nmeet({place.place}, 'held')\nwent = True"


def badge(shown: NotebookPage, step: str) -> Locator:
    """What a step's cell says."""
    return shown.page.locator(f'.durable-nb-badge[data-step="{step}"]')


def wait_for(shown: NotebookPage, step: str, word: str) -> str:
    """Wait until a step's cell says a word; all that it says."""
    found = badge(shown, step)
    found.locator(".badge-state", has_text=word).wait_for()
    return found.inner_text()


def type_into(shown: NotebookPage, cell: int, source: str) -> None:
    """Have another source in a cell, as typing does."""
    shown.page.evaluate(
        f"([cell, source]) => {CELL}[cell].model.sharedModel.setSource(source)", [cell, source]
    )


def reload(shown: NotebookPage) -> None:
    """Save, and load the page anew."""
    shown.command("docmanager:save")
    shown.page.reload()
    shown.page.locator(".durable-nb-badge").first.wait_for()


@pytest.mark.parametrize("app", APPS)
def test_a_badge_through_the_life_of_a_step(open_in: OpenNotebook, place: Meeting, app: str) -> None:
    """Pending, running, completed; the same after a reload; as saved after a restart; then reused."""
    shown = open_in(app, [held(place)])
    wait_for(shown, "held", "step")
    shown.run(0)
    badge(shown, "held").locator(".badge-why", has_text="first execution").wait_for()
    wait_for(shown, "held", "pending")
    top = badge(shown, "held").bounding_box()

    shown.start(1)
    wait_for(shown, "held", "running")
    place.let_all_go()
    wait_for(shown, "held", "completed")
    stayed = badge(shown, "held").bounding_box()
    reload(shown)
    wait_for(shown, "held", "completed")
    badge(shown, "held").locator(".badge-why", has_text="as saved").wait_for(state="detached")
    shown.restart()
    badge(shown, "held").locator(".badge-why", has_text="as saved").wait_for()
    restarted = badge(shown, "held").inner_text()
    shown.run(0)
    badge(shown, "held").locator(".badge-why", has_text="as saved").wait_for(state="detached")
    shown.run(1)
    reused = wait_for(shown, "held", "reused")

    assert top == stayed
    assert "completed" in restarted
    assert "saved" in reused
    assert "as saved" not in reused


@pytest.mark.parametrize("app", APPS)
def test_an_edit_upstream_is_told_before_anything_runs(open_in: OpenNotebook, app: str) -> None:
    """Another parameter makes the steps below it stale, with the reason, as it is typed; typed back, not."""
    shown = open_in(app, CELLS)
    shown.run(*ALL)
    wait_for(shown, "total", "completed")

    type_into(shown, 1, PARAMS.replace("2", "5"))
    stale = wait_for(shown, "clean", "stale")
    badge(shown, "total").locator(".badge-why", has_text="reused if kept comes out as before").wait_for()
    below = wait_for(shown, "total", "completed")
    untouched = wait_for(shown, "load", "completed")
    type_into(shown, 1, PARAMS)
    wait_for(shown, "clean", "completed")
    badge(shown, "total").locator(".badge-why").wait_for(state="detached")
    type_into(shown, 2, LOAD.replace("10", "9"))
    edited = wait_for(shown, "load", "stale")

    assert "threshold" in stale
    assert "stale" not in below + untouched
    assert "code" in edited
    assert shown.evaluate("threshold, total") == "(2, 42)"


def test_failures_are_told_with_whom_they_block(open_in: OpenNotebook) -> None:
    """The error is text, whatever is in it; a step below says which one it waits for."""
    shown = open_in("lab/tree", [PARAMS, FAILS, CLEAN, TOTAL])
    shown.run(*ALL)

    failed = wait_for(shown, "load", "failed")
    blocked = wait_for(shown, "clean", "blocked")

    assert "ValueError: no <b>rows</b> for day 4" in failed
    assert "load" in blocked
    assert badge(shown, "load").locator("b").count() == 0


def test_a_page_that_is_loaded_while_a_step_runs(open_in: OpenNotebook, place: Meeting) -> None:
    """The running step is shown as running, and then how it ended."""
    shown = open_in("lab/tree", [*CELLS, held(place)])
    shown.run(*ALL)
    shown.start(5)
    wait_for(shown, "held", "running")

    reload(shown)
    badge(shown, "held").locator(".badge-time").wait_for()
    running = wait_for(shown, "held", "running")
    others = wait_for(shown, "total", "completed")
    place.let_all_go()
    ended = wait_for(shown, "held", "completed")

    assert "saved" not in running + others + ended


def test_a_notebook_without_a_kernel_says_how_it_was_saved(open_in: OpenNotebook) -> None:
    """From the snapshot in its cells; an edited cell says so; the plain line is in the file too."""
    shown = open_in("lab/tree", CELLS)
    shown.run(*ALL)
    wait_for(shown, "total", "completed")
    shown.command("docmanager:save")
    (path,) = shown.folder.glob("*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    shown.end_kernel()

    saved = badge(shown, "load").locator(".badge-why", has_text="as saved")
    saved.wait_for()
    type_into(shown, 2, LOAD.replace("10", "9"))
    badge(shown, "load").locator(".badge-why", has_text="edited since").wait_for()

    assert [cell.metadata.get("durable_nb", {}).get("state") for cell in cells] == [
        None,
        None,
        *["completed"] * 3,
    ]
    assert "load · executed" in str(cells[2].outputs)


def test_the_card_says_why_and_what_would_run_and_runs_it(open_in: OpenNotebook) -> None:
    """By mouse and by keyboard; what it does is done in the cell."""
    shown = open_in("lab/tree", CELLS)
    shown.run(*ALL)
    wait_for(shown, "total", "completed")
    type_into(shown, 1, PARAMS.replace("2", "5"))
    shown.run(1)
    wait_for(shown, "clean", "stale")

    badge(shown, "clean").locator("button").hover()
    card = shown.page.locator(".durable-nb-card")
    card.get_by_text("executes clean").first.wait_for()
    said = card.inner_text()
    shown.page.keyboard.press("Escape")
    shown.page.mouse.move(0, 0)
    card.wait_for(state="hidden")
    badge(shown, "clean").locator("button").focus()
    shown.page.keyboard.press("Enter")
    card.get_by_role("button", name="Run from here").first.click()
    card.locator(".confirm").get_by_role("button", name="Run from here").click()
    wait_for(shown, "clean", "completed")
    wait_for(shown, "total", "completed")

    assert "threshold" in said
    assert shown.evaluate("total") == "30"
    output = shown.page.locator(".jp-Notebook .jp-CodeCell").nth(4).locator(".jp-OutputArea-output")
    assert "30" in output.first.inner_text()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_state_can_be_read(open_in: OpenNotebook, theme: str) -> None:
    """All words have the contrast that WCAG AA asks for, and the cell's toolbar covers none."""
    shown = open_in(
        "lab/tree", [PARAMS, LOAD, CLEAN, "%%step total --retrys 2\ntotal = 1", FAILS.replace("load", "day4")]
    )
    shown.command("apputils:change-theme", theme=theme)
    shown.run(0, 1, 2, 3, 5)
    wait_for(shown, "day4", "failed")
    wait_for(shown, "total", "cannot run")
    type_into(shown, 1, PARAMS.replace("2", "5"))
    wait_for(shown, "clean", "stale")

    weak = []
    for step in ("load", "clean", "total", "day4"):
        weak += shown.page.evaluate(
            CONTRAST.replace(
                'document.querySelector(".durable-nb")', f"document.querySelector('[data-step=\"{step}\"]')"
            )
        )
        badge(shown, step).locator("..").locator("..").click(position={"x": 150, "y": 40})
        words = badge(shown, step).locator("button").bounding_box()
        toolbar = shown.page.locator(".jp-cell-toolbar").first.bounding_box()
        assert words is not None
        assert (
            toolbar is None
            or toolbar["y"] >= words["y"] + words["height"]
            or toolbar["x"] >= words["x"] + words["width"]
        )
    assert weak == []


def test_three_hundred_steps(open_in: OpenNotebook) -> None:
    """Each cell has its badge; what happens to one step draws no other."""
    many = [f"%%step s{number}\nx{number} = {number}" for number in range(300)]
    shown = open_in("lab/tree", many)
    shown.run(0)
    badge(shown, "s299").locator(".badge-why", has_text="first execution").wait_for()
    shown.page.evaluate(
        """() => {
            window.drawn = new Set();
            const seen = (list) => list.forEach(({ target }) => {
                const element = target instanceof Element ? target : target.parentElement;
                window.drawn.add(element.closest(".durable-nb-badge").dataset.step);
            });
            const watcher = new MutationObserver(seen);
            const what = { subtree: true, childList: true, characterData: true, attributes: true };
            document.querySelectorAll(".durable-nb-badge").forEach((badge) => watcher.observe(badge, what));
        }"""
    )
    shown.run(7)
    wait_for(shown, "s6", "completed")

    drawn = shown.page.evaluate("[...window.drawn]")

    assert shown.page.locator(".durable-nb-badge").count() == 300
    assert drawn == ["s6"]

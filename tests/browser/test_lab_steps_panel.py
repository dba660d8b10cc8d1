"""The side panel of steps, its commands and its dashboard, in JupyterLab and Notebook 7."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from browser.conftest import STATIC, missing
from integration.meeting import JOIN, meeting

if TYPE_CHECKING:
    from browser.conftest import OpenNotebook
    from browser.jupyter import NotebookPage
    from playwright.sync_api import Locator

pytestmark = pytest.mark.skipif(
    not (STATIC.parents[2] / "extension" / "labextension").is_dir() and not os.environ.get("CI"),
    reason="the extension is not built: npm run build:lab, in extension/",
)
CELLS = [
    "%%step load\nraw = [1, 2, 3]\nraw",
    "%%step total\ntotal = sum(raw)\ntotal",
    "other = 5\nmore = other",
]
ACTIVE = "window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource()"


def side(shown: NotebookPage) -> Locator:
    """The side panel, opened."""
    if not shown.page.evaluate("window.jupyterapp.commands.hasCommand('durable-nb:show-panel')"):
        missing("the built extension: npm run build:lab, in extension/")
    shown.command("durable-nb:show-panel")
    return shown.page.locator(".durable-nb-side")


def load(shown: NotebookPage) -> Locator:
    """The side panel, of a kernel that has loaded durable_nb by its button."""
    panel = side(shown)
    panel.get_by_role("button", name="Load it in this kernel").click()
    panel.locator('[data-step="load"] .pill.tone-pending').wait_for()
    panel.get_by_role("tab", name="Steps").wait_for()
    return panel


def activate(shown: NotebookPage, cell: int) -> None:
    """Be at a cell."""
    shown.page.evaluate(
        "cell => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell; }", cell
    )


@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_stale_steps_run_in_their_cells(open_in: OpenNotebook, app: str) -> None:
    """What runs from the panel is foretold, and leaves its output in the cells; the active cell stays."""
    shown = open_in(app, CELLS)
    panel = load(shown)
    panel.get_by_role("button", name="Run stale").click()
    strip = panel.locator(".confirm")
    strip.get_by_text("load and total").wait_for()
    strip.get_by_role("button", name="Run stale").click()
    panel.locator('[data-step="total"] .pill.tone-completed').wait_for()
    outputs = shown.page.locator(".jp-Notebook .jp-CodeCell").nth(2).locator(".jp-OutputArea-output")
    outputs.get_by_text("6", exact=True).wait_for()
    assert shown.page.evaluate(ACTIVE) == "%load_ext durable_nb"


def test_the_panel_and_the_notebook_show_the_same_step(open_in: OpenNotebook) -> None:
    """A click on a row goes to its cell; a cell that is gone to has its row marked."""
    shown = open_in("lab/tree", CELLS)
    panel = load(shown)
    panel.locator('[data-step="total"] .row-open').click()
    shown.page.wait_for_function(f"{ACTIVE}.startsWith('%%step total')")
    panel.locator('[data-step="total"][aria-current]').wait_for()
    activate(shown, 1)
    panel.locator('[data-step="load"][aria-current]').wait_for()
    assert panel.locator("[aria-current]").count() == 1


def test_a_cell_becomes_a_step_is_renamed_and_is_plain_again(open_in: OpenNotebook) -> None:
    """A name is suggested; renaming edits the marker alone; the marker goes as it came."""
    shown = open_in("lab/tree", CELLS)
    panel = load(shown)
    activate(shown, 3)
    shown.page.evaluate("void window.jupyterapp.commands.execute('durable-nb:make-step')")
    shown.page.locator(".jp-Dialog input").wait_for()
    assert shown.page.locator(".jp-Dialog input").input_value() == "other"
    shown.page.keyboard.press("Enter")
    panel.locator('[data-step="other"]').wait_for()
    shown.page.evaluate("void window.jupyterapp.commands.execute('durable-nb:rename-step')")
    shown.page.locator(".jp-Dialog input").fill("five")
    shown.page.keyboard.press("Enter")
    panel.locator('[data-step="five"]').wait_for()
    assert shown.page.evaluate(ACTIVE) == "%%step five\nother = 5\nmore = other"
    shown.command("durable-nb:make-plain")
    assert shown.page.evaluate(ACTIVE) == CELLS[2]


def test_a_wrong_option_is_underlined_until_it_is_right(open_in: OpenNotebook) -> None:
    """The word is underlined before the cell runs, says why, and is plain again once it is corrected."""
    shown = open_in("lab/tree", ["%%step load --retrys 3\nraw = 1"])
    load(shown)
    mark = shown.page.locator(".durable-nb-mark")
    mark.wait_for()
    assert mark.inner_text() == "--retrys"
    mark.hover()
    shown.page.locator(".durable-nb-mark-told").get_by_text("--retries").wait_for()
    activate(shown, 1)
    shown.page.evaluate(f"{ACTIVE.removesuffix('getSource()')}setSource('%%step load --retries 3\\nraw = 1')")
    mark.wait_for(state="detached")


def test_a_click_while_a_cell_runs_acts_at_once(open_in: OpenNotebook) -> None:
    """A step that is done can be looked at, and the one that runs is cancelled."""
    with meeting() as place:
        place.hold("held")
        shown = open_in("lab/tree", [*CELLS, f"%%step held{JOIN}\nmeet({place.place}, 'held')"])
        panel = load(shown)
        shown.run(1)
        shown.start(4)
        panel.locator('[data-step="held"] .pill.tone-running').wait_for()

        panel.locator('[data-step="load"] .row-open').click()
        panel.get_by_role("tab", name="Code").click()
        panel.locator("pre", has_text="raw = [1, 2, 3]").first.wait_for()
        running = panel.locator('[data-step="held"]')
        running.get_by_role("button", name="Cancel").first.click()
        running.locator(".confirm").get_by_role("button", name="Cancel", exact=True).click()
        panel.locator('[data-step="held"] .pill.tone-cancelled').wait_for()

        assert place.came == ["held"]


def test_without_a_kernel_the_saved_states_are_shown(open_in: OpenNotebook) -> None:
    """Steps are as they were when the notebook was saved; nothing can be done with them."""
    shown = open_in("lab/tree", CELLS)
    panel = load(shown)
    shown.run(1)
    panel.locator('[data-step="load"] .pill.tone-completed').wait_for()
    shown.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown().then(() => null)")
    panel.get_by_text("As saved with the notebook").wait_for()
    panel.locator('[data-step="load"] .pill.tone-completed').wait_for()
    panel.locator('[data-step="total"] .pill.tone-pending').wait_for()
    assert panel.get_by_role("button", name="Run stale").count() == 0


@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_the_dashboard_has_a_place_of_its_own(open_in: OpenNotebook, app: str) -> None:
    """It is opened once for a notebook, with room enough."""
    shown = open_in(app, CELLS)
    panel = load(shown)
    for _ in range(2):
        panel.get_by_role("button", name="Open dashboard").click()
        shown.page.locator(".durable-nb-lab:not(.durable-nb-side) [data-step=total]").wait_for()
    wide = shown.page.locator(".durable-nb-lab:not(.durable-nb-side)")
    assert wide.count() == 1
    box = wide.bounding_box()
    assert box is not None
    assert box["width"] > 400
    assert box["height"] > 300
    shown.page.evaluate(
        """() => {
            const shell = window.jupyterapp.shell;
            for (const area of ["main", "down"]) {
                [...shell.widgets(area)].filter(w => w.id.startsWith("durable-nb")).forEach(w => w.dispose());
            }
        }"""
    )
    wide.wait_for(state="detached")

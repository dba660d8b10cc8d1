"""The example notebook in JupyterLab, as its reader goes through it; its pictures are those of the README.

``DURABLE_NB_PICTURES=1 pytest tests/browser/test_example.py`` writes them into tests/browser/pictures.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from browser.jupyter import JupyterServer, NotebookPage, PanelOnPage, open_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example_notebooks" / "dashboard.ipynb"
PICTURES = Path(__file__).with_name("pictures")
NAMES_OF_NO_MACHINE = """() => {
    const said = (name, text) =>
        document.querySelectorAll(name).forEach((one) => { one.textContent = text; });
    said(".durable-nb .foot .path", "/home/anna/flights/.durable");
    said(".durable-nb .foot span:nth-child(2)", "anna");
}"""
Take = Callable[..., None]
CELLS = "window.jupyterapp.shell.currentWidget.content"


@pytest.fixture
def shown(browser: Browser, jupyter: JupyterServer) -> Iterator[NotebookPage]:
    """The example in Lab, in a folder of its own; its first cells have run, those that resume have not."""
    folder = jupyter.folder / "example_notebooks"
    folder.mkdir()
    shutil.copytree(PICTURES, jupyter.folder / PICTURES.relative_to(ROOT))
    path = Path(shutil.copy(EXAMPLE, folder))
    notebook = nbformat.read(path, as_version=4)
    command = f"!{sys.executable} -m durable_nb.cli "
    for cell in notebook.cells:
        cell.source = cell.source.replace("!durable-nb ", command)
    nbformat.write(notebook, path)
    opened = open_notebook(browser, jupyter, "lab/tree", path, viewport={"width": 1500, "height": 1500})
    code = [number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    opened.run(*code[:-2])
    yield opened
    opened.end_kernel()
    opened.page.context.close()
    assert opened.complaints == []


@pytest.fixture
def take(shown: NotebookPage, tmp_path: Path) -> Take:
    """Takes a picture, of the panel unless something else is named."""
    folder = PICTURES if os.environ.get("DURABLE_NB_PICTURES") else tmp_path
    folder.mkdir(exist_ok=True)

    def take_one(name: str, what: Page | Locator | None = None) -> None:
        if what is None:
            shown.page.mouse.move(0, 0)
        shown.page.evaluate(NAMES_OF_NO_MACHINE)
        (what or shown.panel.root).screenshot(path=folder / f"{name}.png", animations="disabled")
        assert (folder / f"{name}.png").stat().st_size < 300_000

    return take_one


def test_the_example_is_as_it_tells(shown: NotebookPage, take: Take) -> None:
    """A parameter is changed and taken back, a table looked at, what failed is resumed; in light and dark."""
    panel = shown.panel

    panel.wait_for("plot", "completed")
    panel.root.locator(".would", has_text="reuses 6 steps").wait_for()
    _look_at_the_cells(shown, take)
    panel.press("Graph")
    take("steps")
    panel.press("Graph")
    _look_at_outputs(panel, take)
    _change_a_parameter(panel, take)
    _resume(panel, take)
    _in_the_dark_and_small(shown, panel, take)

    assert shown.evaluate("late_after") == "15"


def _look_at_the_cells(shown: NotebookPage, take: Take) -> None:
    """A parameter is edited in its cell: the cells below, and the side panel, say what that makes stale."""
    shown.command("durable-nb:show-panel")
    shown.page.locator(".durable-nb-side .graph-button").click()
    shown.page.set_viewport_size({"width": 1500, "height": 1000})
    source = _source(shown, 5)
    _set_source(shown, 5, source.replace("late_after = 15", "late_after = 30"))
    shown.run(5)
    shown.page.locator('.durable-nb-badge[data-step="clean"] .tone-stale').wait_for()
    for theme in ("Light", "Dark"):
        shown.command("apputils:change-theme", theme=f"JupyterLab {theme}")
        shown.page.locator(
            f".durable-nb-side[data-theme={theme.lower()}], .durable-nb-side [data-theme={theme.lower()}]"
        ).first.wait_for()
        shown.page.evaluate(f"{CELLS}.scrollToItem(5, 'start').then(() => null)")
        shown.page.locator('.durable-nb-badge[data-step="clean"] button').hover()
        shown.page.locator(".durable-nb-card").get_by_text("executes clean").first.wait_for()
        take("lab" if theme == "Light" else "lab-dark", shown.page)
    shown.command("apputils:change-theme", theme="JupyterLab Light")
    _set_source(shown, 5, source)
    shown.run(5)
    shown.page.locator('.durable-nb-badge[data-step="clean"] .tone-completed').wait_for()
    shown.page.set_viewport_size({"width": 1500, "height": 1500})
    shown.command("filebrowser:activate")


def _source(shown: NotebookPage, cell: int) -> str:
    return str(shown.page.evaluate(f"cell => {CELLS}.widgets[cell].model.sharedModel.getSource()", cell))


def _set_source(shown: NotebookPage, cell: int, source: str) -> None:
    shown.page.evaluate(
        f"([cell, source]) => {CELLS}.widgets[cell].model.sharedModel.setSource(source)", [cell, source]
    )


def _look_at_outputs(panel: PanelOnPage, take: Take) -> None:
    row = panel.open("by_carrier")
    row.locator(".sheet").wait_for()
    row.locator(".older-list, .shown").first.wait_for()
    take("outputs")
    row.locator(".row-open").click()
    row.locator(".detail").wait_for(state="detached")


def _change_a_parameter(panel: PanelOnPage, take: Take) -> None:
    panel.tab("Parameters")
    panel.root.get_by_label("late_after", exact=False).first.fill("30")
    panel.root.locator(".stale-list .tag", has_text="plot").wait_for()
    take("parameters")
    panel.press("Apply")
    panel.root.locator(".toast").wait_for()
    panel.undo()
    panel.root.locator(".toast button", has_text="Undo").wait_for(state="detached")
    panel.press("Close this message")


def _resume(panel: PanelOnPage, take: Take) -> None:
    panel.tab("Runs")
    panel.root.locator(".item.tone-failed .at-pick input").check()
    panel.press("Resume…")
    panel.root.get_by_placeholder("its name").fill("unit")
    panel.press("Add")
    panel.root.get_by_label("unit").fill(" min")
    panel.root.locator(".resume .effect p", has_text="unit").first.wait_for()
    take("runs")
    panel.press("Resume", panel.root.locator(".resume"))
    panel.root.locator(".job.done").wait_for()
    panel.root.locator(".item.tone-failed").wait_for(state="detached")
    panel.root.locator(".toast").wait_for(state="detached")


def _in_the_dark_and_small(shown: NotebookPage, panel: PanelOnPage, take: Take) -> None:
    shown.command("apputils:change-theme", theme="JupyterLab Dark")
    shown.page.locator(".jp-OutputArea-output .durable-nb[data-theme=dark]").wait_for()
    panel.tab("Steps")
    take("steps-dark")
    panel.root.evaluate("one => { one.style.width = '360px'; }")
    take("steps-narrow")

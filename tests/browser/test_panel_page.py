"""The panel's page in a real browser, on a real store: it fits, is readable, and shows text as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from browser.conftest import OpenPanel, PanelPage
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.cli.app import main

EVIL = "<img src=x onerror=\"window.hacked='yes'\"><script>window.hacked='yes'</script>"
LONG = "mean_delay_by_airport_and_by_hour_of_the_day"
CELLS = (
    '%%params\nthreshold = 1  # rows below this are dropped\nlabel = "plain"  # shown',
    f"""%%step load
import pandas as pd
frame = pd.DataFrame({{'a': range(300), {EVIL!r}: [label] * 300}})
print(label)""",
    """%%step clean --retries 1 --backoff 0
if threshold > 4:
    raise ValueError(label)
kept = frame[frame.a >= threshold]""",
    f"%%step {LONG}\ntotal = int(kept.a.sum())\ntotal",
)
OVER_THE_EDGE = """() => [...document.querySelectorAll(".row, .run-row, .columns, .run-columns")]
    .filter((row) => row.scrollWidth > row.clientWidth + 1).map((row) => row.innerText)"""
CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")


def save(path: Path, cells: tuple[str, ...]) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = [new_code_cell(source) for source in ("%load_ext durable_nb", *cells)]
    nbformat.write(new_notebook(cells=content, metadata={"kernelspec": kernel}), path)
    return path


def run(notebook: Path, output: Path, *given: str) -> None:
    with pytest.raises(SystemExit):
        main(["run", str(notebook), str(output), *given])


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with two batch runs, one of which failed; its store is beside it."""
    folder = tmp_path_factory.mktemp("panel")
    path = save(folder / "flights.ipynb", CELLS)
    for number, given in enumerate((["-p", "threshold", "2"], ["-p", "threshold", "5", "-p", "label", EVIL])):
        run(path, folder / f"out-{number}.ipynb", *given)
    return path


@pytest.fixture
def panel(open_panel: OpenPanel, notebook: Path) -> Callable[..., PanelPage]:
    return lambda **look: open_panel(notebook.parent / ".durable", notebook, **look)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900, 1250, 1600])
def test_every_view_fits_and_is_readable(panel: Callable[..., PanelPage], width: int, scheme: str) -> None:
    """Nothing is wider than the page, and all text has the contrast that WCAG AA asks for."""
    shown = panel(width=width, scheme=scheme)

    for look in (
        _runs,
        _opened_run,
        _compared,
        _resume,
        _steps,
        _graph,
        _opened_step,
        *PARTS,
        _asked,
        _parameters,
    ):
        look(shown)

        assert shown.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, look.__name__
        assert shown.page.evaluate(OVER_THE_EDGE) == [], look.__name__
        assert shown.page.evaluate(CONTRAST) == [], look.__name__


def _runs(shown: PanelPage) -> None:
    shown.until(".run-row")


def _opened_run(shown: PanelPage) -> None:
    shown.page.locator(".tone-failed .row-open").first.click()
    shown.until(".facts")


def _compared(shown: PanelPage) -> None:
    for place in (0, 1):
        shown.page.locator(".run-row .at-pick input").nth(place).check()
    shown.page.get_by_role("button", name="Compare").click()
    shown.until(".compared-part")
    shown.page.keyboard.press("Escape")
    for place in (0, 1):
        shown.page.locator(".run-row .at-pick input").nth(place).uncheck()


def _resume(shown: PanelPage) -> None:
    shown.page.locator(".item.tone-failed .at-pick input").check()
    shown.page.get_by_role("button", name="Resume…").click()
    shown.until(".resume .effect p")


def _steps(shown: PanelPage) -> None:
    shown.page.keyboard.press("Escape")
    shown.tab("Steps")
    shown.until("[data-step=load]")


def _opened_step(shown: PanelPage) -> None:
    shown.page.locator("[data-step=load] .row-open").click()
    shown.until(".sheet")


def _graph(shown: PanelPage) -> None:
    button = shown.page.locator(".graph-button")
    if button.is_visible():
        button.click()
    shown.until(".graph .node")


def _part(name: str) -> Callable[[PanelPage], None]:
    def look(shown: PanelPage) -> None:
        shown.page.get_by_role("tab", name=name).click()
        shown.until(f'[role=tab][aria-selected=true]:text("{name}")')

    look.__name__ = name
    return look


PARTS = tuple(map(_part, ("Inputs", "Why", "Attempts", "History", "Code")))
"""What an opened step has besides its outputs."""


def _asked(shown: PanelPage) -> None:
    """What is said before something is done."""
    shown.page.get_by_role("button", name="Invalidate").first.click()
    shown.until(".confirm .harsh:enabled")


def _parameters(shown: PanelPage) -> None:
    shown.page.keyboard.press("Escape")
    shown.tab("Parameters")
    shown.until(".fields")
    shown.page.get_by_label("threshold").first.fill("7")
    shown.until(".effect b")


def test_what_looks_like_markup_is_shown_as_text(panel: Callable[..., PanelPage]) -> None:
    """Errors, parameters, column names, values and printed output run nothing in the page."""
    shown = panel()

    shown.until(".run-row")
    shown.page.locator(".item.tone-failed .row-open").click()
    shown.until(".facts")
    seen = shown.page.locator(".durable-nb").inner_text()
    shown.tab("Steps")
    shown.until("[data-step=load]")
    shown.page.locator("[data-step=load] .row-open").click()
    shown.until(".sheet")
    column = shown.page.locator(".sheet th .column").nth(1).text_content()

    assert seen.count(EVIL) >= 2
    assert column == EVIL
    assert shown.page.evaluate("window.hacked") is None


def test_the_keyboard_is_enough(panel: Callable[..., PanelPage]) -> None:
    """Arrows change the view, Enter opens, Escape leaves what was about to be done; the focus is seen."""
    shown = panel()
    shown.until(".run-row")
    page = shown.page

    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('role')")
    page.keyboard.press("ArrowRight")
    shown.until("[data-step=load]")
    chosen = page.evaluate("document.activeElement.textContent")
    while page.evaluate("document.activeElement.closest('[data-step=load]') === null"):
        page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle")
    page.keyboard.press("Enter")
    shown.until(".detail .tabs-small")
    expanded = page.evaluate("document.activeElement.getAttribute('aria-expanded')")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.textContent") != "Invalidate":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shown.until(".confirm .harsh:enabled")
    told = page.locator(".confirm").inner_text()
    page.keyboard.press("Escape")

    assert first == "tab"
    assert chosen.startswith("Steps")
    assert outline == "solid"
    assert expanded == "true"
    assert "Invalidate" in told
    assert page.locator(".confirm").count() == 0


def test_two_hundred_steps_are_found_by_name_and_by_state(open_panel: OpenPanel, tmp_path: Path) -> None:
    """A long notebook stays a table in which one finds what one looks for."""
    names = [f"step_{number}" if number % 9 else f"{LONG}_{number}" for number in range(200)]
    path = save(tmp_path / "many.ipynb", tuple(f"%%step {name}\nx{i} = {i}" for i, name in enumerate(names)))
    run(save(tmp_path / "one.ipynb", CELLS), tmp_path / "out.ipynb")

    shown = open_panel(tmp_path / ".durable", path, width=900)
    shown.tab("Steps")
    shown.until("[data-step=step_199]")
    rows = shown.page.locator("[data-step]").count()
    shown.page.get_by_label("Find a step by its name").fill("step_19")
    found = shown.page.locator("[data-step] .name").all_text_contents()

    assert rows == 200
    assert found == [name for name in names if "step_19" in name]
    assert shown.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

"""The panel in JupyterLab and Notebook 7: what a person does reaches the kernel, and the other way round."""

from __future__ import annotations

import pytest
from browser.conftest import OpenNotebook

PARAMS = "%%params\nthreshold = 2  # rows below this are dropped; range: 0..9"
LOAD = "%%step load\nrows = list(range(10))"
CLEAN = "%%step clean\nkept = [row for row in rows if row > threshold]"
TOTAL = "%%step total\ntotal = sum(kept)"
PANEL = "import durable_nb\n\ndurable_nb.dashboard()"
CELLS = [PANEL, PARAMS, LOAD, CLEAN, TOTAL]
ALL = range(6)
CHARGE = "%%step charge --at-most-once\nprint('charged')\nreceipt = int('R')"
HELD = """%%step held
import pathlib, time
while not pathlib.Path('go').exists():
    time.sleep(0.02)
went = True"""


@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_a_parameter_reaches_the_kernel_and_the_steps(open_in: OpenNotebook, app: str) -> None:
    """Typing says what becomes stale; applying sets the variable, running the steps; undo takes it back."""
    shown = open_in(app, CELLS)
    shown.run(*ALL)
    panel = shown.panel
    panel.wait_for("total", "completed")
    panel.tab("Parameters")
    field = panel.root.get_by_label("threshold", exact=False).first

    field.fill("19")
    panel.root.locator(".field-error:not(:empty)").wait_for()
    refused = panel.root.get_by_role("button", name="Apply", exact=True).is_disabled()
    field.fill("7")
    panel.root.locator(".stale-list .tag", has_text="total").wait_for()
    stale = panel.root.locator(".stale-list .tag").all_inner_texts()
    panel.press("Apply")
    panel.root.locator(".toast").wait_for()
    applied = shown.evaluate("threshold, total")
    panel.tab("Steps")
    panel.row("clean").locator(".tag.tone-stale").wait_for()
    panel.undo()
    panel.row("clean").locator(".tag.tone-stale").wait_for(state="detached")
    undone = shown.evaluate("threshold, total")
    panel.tab("Parameters")
    field.fill("7")
    panel.press("Apply and run")
    panel.tab("Steps")
    panel.root.locator(".toast").wait_for()
    panel.row("total").locator(".tag.tone-stale").wait_for(state="detached")
    panel.root.locator(".tag.tone-stale").first.wait_for(state="detached")
    shown.wait_until("threshold, total", "(7, 17)")

    assert refused
    assert stale == ["clean", "total"]
    assert applied == "(7, 42)"
    assert undone == "(2, 42)"


def test_values_by_hand_and_from_older_results(open_in: OpenNotebook) -> None:
    """A value that was set, or brought back, is what the kernel goes on with, until it is taken back."""
    shown = open_in("lab/tree", CELLS)
    shown.run(*ALL)
    panel = shown.panel
    panel.wait_for("total", "completed")
    panel.tab("Parameters")
    panel.root.get_by_label("threshold", exact=False).first.fill("7")
    panel.press("Apply and run")
    panel.root.locator(".toast").wait_for()
    panel.tab("Steps")
    panel.root.locator(".tag.tone-stale").first.wait_for(state="detached")

    clean = panel.open("clean")
    panel.tab("Outputs")
    clean.locator("summary", has_text="older value").click()
    panel.press("Restore", clean)
    foretold = panel.confirm("clean", "Restore")
    clean.locator(".row .tag", has_text="kept by hand").wait_for()
    restored = shown.evaluate("kept")
    panel.undo()
    clean.locator(".row .tag", has_text="kept by hand").wait_for(state="detached")
    total = panel.open("total")
    total.locator(".output-head", has_text="total").wait_for()
    panel.press("Set by hand", total)
    total.get_by_label("total is to be").fill("1000")
    panel.press("Set by hand", total.locator(".little-form"))
    panel.confirm("total", "Set by hand")
    total.locator(".row .tag", has_text="total by hand").wait_for()
    by_hand = shown.evaluate("total")
    panel.undo()
    total.locator(".row .tag", has_text="total by hand").wait_for(state="detached")

    assert "kept" in foretold
    assert restored == "[3, 4, 5, 6, 7, 8, 9]"
    assert by_hand == "1000"


def test_what_is_done_at_most_once_is_decided_by_a_person(open_in: OpenNotebook) -> None:
    """Nobody knows whether it was done: the panel asks, takes values, and the kernel goes on with them."""
    shown = open_in("lab/tree", [PANEL, CHARGE])
    shown.run(0, 1, 2, 2)
    panel = shown.panel
    panel.wait_for("charge", "waiting")

    row = panel.open("charge")
    panel.press("It happened", row)
    row.get_by_label("receipt is").fill("R-17")
    row.locator(".confirm .strip").wait_for(state="detached")
    foretold = panel.confirm("charge", "It happened")
    panel.wait_for("charge", "reused")

    assert "counts as done, and is not run again" in foretold
    assert shown.evaluate("receipt") == "'R-17'"


def test_a_busy_kernel_a_reloaded_page_and_a_new_kernel(open_in: OpenNotebook) -> None:
    """A running step is shown and can be looked at; the panel is right after a reload and a restart."""
    shown = open_in("lab/tree", [*CELLS, HELD])
    shown.run(*ALL)
    shown.start(6)
    panel = shown.panel

    panel.wait_for("held", "running")
    load = panel.open("load")
    panel.tab("Code")
    load.locator("pre", has_text="rows = list(range(10))").wait_for()
    (shown.folder / "go").touch()
    panel.wait_for("held", "completed")
    shown.command("docmanager:save")
    shown.page.reload()
    shown.wait_until_idle()
    shown.panel.wait_for("held", "completed")
    (shown.folder / "go").unlink()
    shown.start(6)
    shown.panel.wait_for("held", "reused")
    shown.restart()
    shown.run(*ALL)

    shown.panel.wait_for("total", "reused")
    assert shown.evaluate("total") == "42"

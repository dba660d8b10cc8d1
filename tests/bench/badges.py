"""What the extension of JupyterLab costs a page with a notebook of many steps: running, and scrolling."""

from __future__ import annotations

import json
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from contest import OURS, Contender, Figures, Sizes, Subject, Target

WITHOUT = "without the extension"
NOTEBOOK = "window.jupyterapp.shell.currentWidget.content"
SCROLL = f"""async () => {{
    const content = {NOTEBOOK}, last = content.widgets.length - 1, gaps = [];
    const box = content.node.querySelector(".jp-WindowedPanel-outer") ?? content.node;
    let before = performance.now();
    for (let step = 0; step <= 120; step++) {{
        box.scrollTop = (box.scrollHeight - box.clientHeight) * step / 120;
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        gaps.push(now - before);
        before = now;
    }}
    gaps.sort((one, other) => one - other);
    return {{ "median frame": gaps[60], "slow frame": gaps[114] }};
}}"""
"""Scrolls through the notebook in 120 frames: the milliseconds of the median one, and of the 6th slowest."""


def measure(folder: Path, sizes: Sizes, *, is_with: bool) -> Figures:
    """Run all steps in a real JupyterLab, and scroll through them."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from browser.jupyter import open_notebook, save, serve
    from playwright.sync_api import sync_playwright

    path = save(folder / "nb.ipynb", [f"%%step s{n}\nx{n} = {n}" for n in range(sizes["steps"])])
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    settings = folder / "jupyter"
    off = settings / "config" / "labconfig"
    off.mkdir(parents=True)
    (off / "page_config.json").write_text(json.dumps({"disabledExtensions": {"durable-nb": not is_with}}))
    with sync_playwright() as playwright, serve(folder, settings, {}) as server:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        shown = open_notebook(started, server, "lab/tree", path)
        shown.run(0)
        badges = shown.page.locator(".durable-nb-badge")
        if is_with:
            badges.nth(sizes["steps"] - 1).locator(".badge-why").wait_for(state="attached")
        assert badges.count() == (sizes["steps"] if is_with else 0)
        figures = {"run all": _seconds_of_run_all(shown.page) / sizes["steps"] * 1000}
        figures |= shown.page.evaluate(SCROLL)
        shown.end_kernel()
        started.close()
    return figures


def _seconds_of_run_all(page: Any) -> float:
    began = time.perf_counter()
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => null)")
    return time.perf_counter() - began


NEEDS = ("jupyterlab", "notebook", "playwright")
SUBJECTS = (
    Subject(
        name="badges",
        title="A notebook of steps in JupyterLab: a page with the extension, and one without",
        measures={
            "run all": "Run All, ms a step",
            "median frame": "scrolling, median frame ms",
            "slow frame": "the slowest of 20, ms",
        },
        contenders={
            OURS: Contender((partial(measure, is_with=True),), NEEDS),
            WITHOUT: Contender((partial(measure, is_with=False),), NEEDS),
        },
        quick={"steps": 100},
        full={"steps": 300},
        targets=(
            Target("run all", 1.5, WITHOUT, "quick"),
            Target("median frame", 1.2, WITHOUT, "quick"),
            Target("slow frame", 1.5, WITHOUT, "quick"),
        ),
    ),
)

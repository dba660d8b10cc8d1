"""``durable-nb dashboard``: the panel for people who know no Jupyter, in a real browser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest
from browser.conftest import need
from browser.jupyter import PanelOnPage, save

from durable_nb.cli.app import main
from durable_nb.store.store import open_store

if TYPE_CHECKING:
    from browser.jupyter import JupyterServer
    from playwright.sync_api import Browser, Page

CELLS = [
    "%%params\nday = 1  # of the month; range: 1..31",
    "%%step load\nrows = list(range(day))",
    "%%step clean\nif day > 3:\n    raise ValueError('day 4 has no file')\ntotal = sum(rows)",
]
SAID_ANYWAY = (
    "net::ERR_",
    "cdn.jsdelivr.net",
    "fonts.googleapis.com",
    "cdnjs.cloudflare.com",
    "MathJax",
    '"shareKey":"@jupyterlab/docregistry"',
)
"""Voilà's own page asks for fonts and MathJax from the network; and loads its own extension of JupyterLab."""


def allowed(url: str) -> bool:
    return urlsplit(url).hostname == "127.0.0.1"


def listen(page: Page, complaints: list[str]) -> None:
    """Take down what goes wrong in a page, which reaches nothing but this machine."""

    def complain(text: str) -> None:
        if not any(known in text for known in SAID_ANYWAY):
            complaints.append(text)

    page.on("pageerror", lambda error: complain(str(error)))
    page.on("console", lambda said: complain(said.text) if said.type == "error" else None)
    page.route(lambda asked: not allowed(asked), lambda route: route.abort())


@pytest.fixture
def serve_panel(
    tmp_path: Path, start_python: Callable[..., subprocess.Popen[str]]
) -> Iterator[Callable[[], tuple[psutil.Process, str]]]:
    """Starts the command as a user does, and ends it as Ctrl-C does, also where a shell keeps that away."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[psutil.Process, str]:
        own = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
        process = start_python("durable_nb.cli", "dashboard", ".durable", "--no-browser", env=own)
        started.append(process)
        assert process.stdout is not None
        return psutil.Process(process.pid), process.stdout.readline().strip()

    yield start
    for process in started:
        process.terminate()
        process.wait()


def test_a_failed_run_is_resumed_in_the_browser(
    browser: Browser, tmp_path: Path, serve_panel: Callable[[], tuple[psutil.Process, str]]
) -> None:
    """Only who has the token sees the page; what failed goes on with another parameter, and ends in it."""
    need("voila", "anywidget")
    notebook = save(tmp_path / "nightly.ipynb", CELLS)
    for day in ("2", "4"):
        with pytest.raises(SystemExit):
            main(["run", str(notebook), str(tmp_path / f"out-{day}.ipynb"), "-p", "day", day])
    process, url = serve_panel()
    context = browser.new_context(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    complaints: list[str] = []
    listen(page, complaints)

    page.goto(url.replace("token=", "token=wrong"))
    refused = page.locator(".durable-nb").count(), page.url
    page.goto(url)
    panel = PanelOnPage(page.locator(".durable-nb"))
    page.locator(".item.tone-failed .at-pick input").check()
    panel.press("Resume…")
    page.locator(".resume input").first.fill("3")
    page.locator(".resume .effect p").first.wait_for()
    panel.press("Resume", page.locator(".resume"))
    page.locator(".job.done").wait_for()
    page.locator(".item.tone-failed").wait_for(state="detached")
    told = page.locator(".job").inner_text()
    panel.tab("Steps")
    panel.wait_for("clean", "completed")

    listening = {
        found.laddr.ip
        for one in [process, *process.children(recursive=True)]
        for found in one.net_connections()
        if found.status == psutil.CONN_LISTEN
    }
    context.close()
    runs = open_store(tmp_path / ".durable").ledger.rows("select state, parameters->>'day' as day from runs")
    assert (0, True) == (refused[0], "login" in refused[1])
    assert {"127.0.0.1"} == listening
    assert "Resumed 1 run" in told
    assert complaints == []
    assert {("completed", "2"), ("completed", "3")} == {(run["state"], run["day"]) for run in runs}


def test_the_extension_of_jupyterlab_does_no_harm_in_voila(browser: Browser, jupyter: JupyterServer) -> None:
    """Voilà loads it as any other, though it has no notebooks in tabs; the panel works, nothing complains."""
    need("voila", "anywidget")
    path = save(jupyter.folder / "shown.ipynb", [*CELLS[:2], "import durable_nb\n\ndurable_nb.dashboard()"])
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    complaints: list[str] = []
    listen(page, complaints)

    page.goto(jupyter.url("voila/render", path))
    PanelOnPage(page.locator(".durable-nb")).wait_for("load", "completed")
    loaded = page.evaluate(
        "JSON.parse(document.querySelector('#jupyter-config-data').textContent).federated_extensions"
    )
    context.close()

    assert "durable-nb" in [extension["name"] for extension in loaded]
    assert complaints == []

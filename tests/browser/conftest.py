"""A real Chromium for the tests of this folder, and the panel as its page and its Python see it."""

from __future__ import annotations

import importlib.util
import os
import queue
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from browser.jupyter import JupyterServer, NotebookPage, open_notebook, save, serve

import durable_nb

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from durable_nb.dashboard.panel import Panel

STATIC = Path(durable_nb.__file__).parent / "dashboard" / "static"
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>panel</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="dashboard.css">
<style>body{margin:0;background:#fff}@media(prefers-color-scheme:dark){body{background:#12151b}}</style>
</head><body><main></main><script type="module">
import panel from "./dashboard.js";
const heard = {}, views = {};
const call = (event, content) => (heard[event] ?? []).forEach((listener) => listener(content));
window.show = (name, view) => { views[name] = view; call(`change:${name}`); };
const model = {
  get: (name) => views[name],
  on: (event, listener) => (heard[event] ??= []).push(listener),
  off: (event, listener) => { heard[event] = heard[event].filter((one) => one !== listener); },
  send: async ({ id, ask, args }) => call("msg:custom", { id, ...(await window.answer(ask, args)) }),
};
panel.render({ model, el: document.querySelector("main") });
window.isReady = true;
</script></body></html>"""
"""What anywidget does for the panel, without a kernel between page and panel."""


def missing(what: str) -> NoReturn:
    """Where browser tests cannot run they are skipped aloud; where they must run they fail."""
    if os.environ.get("CI"):
        pytest.fail(f"browser tests need {what}")
    pytest.skip(f"browser tests need {what}")


def need(*packages: str) -> None:
    """What a test of this folder needs beside a browser."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            missing(f"{package}: pip install {package}")


def chromium() -> str:
    """Where the browser is."""
    need("playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("chromium: apt-get install chromium")
    return path


# Not for longer than a module: playwright keeps a loop running in this thread, in which no other test may be.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield started
        started.close()


@dataclass
class PanelPage:
    """A page with a panel.

    Args:
        page: The page.
        panel: What answers it.
    """

    page: Page
    panel: Panel
    sent: queue.SimpleQueue[tuple[str, Any]] = field(default_factory=queue.SimpleQueue)
    """Views that the panel's thread sent and the page has not got yet."""
    complaints: list[str] = field(default_factory=list)
    """What the page's console said."""

    def open(self) -> None:
        """Load the page, and show the panel in it."""
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route("http://panel.test/**", _answer)
        self.page.expose_function("answer", self.panel.ask)
        self.page.goto("http://panel.test/")
        self.page.wait_for_function("window.isReady")
        self.panel.open(lambda view, content: self.sent.put((view, content)))
        self.pass_on()

    def pass_on(self) -> None:
        """Give the page what the panel has sent."""
        while not self.sent.empty():
            self.page.evaluate("([name, view]) => window.show(name, view)", list(self.sent.get()))

    def tab(self, name: str) -> None:
        """Turn to a view."""
        self.page.get_by_role("tab", name=name).first.click()

    def until(self, selector: str) -> None:
        """Wait for something to be shown, passing on what the panel sends meanwhile."""
        while not self.page.locator(selector).first.is_visible():
            self.pass_on()
            self.page.wait_for_timeout(20)


def _answer(route: Any) -> None:
    name = route.request.url.removeprefix("http://panel.test/")
    if name:
        route.fulfill(path=STATIC / name)
    else:
        route.fulfill(body=PAGE, content_type="text/html")


OpenPanel = Callable[..., PanelPage]


@pytest.fixture
def open_panel(browser: Browser) -> Iterator[OpenPanel]:
    """Opens panels; after the test no page may have complained."""
    opened: list[PanelPage] = []

    def open_one(store: Path, notebook: Path, width: int = 1200, scheme: str = "light") -> PanelPage:
        from durable_nb.dashboard.panel import Panel
        from durable_nb.dashboard.workplace import Workplace

        context: Any = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        shown = PanelPage(context.new_page(), Panel(Workplace(store, str(notebook), None)))
        opened.append(shown)
        shown.open()
        return shown

    yield open_one
    for one in opened:
        one.page.context.close()
        one.panel.close()
    assert [one.complaints for one in opened if one.complaints] == []


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Iterator[JupyterServer]:
    """JupyterLab and Notebook 7, for all tests of this folder."""
    chromium()  # without which the server is of no use
    need("jupyterlab", "notebook", "anywidget")
    own = {"DURABLE_NB_KEY_FILE": str(user_key)}
    with serve(tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter"), own) as server:
        yield server


OpenNotebook = Callable[..., NotebookPage]


@pytest.fixture
def open_in(browser: Browser, jupyter: JupyterServer) -> Iterator[OpenNotebook]:
    """Opens a new notebook in an app of Jupyter; after the test its page may not have complained."""
    opened: list[NotebookPage] = []

    def open_one(app: str, cells: list[str], name: str = "orders.ipynb", **look: Any) -> NotebookPage:
        path = save(Path(tempfile.mkdtemp(dir=jupyter.folder)) / name, cells)
        opened.append(open_notebook(browser, jupyter, app, path, **look))
        return opened[-1]

    yield open_one
    for one in opened:
        one.end_kernel()
        one.page.context.close()
    assert [one.complaints for one in opened if one.complaints] == []

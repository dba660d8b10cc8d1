"""A real Jupyter server on this machine, and its pages with a notebook."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

LOOPBACK = "127.0.0.1"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    # A cell that is out of sight keeps its panel: what it shows is what the tests look at.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
FLAGS = (
    "--no-browser",
    "--allow-root",
    f"--ServerApp.ip={LOOPBACK}",
    "--ServerApp.port_retries=0",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
)
_PATIENCE = 120
_PATIENCE_OF_PAGE = 60


@dataclass(frozen=True)
class JupyterServer:
    """JupyterLab and Notebook 7 for the notebooks of one folder."""

    folder: Path
    address: str
    token: str

    def url(self, app: str, path: Path) -> str:
        """Where a notebook is shown by ``lab/tree`` or ``notebooks``; Lab begins anew each time."""
        place = urllib.parse.quote(str(path.relative_to(self.folder)))
        return f"{self.address}/{app}/{place}?reset&token={self.token}"


@contextmanager
def serve(folder: Path, settings: Path, environment: dict[str, str]) -> Iterator[JupyterServer]:
    """A server with settings of its own, which ends with the block."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    own = {f"JUPYTER_{name}_DIR": str(settings / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {
        "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
        "IPYTHONDIR": str(settings / "ipython"),
    }
    app_settings = settings / "app"
    app_settings.mkdir(parents=True)
    (app_settings / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    token, log = secrets.token_urlsafe(16), settings / "server.log"
    words = [f"--ServerApp.port={port}", f"--LabApp.app_settings_dir={app_settings}"]
    words.append(f"--JupyterNotebookApp.app_settings_dir={app_settings}")
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *FLAGS, *words],
            cwd=folder,
            env={**os.environ, **environment, **own, "JUPYTER_TOKEN": token},
            stdout=said,
            stderr=said,
        )
    made = JupyterServer(folder, f"http://{LOOPBACK}:{port}", token)
    try:
        _wait_until_up(process, made, log)
        yield made
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _wait_until_up(process: subprocess.Popen[bytes], server: JupyterServer, log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(
                f"{server.address}/api/status?token={server.token}", timeout=_PATIENCE
            ):
                return
        except urllib.error.URLError:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue


def save(path: Path, cells: list[str] | tuple[str, ...]) -> Path:
    """A notebook with the extension, and cells."""
    content = [new_code_cell(source) for source in ("%load_ext durable_nb", *cells)]
    nbformat.write(new_notebook(cells=content, metadata={"kernelspec": KERNEL}), path)
    return path


NOTEBOOK = "window.jupyterapp.shell.currentWidget"
"""What Lab and Notebook 7 show."""


SAID_ANYWAY = (
    "Cannot read properties of undefined (reading 'schema')",  # Notebook 7.6, for any notebook
    "Command 'filebrowser:open-path' not registered",  # the same
    "Could not restore the debugger state",  # JupyterLab, when any kernel is restarted
)
"""What is said where none of us is."""


@dataclass
class NotebookPage:
    """A notebook that is open in Lab or in Notebook 7.

    Args:
        page: The page.
        folder: Where the notebook is.
    """

    page: Page
    folder: Path
    complaints: list[str] = field(default_factory=list)
    """What the page's console said that is not known to be said anyway."""

    def listen(self) -> None:
        """Take down what goes wrong in the page."""
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        self.page.on("console", lambda said: self._complain(said.text) if said.type == "error" else None)

    def _complain(self, text: str) -> None:
        if not any(known in text for known in SAID_ANYWAY):
            self.complaints.append(text)

    def wait_until_idle(self) -> None:
        """Wait for a kernel that has nothing to do."""
        self.page.wait_for_function(
            "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )

    def start(self, cell: int) -> None:
        """Run a cell by its place, and do not wait for its end."""
        self.page.evaluate(
            f"cell => {{ {NOTEBOOK}.content.activeCellIndex = cell;"
            " window.jupyterapp.commands.execute('notebook:run-cell'); }",
            cell,
        )

    def run(self, *cells: int) -> None:
        """Run cells one after the other, to their end."""
        for cell in cells:
            self.page.evaluate(
                f"cell => {{ {NOTEBOOK}.content.activeCellIndex = cell;"
                " return window.jupyterapp.commands.execute('notebook:run-cell').then(() => null); }",
                cell,
            )

    def evaluate(self, expression: str) -> str:
        """What an expression is in the kernel."""
        return str(
            self.page.evaluate(
                f"""async expression => {{
                    const kernel = {NOTEBOOK}.sessionContext.session.kernel;
                    const asked = {{ code: "", silent: true, user_expressions: {{ asked: expression }} }};
                    const reply = await kernel.requestExecute(asked).done;
                    return reply.content.user_expressions.asked.data["text/plain"];
                }}""",
                expression,
            )
        )

    def wait_until(self, expression: str, value: str) -> None:
        """Wait until an expression has a value in the kernel."""
        self.page.wait_for_function(
            f"""async ([expression, value]) => {{
                const kernel = {NOTEBOOK}.sessionContext.session.kernel;
                const asked = {{ code: "", silent: true, user_expressions: {{ asked: expression }} }};
                const reply = await kernel.requestExecute(asked).done;
                return reply.content.user_expressions.asked.data?.["text/plain"] === value;
            }}""",
            arg=[expression, value],
        )

    def end_kernel(self) -> None:
        """End the kernel, so that it takes nothing from the tests that come."""
        self.page.evaluate(f"{NOTEBOOK}.sessionContext.shutdown().then(() => null)")

    def command(self, name: str, **arguments: str) -> None:
        """Do what a menu does."""
        self.page.evaluate(
            "([name, given]) => window.jupyterapp.commands.execute(name, given).then(() => null)",
            [name, arguments],
        )

    def restart(self) -> None:
        """Restart the kernel."""
        self.page.evaluate(f"{NOTEBOOK}.sessionContext.restartKernel().then(() => null)")
        self.wait_until_idle()

    @property
    def panel(self) -> PanelOnPage:
        """The panel."""
        return PanelOnPage(self.page.locator(".jp-OutputArea-output .durable-nb").last)


@dataclass(frozen=True)
class PanelOnPage:
    """A panel as a person uses it.

    Args:
        root: Its outermost element.
    """

    root: Locator

    def tab(self, name: str) -> None:
        """Turn to a view, or to a page of an opened step."""
        self.root.get_by_role("tab", name=name).first.click()

    def row(self, step: str) -> Locator:
        """The row of a step, with all about it where it is opened."""
        return self.root.locator(f'[data-step="{step}"]')

    def wait_for(self, step: str, state: str) -> None:
        """Wait until a step has a state."""
        self.row(step).locator(f".pill.tone-{state}").wait_for()

    def open(self, step: str) -> Locator:
        """Open a row."""
        row = self.row(step)
        row.locator(".row-open").click()
        row.locator(".tabs-small").wait_for()
        return row

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press a button."""
        (within or self.root).get_by_role("button", name=name, exact=True).first.click()

    def confirm(self, step: str, action: str) -> str:
        """Do what is asked about; what it was said to do."""
        strip = self.row(step).locator(".confirm")
        button = strip.get_by_role("button", name=action, exact=True)
        strip.locator(".awaiting").wait_for(state="detached")
        said = strip.inner_text()
        button.click()
        strip.wait_for(state="detached")
        return said

    def said(self) -> str:
        """What was done, as the panel says it."""
        return str(self.root.locator(".toast p").inner_text())

    def undo(self) -> None:
        """Take back what was done."""
        self.press("Undo", self.root.locator(".toast"))


def open_notebook(browser: Browser, server: JupyterServer, app: str, path: Path, **look: Any) -> NotebookPage:
    """Open a notebook, and wait for its kernel."""
    options: dict[str, Any] = {"viewport": {"width": 1500, "height": 1100}, "reduced_motion": "reduce"}
    context = browser.new_context(**(options | look))
    context.set_default_timeout(1000 * _PATIENCE_OF_PAGE)
    opened = NotebookPage(context.new_page(), path.parent)
    opened.listen()
    opened.page.goto(server.url(app, path))
    opened.wait_until_idle()
    return opened

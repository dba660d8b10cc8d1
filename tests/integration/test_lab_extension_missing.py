"""A page of JupyterLab is told once that the extension is missing; nobody else is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClientConnection, websocket_connect

from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.kernel import lab_extension

LOAD = "%load_ext durable_nb"
_PATIENCE = 120.0


@dataclass
class Server:
    """A Jupyter server in an environment of its own, and a page that uses it."""

    address: str
    prefix: Path

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.address}/api/{path}", data, method=method)) as answer:
            return json.load(answer) if method != "DELETE" else None

    def shown(self, cells: list[str], cell_id: str) -> list[str]:
        """What cells of a notebook show as lines, in a kernel of their own, run as by a page."""
        about = {"path": "nb.ipynb", "name": "nb.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("POST", "sessions", about)
        place = f"{self.address.replace('http', 'ws')}/api/kernels/{session['kernel']['id']}/channels"

        async def run() -> list[str]:
            page = await websocket_connect(place)
            found = [line for cell in cells for line in await execute(page, cell, cell_id)]
            page.close()
            return found

        try:
            return IOLoop(make_current=False).run_sync(run, timeout=_PATIENCE)
        finally:
            self.ask("DELETE", f"sessions/{session['id']}")


async def execute(page: WebSocketClientConnection, code: str, cell_id: str) -> list[str]:
    """Ask as JupyterLab does."""
    request = uuid.uuid4().hex
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
    message = {
        "header": {
            "msg_id": request,
            "msg_type": "execute_request",
            "username": "",
            "session": "s",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {"cellId": cell_id} if cell_id else {},
        "content": content | {"allow_stdin": False, "stop_on_error": True},
        "channel": "shell",
        "buffers": [],
    }
    await page.write_message(json.dumps(message))
    lines = []
    while True:
        seen = json.loads(str(await page.read_message()))
        if seen["parent_header"].get("msg_id") != request:
            continue
        if seen["msg_type"] == "display_data":
            lines.append(seen["content"]["data"]["text/plain"])
        if seen["msg_type"] == "status" and seen["content"]["execution_state"] == "idle":
            return lines


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Iterator[Server]:
    """Jupyter in another environment than durable_nb: the extension is not there."""
    folder = tmp_path_factory.mktemp("server")
    prefix = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    (site,) = prefix.glob("lib/python*/site-packages")
    (site / "tests.pth").write_text("\n".join(path for path in sys.path if path), encoding="utf-8")
    kernels = folder / "data" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    described = {"argv": start, "display_name": "Python 3", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(described), encoding="utf-8")
    names = ("data", "config", "runtime")
    environment = {**os.environ, "DURABLE_NB_KEY_FILE": str(user_key), "JUPYTER_PATH": str(folder / "data")}
    environment |= {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in names}
    environment.pop("JPY_SESSION_NAME", None)
    options = ["--ServerApp.port=0", "--ServerApp.open_browser=False", "--IdentityProvider.token="]
    options += ["--ServerApp.disable_check_xsrf=True", "--allow-root", f"--ServerApp.root_dir={folder}"]
    process = subprocess.Popen(
        [prefix / "bin" / "python", "-m", "jupyter_server", *options],
        cwd=folder,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    yield Server(_address(folder / "runtime", process), prefix)
    process.terminate()
    process.wait()


def _address(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _PATIENCE
    while not (found := list(runtime.glob("jpserver-*.json"))) or not found[0].stat().st_size:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)  # the server's file is all that tells
    return str(json.loads(found[0].read_text())["url"]).rstrip("/")


def test_a_page_is_told_once_and_what_to_type(server: Server) -> None:
    """On one line, under the cell that loads durable_nb; loaded again, nothing is said."""
    again = ["%unload_ext durable_nb", LOAD]
    lines = server.shown([LOAD, *again], "a-cell")

    (line,) = lines
    assert "JupyterLab does not have its extension here" in line
    assert f"{server.prefix}/bin/python -m pip install" in line
    assert "\n" not in line


def test_what_is_no_page_is_told_nothing(server: Server) -> None:
    """Whatever executes a notebook sends no cells."""
    assert [] == server.shown([LOAD], "")


def test_with_the_extension_nothing_is_said(server: Server) -> None:
    """It is looked for where the server looks."""
    place = server.prefix / "share" / "jupyter" / "labextensions" / "durable-nb"
    place.mkdir(parents=True)
    (place / "package.json").write_text("{}")

    try:
        assert [] == server.shown([LOAD], "a-cell")
    finally:
        shutil.rmtree(place)


PAGE = {"JPY_SESSION_NAME": "nb.ipynb"}
CELL = {"metadata": {"cellId": "a-cell"}}


@pytest.mark.parametrize(
    ("environment", "user_ns", "request_", "expected"),
    [
        (PAGE, {}, CELL, True),
        ({}, {}, CELL, False),
        (PAGE, {}, {}, False),
        (PAGE, {}, {"metadata": {"cellId": "vscode-notebook-cell:/nb.ipynb#W0"}}, False),
        (PAGE, {"__vsc_ipynb_file__": "/nb.ipynb"}, CELL, False),
        ({"JPY_SESSION_NAME": "nb-jvsc-1f2e.ipynb"}, {}, CELL, False),
        ({**PAGE, RUN_VARIABLE: "{}"}, {}, CELL, False),
    ],
)
def test_who_is_a_page(environment: Any, user_ns: Any, request_: Any, expected: bool) -> None:
    """JupyterLab and Notebook; not VS Code, an engine, or a terminal."""
    assert expected is lab_extension.is_page(environment, user_ns, request_)

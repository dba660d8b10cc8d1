"""A notebook file, read with a clear word about what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from durable_nb.core.errors import NotebookError


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in `path`, in nbformat 4.

    Raises:
        NotebookError: no such file, no permission, or a file that is no notebook.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotebookError(f"cannot read the notebook {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NotebookError(f"{path} is no notebook: it is not UTF-8 text ({error.reason})") from error
    return _parse(text, path)


def _parse(text: str, path: Path) -> NotebookNode:
    try:
        content = json.loads(text)
    except ValueError as error:
        found = "an empty file" if not text.strip() else f"no JSON ({error})"
        raise NotebookError(f"{path} is no notebook: found {found}, expected an .ipynb file") from error
    if not isinstance(content, dict) or "nbformat" not in content:
        raise NotebookError(f"{path} is no notebook: found JSON without 'nbformat', expected an .ipynb file")
    try:
        nb: NotebookNode = nbformat.reads(text, as_version=4)
        nbformat.validate(nb)
    except Exception as error:
        raise NotebookError(f"{path} is a damaged notebook: {_first_line(error)}") from error
    return nb


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

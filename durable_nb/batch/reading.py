"""A notebook file, read with a clear word about what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from durable_nb.core.errors import NotebookError
from durable_nb.core.notebook_cells import NotebookCell

if TYPE_CHECKING:
    from nbformat import NotebookNode

_KINDS = frozenset({"code", "markdown", "raw"})
_FORMAT = 4
"""Of nbformat; notebooks of older formats are converted to it."""


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in `path`, in nbformat 4, with all that a run needs.

    Raises:
        NotebookError: no such file, no permission, or a file that is no notebook.
    """
    text = _text(path)
    _content(text, path)
    return _validated(text, path)


def read_outline(path: Path) -> NotebookNode:
    """The notebook in `path` to be looked at: its cells and metadata, and not what they showed.

    Raises:
        NotebookError: As from `read_notebook`.
    """
    text = _text(path)
    content = _content(text, path)
    # nbformat alone takes as long as all the rest of a command that answers, and is asked in case of doubt
    return _outline(content) if _is_plain(content) else _validated(text, path)


def cells_of(nb: NotebookNode) -> list[NotebookCell]:
    """The cells of a notebook that was read."""
    return [
        NotebookCell(cell.cell_type, cell.source, cell.metadata.get("tags", []), cell.get("id", ""))
        for cell in nb.cells
    ]


class _Node(dict[str, Any]):
    """A part of a notebook's JSON as nbformat gives it: with attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _outline(content: Mapping[str, Any]) -> NotebookNode:
    cells = [_outlined(cell) for cell in content["cells"]]
    return cast("NotebookNode", _Node({**content, "cells": cells, "metadata": _Node(content["metadata"])}))


def _outlined(cell: Mapping[str, Any]) -> NotebookNode:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    return cast("NotebookNode", _Node({**cell, "source": source, "metadata": _Node(cell["metadata"])}))


def _is_plain(content: Mapping[str, Any]) -> bool:
    """Whether this is a notebook in the present format beyond doubt."""
    cells = content.get("cells")
    return (
        content["nbformat"] == _FORMAT
        and isinstance(content.get("metadata"), dict)
        and isinstance(cells, list)
        and all(_is_plain_cell(cell) for cell in cells)
    )


def _is_plain_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in _KINDS:
        return False
    source, metadata = cell.get("source"), cell.get("metadata")
    lines = source if isinstance(source, list) else [source]
    is_code = cell["cell_type"] == "code"
    return (
        all(isinstance(line, str) for line in lines)
        and isinstance(metadata, dict)
        and isinstance(metadata.get("tags", []), list)
        and (not is_code or ("execution_count" in cell and isinstance(cell.get("outputs"), list)))
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotebookError(f"cannot read the notebook {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NotebookError(f"{path} is no notebook: it is not UTF-8 text ({error.reason})") from error


def _content(text: str, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        found = "an empty file" if not text.strip() else f"no JSON ({error})"
        raise NotebookError(f"{path} is no notebook: found {found}, expected an .ipynb file") from error
    if not isinstance(content, dict) or "nbformat" not in content:
        raise NotebookError(f"{path} is no notebook: found JSON without 'nbformat', expected an .ipynb file")
    return content


def _validated(text: str, path: Path) -> NotebookNode:
    import nbformat

    try:
        nb: NotebookNode = nbformat.reads(text, as_version=_FORMAT)
        nbformat.validate(nb)
    except Exception as error:
        raise NotebookError(f"{path} is a damaged notebook: {_first_line(error)}") from error
    return nb


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

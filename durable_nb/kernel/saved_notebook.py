"""The cells of a notebook file, as a kernel needs them: without what makes nbformat slow to import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from durable_nb.core.errors import NotebookError


def saved_cells(notebook: str) -> Iterator[tuple[str, str, list[str]]]:
    """Of each cell its type, its source and its tags.

    Raises:
        NotebookError: The file cannot be read as a notebook.
    """
    try:
        with open(notebook, encoding="utf-8") as file:
            cells = json.load(file)["cells"]
        yield from [_cell(cell) for cell in cells]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookError(f"{notebook} cannot be read as a notebook: {error!r}; save it again") from error


def _cell(cell: dict[str, Any]) -> tuple[str, str, list[str]]:
    return str(cell["cell_type"]), "".join(cell["source"]), list(cell.get("metadata", {}).get("tags", []))

"""The cells of a notebook file, as a kernel needs them: without what makes nbformat slow to import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from durable_nb.core.errors import NotebookError
from durable_nb.core.notebook_cells import NotebookCell


def saved_cells(notebook: str) -> Iterator[NotebookCell]:
    """The cells as they are in the file.

    Raises:
        NotebookError: The file cannot be read as a notebook.
    """
    try:
        with open(notebook, encoding="utf-8") as file:
            cells = json.load(file)["cells"]
        yield from [_cell(cell) for cell in cells]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookError(f"{notebook} cannot be read as a notebook: {error!r}; save it again") from error


def _cell(cell: dict[str, Any]) -> NotebookCell:
    tags = list(cell.get("metadata", {}).get("tags", []))
    return NotebookCell(str(cell["cell_type"]), "".join(cell["source"]), tags, str(cell.get("id") or ""))

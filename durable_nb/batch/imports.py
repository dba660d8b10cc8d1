"""What the code of a notebook imports."""

from __future__ import annotations

from nbformat import NotebookNode

from durable_nb.batch.steps import is_executable
from durable_nb.core.analysis import analyse
from durable_nb.core.cells import comment_out, find_marker, parse_loosely


def imported_packages(nb: NotebookNode) -> list[str]:
    """The top-level names that the notebook's cells import, sorted."""
    found: set[str] = set()
    for cell in nb.cells:
        if is_executable(cell):
            marker = find_marker(cell.source)
            source = comment_out(cell.source, marker) if marker is not None else cell.source
            found |= {name.partition(".")[0] for name in analyse(parse_loosely(source)).imports}
    return sorted(name for name in found if name.isidentifier())

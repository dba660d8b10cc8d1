"""Notebooks as papermill reads them: a cell marked ``%%params`` has papermill's tag, so that it is found.

Then ``papermill --help-notebook`` lists the parameters, and values are put below that cell, with any engine.
"""

from __future__ import annotations

import json

from durable_nb.core.parameter_cells import DECLARING_TAG, find_parameters


def tagged(text: str) -> str:
    """The text of a notebook, in which the first cell that declares parameters has papermill's tag."""
    if "%%params" not in text and "params:" not in text:
        return text
    try:
        nb = json.loads(text)
        cells = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
        if any(DECLARING_TAG in cell["metadata"].get("tags", []) for cell in cells):
            return text
        marked = next((cell for cell in cells if find_parameters("".join(cell["source"]))), None)
        if marked is None:
            return text
        marked["metadata"].setdefault("tags", []).append(DECLARING_TAG)
    except (ValueError, KeyError, TypeError, AttributeError):
        return text  # papermill says what is wrong with it
    return json.dumps(nb)


def install() -> None:
    """Let papermill read local notebooks so; again without effect."""
    from papermill.iorw import LocalHandler, papermill_io  # papermill loads engines while it is being loaded

    class MarkedNotebooks(LocalHandler):  # type: ignore[misc]  # papermill has no types
        """Reads local files as papermill does, and tags what it finds."""

        def read(self, path: str) -> str:
            """The file's text."""
            return tagged(str(super().read(path)))

    handlers = papermill_io._handlers  # it offers no way to replace the handler that all others fall back on
    for index, (scheme, handler) in enumerate(handlers):
        if scheme == "local" and type(handler) is LocalHandler:
            handlers[index] = (scheme, MarkedNotebooks())

"""A run's parameters in its notebook: a cell with their values, below those that declare them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from durable_nb.batch.parameters import Checked, declaring_indices, tags_of
from durable_nb.core.parameter_cells import DECLARING_TAG, INJECTED_TAG


def with_values(nb: NotebookNode, parameters: Checked) -> NotebookNode:
    """A copy of a notebook in Python in which the values stand below the cells that declare parameters."""
    made = NotebookNode({**nb, "cells": list(nb.cells), "metadata": NotebookNode({**nb.metadata})})
    if "papermill" in made.metadata:
        made.metadata["papermill"] = NotebookNode(
            {**made.metadata["papermill"], "parameters": dict(parameters.record)}
        )
    _tag_first(made)
    if parameters.values:
        _inject(made, _source(parameters.values, parameters.hidden))
    return made


def _tag_first(nb: NotebookNode) -> None:
    """Let papermill find the parameters in the notebook that comes out."""
    declaring = declaring_indices(nb)
    if not declaring or any(DECLARING_TAG in tags_of(nb.cells[index]) for index in declaring):
        return
    cell = nb.cells[declaring[0]]
    metadata = NotebookNode({**cell.metadata, "tags": [*tags_of(cell), DECLARING_TAG]})
    nb.cells[declaring[0]] = NotebookNode({**cell, "metadata": metadata})


def _inject(nb: NotebookNode, source: str) -> None:
    injected = [cell for cell in nb.cells if INJECTED_TAG in tags_of(cell)][:1]
    place = next((i for i, cell in enumerate(nb.cells) if cell in injected), 0)
    nb.cells = [cell for cell in nb.cells if cell not in injected]
    declaring = declaring_indices(nb)
    place = declaring[-1] + 1 if declaring else place
    cell = NotebookNode({**injected[0]}) if injected else _new_cell()
    cell["source"] = source
    nb.cells.insert(place, cell)


def _new_cell() -> NotebookNode:
    cell: NotebookNode = new_code_cell(metadata={"tags": [INJECTED_TAG]})
    cell["id"] = uuid4().hex[:8]
    return cell


def _source(values: Mapping[str, Any], hidden: frozenset[str]) -> str:
    """The code of the cell with the values; a secret is asked for, so that it stands nowhere."""
    lines = [
        f'{name} = __import__("durable_nb").secret("{name}")'
        if name in hidden
        else f"{name} = {_code(value)}"
        for name, value in values.items()
    ]
    return "\n".join(["# Parameters", *lines])


def _code(value: Any) -> str:
    """Python that makes a value anew."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_code(key)}: {_code(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_code, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{_code(item)}, " for item in value) + ")"
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    return repr(str(value))  # as papermill does: a date from YAML, a path

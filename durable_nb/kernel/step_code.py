"""A step's cell, read once: its statements, the names in them, its identity."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from durable_nb.core.analysis import Definitions, Names, analyse, find_definitions
from durable_nb.core.cells import StepCell
from durable_nb.core.code import step_fingerprint


@dataclass(frozen=True, slots=True)
class StepCode:
    """What is known of a step before it runs."""

    cell: StepCell
    cell_id: str
    """The front end's id of the cell; empty where it gives none."""
    cell_name: str
    """The file name under which IPython compiles the cell."""
    tree: ast.Module
    names: Names
    definitions: Definitions
    fingerprint: str
    """Of the normalised code and of the options that change the result."""


def read_code(cell: StepCell, tree: ast.Module, cell_name: str, cell_id: str) -> StepCode:
    """Analyse the cell of a step, as IPython has parsed it."""
    return StepCode(
        cell,
        cell_id,
        cell_name,
        tree,
        analyse(tree),
        find_definitions(tree),
        step_fingerprint(cell, tree),
    )

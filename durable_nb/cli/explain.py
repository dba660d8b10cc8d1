"""``durable-nb plan`` and ``why``: what a run would do, and why, without running anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_nb.cli.options import find_existing_store, json_option, run_options, store_option

if TYPE_CHECKING:
    from durable_nb.core.planning import Plan
    from durable_nb.store.store import Store

_NOTEBOOK = click.Path(path_type=Path)

_PLAN_EPILOG = """\b
Example:
  durable-nb plan report.ipynb
  durable-nb plan report.ipynb -p day 2026-11-01

Nothing is run. Known are literals and parameters, imports, functions and classes that need nothing
else, and what the stored results of earlier steps hold; of the rest it says on which cell it depends.
"""


@click.command(epilog=_PLAN_EPILOG)
@click.argument("notebook", metavar="IN", type=_NOTEBOOK)
@run_options
@store_option
@json_option
def plan(
    *,
    notebook: Path,
    pairs: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    cwd: Path | None,
    store_path: Path | None,
    as_json: bool,
) -> None:
    """Show which steps of IN a run would reuse and which it would execute, and why."""
    from durable_nb.cli import explain_tables, parameters, tables

    values = parameters.collect(files, pairs)
    store = find_existing_store(store_path, notebook.resolve())
    found = _plan(notebook, values, cwd, store)
    if as_json:
        tables.print_json(found.as_json())
    else:
        explain_tables.print_plan(found)


_WHY_EPILOG = """\b
Example:
  durable-nb why clean
  durable-nb why clean report.ipynb -p day 2026-11-01
"""


@click.command(epilog=_WHY_EPILOG)
@click.argument("step", metavar="STEP")
@click.argument("notebook", metavar="[IN]", type=_NOTEBOOK, required=False)
@run_options
@store_option
@json_option
def why(
    *,
    step: str,
    notebook: Path | None,
    pairs: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    cwd: Path | None,
    store_path: Path | None,
    as_json: bool,
) -> None:
    """Show why STEP was executed, and whether a run would execute it now, with all differences.

    IN is the notebook in which STEP last completed, if none is named.
    """
    from durable_nb.cli import explain_tables, parameters, tables
    from durable_nb.cli.explained import explain_step

    values = parameters.collect(files, pairs)
    store = find_existing_store(store_path, notebook.resolve() if notebook is not None else None)
    found = explain_step(step, notebook, store, lambda path: _plan(path, values, cwd, store))
    if as_json:
        tables.print_json(found.as_json())
    else:
        explain_tables.print_why(found)


def _plan(notebook: Path, values: Mapping[str, Any], cwd: Path | None, store: Store | None) -> Plan:
    from durable_nb.batch.reading import read_notebook
    from durable_nb.batch.steps import declared_steps
    from durable_nb.core.planning import plan_cells, with_parameters
    from durable_nb.kernel.outlook import Outlook

    nb = read_notebook(notebook)
    declared_steps(nb)  # refuses two cells with one name, as a run does
    folder = (cwd or notebook.parent).resolve()
    sys.path.insert(0, str(folder))  # modules are found where the kernel would find them
    cells = [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in nb.cells]
    return Outlook(store, folder).plan(str(notebook), with_parameters(list(plan_cells(cells)), values))

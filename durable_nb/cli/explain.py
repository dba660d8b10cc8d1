"""``durable-nb plan`` and ``why``: what a run would do, and why, without running anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_nb.cli.completing import NotebookType, StepType
from durable_nb.cli.json_text import print_json
from durable_nb.cli.options import find_traces, json_option, run_options, store_option

if TYPE_CHECKING:
    from durable_nb.core.planning import Plan
    from durable_nb.store.store import Store

_NOTEBOOK = NotebookType()

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
    secrets: tuple[str, ...],
    cwd: Path | None,
    store_path: Path | None,
    as_json: bool,
) -> None:
    """Show which steps of IN a run would reuse and which it would execute, and why."""
    from durable_nb.batch.inspecting.effective import as_json as as_json_values
    from durable_nb.batch.inspecting.effective import planned_parameters
    from durable_nb.cli.parameters import collect

    values = collect(files, pairs)
    store = find_traces(store_path, notebook.resolve())
    found = plan_notebook(notebook, values, secrets, cwd, store)
    parameters = planned_parameters(notebook, values, secrets, store)
    if as_json:
        print_json({**found.as_json(), "parameters": as_json_values(parameters)})
    else:
        from durable_nb.cli.explain_tables import print_plan

        print_plan(found, parameters)


_WHY_EPILOG = """\b
Example:
  durable-nb why clean
  durable-nb why clean report.ipynb -p day 2026-11-01
"""


@click.command(epilog=_WHY_EPILOG)
@click.argument("step", metavar="STEP", type=StepType())
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
    secrets: tuple[str, ...],
    cwd: Path | None,
    store_path: Path | None,
    as_json: bool,
) -> None:
    """Show why STEP was executed, and whether a run would execute it now, with all differences.

    IN is the notebook in which STEP last completed, if none is named.
    """
    from durable_nb.cli import parameters
    from durable_nb.cli.explained import explain_step

    values = parameters.collect(files, pairs)
    store = find_traces(store_path, notebook.resolve() if notebook is not None else None)
    found = explain_step(step, notebook, store, lambda path: plan_notebook(path, values, secrets, cwd, store))
    if as_json:
        print_json(found.as_json())
    else:
        from durable_nb.cli.explain_tables import print_why

        print_why(found)


def plan_notebook(
    notebook: Path, given: Mapping[str, Any], secrets: Sequence[str], cwd: Path | None, store: Store | None
) -> Plan:
    """What running a notebook with these parameters would do."""
    from durable_nb.batch.parameter_edits import edited_parameters
    from durable_nb.batch.parameters import check
    from durable_nb.batch.reading import cells_of, read_outline
    from durable_nb.batch.steps import declared_steps
    from durable_nb.core.planning import plan_cells, with_parameters
    from durable_nb.kernel.secret_values import SECRETS
    from durable_nb.kernel.showing.outlook import Outlook

    nb = read_outline(notebook)
    edited = {name: edit.value for name, edit in edited_parameters(store, notebook).items()}
    checked = check(nb, given, edited=edited, secrets=secrets)
    for name, value in checked.secrets.values.items():
        SECRETS.add(name, value)
    declared_steps(nb)  # refuses two cells with one name, as a run does
    folder = (cwd or notebook.parent).resolve()
    sys.path.insert(0, str(folder))  # modules are found where the kernel would find them
    cells = list(plan_cells(cells_of(nb)))
    return Outlook(store, folder).plan(str(notebook), with_parameters(cells, checked.values))

"""The steps that a notebook file declares, beside what the ledger knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from durable_nb.batch.inspecting.reports import StepReport
from durable_nb.batch.reading import read_outline
from durable_nb.batch.steps import declared_steps
from durable_nb.core.model import State


def as_declared(notebook: Path, known: Sequence[StepReport]) -> list[StepReport]:
    """One report for each step in the file, in its order; pending where nothing is known.

    Raises:
        NotebookError: the file is no notebook, or cannot be read.
        UsageError: a step in it that cannot be understood.
    """
    by_name = {report.step: report for report in known}
    names = [step.cell.name for step in declared_steps(read_outline(notebook)).values()]
    return [by_name.get(name) or _never_run(notebook, name) for name in names]


def _never_run(notebook: Path, name: str) -> StepReport:
    return StepReport(str(notebook), name, State.PENDING, 0, "", None, None, "", None, "")

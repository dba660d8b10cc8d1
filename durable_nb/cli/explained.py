"""Everything that explains one step: what the store knows of it, and what a run would do."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from durable_nb.batch.inspecting.reports import StepReport, step_status
from durable_nb.cli.options import one_look
from durable_nb.core.errors import UnknownStepError
from durable_nb.core.model import Json
from durable_nb.core.past import PastExecution, past_executions
from durable_nb.core.planning import Plan, PlannedStep
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """Why a step executed, and what would become of it now."""

    step: str
    last: StepReport | None
    """How it stands; None where it never ran."""
    past: PastExecution | None
    """Its newest result, and how its inputs differed from those of the one before."""
    planned: PlannedStep | None
    """None where its notebook is not known or not there."""
    notebook: str

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        return {
            "step": self.step,
            "notebook": self.notebook or None,
            "last": None if self.last is None else self.last.as_json(),
            "last_completed": None if self.past is None else self.past.as_json(),
            "now": None if self.planned is None else self.planned.as_json(),
        }


def explain_step(
    step: str, notebook: Path | None, store: Store | None, plan: Callable[[Path], Plan]
) -> ExplainedStep:
    """Everything about a step.

    Args:
        step: Its name.
        notebook: The notebook it is in; None for the one in which it last completed, or else was tried.
        store: Where results are; None where there is none yet.
        plan: Plans a notebook.

    Raises:
        UnknownStepError: Neither the notebook nor the store has such a step.
        NotebookError: The notebook that was named cannot be read.
    """
    past = _newest(step, store)
    reports = _reports(store, notebook)
    if notebook is None:
        notebook = _notebook_of(step, past, reports)
        reports = [r for r in reports if notebook is None or r.notebook == str(notebook)] or reports
    planned = plan(notebook) if notebook is not None else None
    last = next((report for report in reports if report.step == step), None)
    found = planned.of(step) if planned is not None else None
    if last is None and past is None and found is None:
        names = [*(s.step for s in planned.steps)] if planned is not None else [r.step for r in reports]
        raise UnknownStepError(_unknown(step, names, store))
    return ExplainedStep(step, last, past, found, str(notebook or ""))


def _newest(step: str, store: Store | None) -> PastExecution | None:
    if store is None:
        return None
    traces = store.traces.latest(step, limit=2)
    return next(past_executions(traces, store.overrides.standing(step)), None)


def _notebook_of(step: str, past: PastExecution | None, reports: list[StepReport]) -> Path | None:
    """Where the step last completed, or else was last tried; None where that notebook is gone."""
    known = [report for report in reports if report.step == step and report.updated_at is not None]
    tried = sorted(known, key=lambda report: str(report.updated_at), reverse=True)
    names = [*([past.trace.notebook] if past is not None else []), *(report.notebook for report in tried)]
    return next((Path(name) for name in names if name and Path(name).exists()), None)


def _reports(store: Store | None, notebook: Path | None) -> list[StepReport]:
    if store is None:
        return []
    with one_look(store):
        return step_status(store, notebook.resolve() if notebook is not None else None)


def _unknown(step: str, names: list[str], store: Store | None) -> str:
    near = difflib.get_close_matches(step, names, n=1)
    if near:
        return f"there is no step {step!r}; did you mean {near[0]!r}?"
    where = f" in {store.path}" if store is not None else ""
    known = ", ".join(dict.fromkeys(names)) or "none"
    return f"there is no step {step!r}{where}. Known steps: {known}. List them: durable-nb status"

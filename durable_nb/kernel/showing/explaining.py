"""Why a step executes, what running the notebook would do, and what a step has left so far."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice

from durable_nb.core.cells import read_cell
from durable_nb.core.errors import UnknownStepError
from durable_nb.core.notebook_cells import NotebookCell
from durable_nb.core.past import past_executions
from durable_nb.core.planning import PlanCell, plan_cells, readable_cells
from durable_nb.kernel.depending.watch import unwatched
from durable_nb.kernel.saved_notebook import saved_cells
from durable_nb.kernel.session import Session
from durable_nb.kernel.showing.explanations import HistoryView, PlanView, WhyView
from durable_nb.kernel.showing.outlook import LiveOutlook

_MOST_EXECUTIONS = 20
"""Traces that a history shows."""


def plan(session: Session) -> PlanView:
    """What running the notebook's cells in their order would do now."""
    with unwatched():
        cells, note = cells_now(session)
        return PlanView(outlook(session).plan(session.run.notebook, cells), note)


def outlook(session: Session) -> LiveOutlook:
    """What a plan may know in this kernel at this moment."""
    ran = session.shell.history_manager.input_hist_raw if session.shell.history_manager else []
    return LiveOutlook(session.store, session.namespace, ran)


def why(session: Session, step: str) -> WhyView:
    """Why a step executed when it last did, and what would become of it now.

    Raises:
        UnknownStepError: Neither the notebook nor the store has such a step.
    """
    planned = plan(session).plan.of(step)
    reports = {report.step: report for report in session.all_reports()}
    last = reports.get(step)
    if planned is None and last is None:
        raise UnknownStepError(_unknown(step, [*reports, *(s.step for s in plan(session).plan.steps)]))
    reasons = last.reasons if last is not None else ()
    if not reasons:
        with unwatched():
            traces = session.store.traces.latest(step, limit=2)
            past = next(past_executions(traces, session.store.overrides.standing(step)), None)
        reasons = past.differences if past is not None else ()
    return WhyView(step, last, reasons, planned)


def history(session: Session, step: str) -> HistoryView:
    """What a step has left so far, newest first.

    Raises:
        UnknownStepError: The store has no such step.
    """
    with unwatched():
        store = session.store
        ids = store.traces.ids(step)
        if not ids:
            raise UnknownStepError(_unknown(step, [report.step for report in session.all_reports()]))
        traces = store.traces.latest(step, limit=_MOST_EXECUTIONS + 1)
        past = past_executions(traces, store.overrides.standing(step))
        shown = tuple(islice(past, _MOST_EXECUTIONS))
        return HistoryView(step, shown, max(0, len(ids) - _MOST_EXECUTIONS))


def cells_now(session: Session) -> tuple[list[PlanCell], str]:
    """The cells of the notebook on the screen, and in words what they are of.

    Without a front end that tells: as saved, steps as they ran since; or the steps that the kernel has run.
    """
    shown = session.shown.cells()
    if shown is not None:
        return list(readable_cells(shown)), "of the notebook as it is on the screen"
    notebook = session.run.notebook
    seen = {step: found for step in session.claimed() if (found := session.last_seen(step)) is not None}
    if not notebook or not os.path.exists(notebook):
        run = plan_cells(NotebookCell("code", source) for _, source, _ in seen.values())
        return list(run), "of the steps that this kernel has run: it knows of no notebook file"
    saved_at = os.stat(notebook).st_mtime
    newer = {step: source for step, (_, source, at) in seen.items() if at > saved_at}
    cells = [_as_run(cell, newer) for cell in plan_cells(saved_cells(notebook))]
    return cells, f"of the notebook as saved at {datetime.fromtimestamp(saved_at).astimezone():%H:%M:%S}"


def _as_run(cell: PlanCell, newer: dict[str, str]) -> PlanCell:
    """The cell as it ran, if that was after the notebook was saved."""
    source = newer.get(cell.step.name) if cell.step is not None else None
    return cell if source is None else replace(cell, source=source, step=read_cell(source))


def _unknown(step: str, known: Iterable[str]) -> str:
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(step, names, n=1)
    if near:
        return f"there is no step {step!r}; did you mean {near[0]!r}?"
    return f"there is no step {step!r}. Steps are: {', '.join(names) or 'none yet'}"

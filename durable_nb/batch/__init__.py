"""Outside the kernel: whole notebooks executed as durable runs.

What the commands of ``durable-nb`` do, any program can do with these::

    from durable_nb.batch import Changes, list_runs, resume, run_notebook, unfinished_runs

    report = run_notebook("report.ipynb", "monday.ipynb", {"day": "2026-11-01"}, tags={"team": "ops"})
    with closing(durable_nb.open_store(".durable")) as store:
        for run in unfinished_runs(store, since_seconds=86_400):
            resume(store, run.run_id, Changes(force=("load",)))

Names are imported when they are used: papermill takes half a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durable_nb.batch.changes import Changes as Changes
    from durable_nb.batch.engine_run import RunStoppedError as RunStoppedError
    from durable_nb.batch.engine_run import run_notebook as run_notebook
    from durable_nb.batch.inspecting.reports import RunReport as RunReport
    from durable_nb.batch.inspecting.reports import list_runs as list_runs
    from durable_nb.batch.inspecting.reports import run_report as run_report
    from durable_nb.batch.inspecting.unfinished import unfinished_runs as unfinished_runs
    from durable_nb.batch.parameter_edits import edited_parameters as edited_parameters
    from durable_nb.batch.parameter_edits import set_parameter as set_parameter
    from durable_nb.batch.parameter_edits import unset_parameter as unset_parameter
    from durable_nb.batch.resuming import Resumption as Resumption
    from durable_nb.batch.resuming import plan_resume as plan_resume
    from durable_nb.batch.resuming import resume as resume
    from durable_nb.batch.resuming_many import resume_all as resume_all

_HOME = {
    "Changes": "changes",
    "Resumption": "resuming",
    "RunReport": "inspecting.reports",
    "RunStoppedError": "engine_run",
    "edited_parameters": "parameter_edits",
    "list_runs": "inspecting.reports",
    "plan_resume": "resuming",
    "resume": "resuming",
    "resume_all": "resuming_many",
    "run_notebook": "engine_run",
    "run_report": "inspecting.reports",
    "set_parameter": "parameter_edits",
    "unfinished_runs": "inspecting.unfinished",
    "unset_parameter": "parameter_edits",
}
"""Public name → module that has it."""

__all__ = sorted(_HOME)  # noqa: PLE0605  # a list of names, made from the table


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

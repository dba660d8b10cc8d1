"""A notebook file executed from start to end as a durable run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from papermill import execute_notebook
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillException, PapermillExecutionError

from durable_nb.batch.beginning import Run
from durable_nb.batch.engine import ENGINE, DurableEngine
from durable_nb.batch.engine_reading import install
from durable_nb.batch.inspecting.reports import RunReport, run_report
from durable_nb.batch.parameters import prepare
from durable_nb.batch.reading import read_notebook
from durable_nb.core.errors import UsageError
from durable_nb.store.location import find_store
from durable_nb.store.store import open_store


class RunStoppedError(KeyboardInterrupt):
    """The run was stopped by Ctrl-C or SIGTERM; the same call goes on from there."""

    def __init__(self, report: RunReport) -> None:
        super().__init__(f"run {report.run_id} was stopped")
        self.report = report


def run_notebook(
    notebook: str | Path,
    output: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    store: Path | None = None,
    kernel_name: str | None = None,
    cwd: Path | None = None,
    cell_timeout: int | None = None,
    keep_going: bool | None = None,
    kernel_restarts: int | None = None,
    jobs: int | None = None,
    on_failure: str | Sequence[str] | None = None,
    on_success: str | Sequence[str] | None = None,
    auto: bool = False,
    verify_reused: float = 0.0,
    new_run: bool = False,
    resume: str = "",
    from_step: str = "",
    force: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    parent: str = "",
    known_as: str | None = None,
    secrets: Sequence[str] | None = None,
    progress: bool = True,
    on_run: Callable[[Run], None] | None = None,
) -> RunReport:
    """Execute a notebook, or go on with the unfinished run of it that had the same parameters.

    A cell that fails does not raise: it is in the report.

    Args:
        notebook: The notebook's file.
        output: Where the executed notebook goes, as papermill takes it; None to keep none.
        parameters: Values for the names in the notebook's parameters cell.
        store: The store's folder, if not the one that belongs to the notebook.
        kernel_name: The kernel, if not the one that the notebook names.
        cwd: The kernel's working directory; the notebook's folder if None.
        cell_timeout: Seconds that each cell may take; None for no limit.
        keep_going: Whether cells that do not need what a failed one would have made run after it.
        kernel_restarts: How many times a kernel that died is replaced.
        jobs: How many kernels execute steps that do not depend on each other at the same time.
        on_failure: URLs or functions (``module:function``) that are told of a run that did not complete.
        on_success: The same for a run that completed.
        auto: Whether every code cell is a step, not only those marked as one.
        verify_reused: The fraction of reusable steps to execute anyway, to compare what comes out.
        new_run: Whether to begin another run where the last one with these parameters is unfinished.
        resume: Id of the run to go on with, whatever its parameters were; see `durable_nb.batch.resuming`.
        from_step: This step and all after it are executed even if they are up to date.
        force: Steps that are executed even if they are up to date.
        tags: What the run is marked with, name to value.
        parent: Id of the run that this one is started from.
        known_as: Path under which the notebook is recorded, if it is not its own.
        secrets: Names of parameters whose values are written nowhere, beside those that look secret.
        progress: Whether to draw a progress bar on a terminal.
        on_run: Called with the run once it is recorded, before the first cell.

    Raises:
        NotebookError: the file is no notebook, or cannot be read.
        UsageError: parameters or steps that cannot be used; nothing was run.
        StoreError: the store or the output cannot be written.
        RunStoppedError: Ctrl-C or SIGTERM, after an orderly end.
    """
    notebook = Path(notebook)
    nb = read_notebook(notebook)
    values = prepare(nb, parameters or {}, secrets=secrets or ()).values
    folder = store or find_store(notebook)
    papermill_engines.register(ENGINE, DurableEngine)
    install()
    runs: list[Run] = []

    def note(run: Run) -> None:
        runs.append(run)
        if on_run is not None:
            on_run(run)

    stopped = False
    try:
        execute_notebook(
            str(notebook).replace("{", "{{").replace("}", "}}"),
            None if output is None else str(output),
            dict(values),
            engine_name=ENGINE,
            kernel_name=DurableEngine.nb_kernel_name(nb, kernel_name),
            language=DurableEngine.nb_language(nb),
            cwd=str(cwd or notebook.absolute().parent),
            progress_bar=progress,
            store=folder,
            on_run=note,
            execution_timeout=cell_timeout,
            keep_going=keep_going,
            kernel_restarts=kernel_restarts,
            jobs=jobs,
            on_failure=on_failure,
            on_success=on_success,
            auto=auto,
            verify_reused=verify_reused,
            new_run=new_run,
            resume=resume,
            from_step=from_step,
            force=force,
            tags=tags,
            parent=parent,
            known_as=known_as,
            secrets=secrets,
        )
    except PapermillExecutionError:
        pass  # the ledger and the report tell it
    except PapermillException as error:
        raise UsageError(str(error)) from error
    except (KeyboardInterrupt, SystemExit):
        if not runs:
            raise
        stopped = True
    with closing(open_store(folder)) as opened:
        report = run_report(opened, runs[0].run_id, last_pass=True)
    if stopped:
        raise RunStoppedError(report)
    return report

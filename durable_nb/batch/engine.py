"""The papermill engine ``durable``: ``papermill IN OUT --engine durable``."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from nbformat import NotebookNode

from durable_nb.batch import cell_status, runs
from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.execution import Ended, Execution
from durable_nb.batch.notebook_file import NotebookFile
from durable_nb.batch.output_log import OutputLog
from durable_nb.batch.progress import Progress
from durable_nb.batch.runs import Run
from durable_nb.batch.steps import declared_steps
from durable_nb.core.model import State
from durable_nb.store.location import find_store
from durable_nb.store.store import Store, open_store

ENGINE = "durable"
_log = logging.getLogger("durable_nb.batch")


class AllowedError(NotebookNode):
    """An error output that its cell's tag expects.

    papermill looks at the attribute ``output_type`` of every output and fails the notebook for an
    ``error``; what is written to the file comes from the item, which stays the truth.
    """

    output_type = "allowed error"


class DurableEngine:
    """Executes a notebook as a durable run: the same command, given again, goes on from where it stopped.

    Has the methods of papermill's Engine without deriving from it: papermill loads this module while it
    is being imported itself, so this one can only import papermill when it is used.
    """

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        *,
        output_path: str | None = None,
        progress_bar: bool | Mapping[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: float = 30,
        input_path: str | None = None,
        store: str | Path | None = None,
        auto: bool = False,
        verify_reused: float = 0.0,
        on_run: Callable[[Run], None] | None = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        stdout_file: TextIO | None = None,
        stderr_file: TextIO | None = None,
        **traits: Any,
    ) -> NotebookNode:
        """Execute `nb`; its outputs and papermill's metadata are in it when this returns.

        Args:
            nb: The notebook, with its parameters already in it.
            kernel_name: Name of the kernel to start.
            output_path: Where the notebook is saved after each cell; None where papermill alone saves it.
            progress_bar: Whether to draw a bar on a terminal, or the settings of a tqdm bar.
            log_output: Whether outputs also go to the log.
            autosave_cell_every: Seconds between two saves while one cell runs; 0 for none.
            input_path: Where the notebook came from; it and the parameters tell which run is resumed.
            store: The store's folder, if not the one that belongs to the notebook.
            auto: Whether every code cell is a step, not only those marked as one.
            verify_reused: The fraction of reusable steps to execute anyway, to compare what comes out.
            on_run: Called with the run once it is recorded.
            start_timeout: Seconds that the kernel has to start.
            execution_timeout: Seconds that each cell has; None or 0 for no limit.
            stdout_file: An open file that printed text also goes to.
            stderr_file: The same for the error stream.
            traits: Settings of nbclient's NotebookClient.

        Raises:
            UsageError: two steps of one name, a malformed step option, a kernel that is not installed.
            StoreError: the store or the output notebook cannot be written.
            KernelDiedError: the kernel did not start.
            KeyboardInterrupt: Ctrl-C; the run is resumed by the same command.
            SystemExit: status 143 after SIGTERM, likewise.
        """
        from durable_nb.batch.engine_output import target_of

        steps = declared_steps(nb)
        notebook = _identity(input_path)
        parameters = dict(nb.metadata.get("papermill", {}).get("parameters", {}))
        file = NotebookFile(nb, target_of(output_path))
        opened = open_store(store or find_store(Path(notebook) if Path(notebook).is_absolute() else None))
        told = {
            "notebook": notebook,
            "engine": ENGINE,
            "parameters": parameters,
            "store": str(opened.path),
            "auto": auto,
            "verify_reused": verify_reused,
        }
        cell_status.reset(nb)
        file.save()
        progress = Progress(len(nb.cells), progress_bar)
        try:
            execution = Execution(
                nb,
                file,
                steps,
                progress,
                autosave_seconds=autosave_cell_every,
                on_output=OutputLog(log_output, stdout_file, stderr_file).write,
                kernel_name=kernel_name,
                startup_timeout=start_timeout,
                timeout=execution_timeout or traits.pop("timeout", None),
                **traits,
            )
            run = runs.begin(opened, notebook, parameters, engine=ENGINE, output=_identity(output_path))
            _log.info("%s", run.announcement())
            if on_run is not None:
                on_run(run)
            runs.declare(opened, run.run_id, notebook, steps.values())
            attempts = runs.attempts_so_far(opened, run.run_id) if run.resumed_from else {}
            ended = _execute(execution, opened, {**told, "run_id": run.run_id, "attempts": attempts})
        finally:
            progress.close()
            cell_status.close(nb)
            file.save()
            file.sync()
            opened.close()
        _raise_if_stopped(ended)
        return _with_allowed_errors(nb)

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """The kernel to start: `name`, or the one that the notebook names, or Python's."""
        return str(name or nb.metadata.get("kernelspec", {}).get("name") or "python3")

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """The language of the notebook: `language`, or the one that it names, or Python."""
        metadata = nb.metadata
        named = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get(
            "language"
        )
        return str(language or named or "python")


def _execute(execution: Execution, store: Store, told: Mapping[str, Any]) -> Ended:
    try:
        ended = execution.run(told)
    except BaseException as error:
        runs.finish(store, told["run_id"], State.FAILED, runs.Failure(type(error).__name__, str(error)))
        raise
    runs.finish(store, told["run_id"], _state_of(ended), ended.error)
    return ended


def _state_of(ended: Ended) -> State:
    if ended.how is CellEnd.DIED or ended.stop_signal == signal.SIGTERM:
        return State.INTERRUPTED
    if ended.how is CellEnd.STOPPED:
        return State.CANCELLED
    if ended.how in {CellEnd.FAILED, CellEnd.TIMED_OUT}:
        return State.FAILED
    return State.COMPLETED


def _raise_if_stopped(ended: Ended) -> None:
    if ended.how is not CellEnd.STOPPED:
        return
    if ended.stop_signal == signal.SIGTERM:
        sys.exit(128 + signal.SIGTERM)
    raise KeyboardInterrupt


def _identity(path: Any) -> str:
    """What names a notebook in the ledger; empty for one that came from a pipe or from memory."""
    from durable_nb.batch.engine_output import is_local, local_path

    if not isinstance(path, str) or path == "-":
        return ""
    return str(local_path(path)) if is_local(path) else path


def _with_allowed_errors(nb: NotebookNode) -> NotebookNode:
    for cell in nb.cells:
        if cell.cell_type == "code" and cell.metadata.papermill.status == cell_status.COMPLETED:
            cell.outputs = [_allowed(output) for output in cell.outputs]
    return nb


def _allowed(output: NotebookNode) -> NotebookNode:
    if output["output_type"] != "error":
        return output
    return AllowedError(output)  # type: ignore[no-untyped-call]  # nbformat has no types for it

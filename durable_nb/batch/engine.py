"""The papermill engine ``durable``: ``papermill IN OUT --engine durable``."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from nbformat import NotebookNode

from durable_nb.batch import cell_status, hooks, runs
from durable_nb.batch.asked import Asked, ask, forced_steps
from durable_nb.batch.beginning import Run, Start, begin
from durable_nb.batch.cell_end import CellEnd
from durable_nb.batch.cell_facts import facts_of_cells
from durable_nb.batch.ended import Ended
from durable_nb.batch.execution import Execution
from durable_nb.batch.git import checkout_of
from durable_nb.batch.losses import Losses
from durable_nb.batch.notebook_file import NotebookFile
from durable_nb.batch.observers import Observers
from durable_nb.batch.output_log import OutputLog
from durable_nb.batch.parameters import prepare, refuse_secret_path
from durable_nb.batch.progress import Progress
from durable_nb.batch.settings import Settings, settle
from durable_nb.batch.steps import DeclaredStep, declared_steps
from durable_nb.batch.stopping import signals_held_back
from durable_nb.batch.summary_cell import summary_cell
from durable_nb.core.errors import StoreError
from durable_nb.core.model import Json, State
from durable_nb.store.giving import steps_given
from durable_nb.store.location import find_store
from durable_nb.store.parameter_edits import edits_of
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
        keep_going: bool | None = None,
        kernel_restarts: int | None = None,
        jobs: int | None = None,
        on_failure: str | Sequence[str] | None = None,
        on_success: str | Sequence[str] | None = None,
        secrets: str | Sequence[str] | None = None,
        new_run: bool = False,
        resume: str = "",
        from_step: str = "",
        force: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        parent: str = "",
        known_as: str | None = None,
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
            keep_going: Whether cells that do not need what a failed one would have made run after it.
            kernel_restarts: How many times a kernel that died is replaced.
            jobs: How many kernels execute steps that do not depend on each other at the same time.
            on_failure: URLs or functions (``module:function``) that are told of a run that did not complete.
            on_success: The same for a run that completed.
            secrets: Names of parameters whose values are written nowhere, beside those that look secret.
            new_run: Whether to begin another run where the last one with these parameters is unfinished.
            resume: Id of the run to go on with, whatever its parameters were.
            from_step: This step and all after it are executed even if they are up to date.
            force: Steps that are executed even if they are up to date.
            tags: What the run is marked with.
            parent: Id of the run that this one is started from.
            known_as: Path under which the notebook is recorded, if it is not that of `input_path`.
            on_run: Called with the run once it is recorded.
            start_timeout: Seconds that the kernel has to start.
            execution_timeout: Seconds that each cell has; None or 0 for no limit.
            stdout_file: An open file that printed text also goes to.
            stderr_file: The same for the error stream.
            traits: Settings of nbclient's NotebookClient.

        Raises:
            UsageError: two steps of one name, a malformed step option, a parameter that does not fit,
                a kernel that is not installed.
            StoreError: the store or the output notebook cannot be written.
            KernelDiedError: the kernel did not start.
            KeyboardInterrupt: Ctrl-C; the run is resumed by the same command.
            SystemExit: status 143 after SIGTERM, likewise; status 130 after Ctrl-C in papermill's command.
        """
        from durable_nb.batch.engine_output import target_of

        notebook = _identity(known_as or input_path)
        place = Path(notebook) if Path(notebook).is_absolute() else None
        settings = settle(
            place,
            keep_going=keep_going,
            kernel_restarts=kernel_restarts,
            jobs=jobs,
            on_failure=on_failure,
            on_success=on_success,
            secrets=secrets,
        )
        given = dict(nb.metadata.get("papermill", {}).get("parameters", {}))
        opened = open_store(store or find_store(place))
        edits = edits_of(opened, notebook)
        values = {name: edit.value for name, edit in edits.items()}
        prepared = prepare(nb, given, edited=values, secrets=settings.secrets)
        nb, concealed = prepared.notebook, prepared.secrets
        refuse_secret_path(output_path, concealed)
        steps = declared_steps(nb)
        asked = ask(
            new_run=new_run, resume=resume, from_step=from_step, force=force, tags=tags, parent=parent
        )
        forced = forced_steps(asked, {s.cell.name: s.cell.options.at_most_once for s in steps.values()})
        file = NotebookFile(nb, target_of(output_path), concealed)
        opened.conceal(concealed)
        observers = Observers(opened)
        opened.observers.append(observers)
        output = _identity(output_path)
        told: dict[str, Any] = {
            "notebook": notebook,
            "engine": ENGINE,
            "parameters": prepared.record,
            "store": str(opened.path),
            "auto": auto,
            "verify_reused": verify_reused,
            "output": output,
            "spans": observers.makes_spans,
            "forced": dict.fromkeys(forced, time.time()),
        }
        how: dict[str, Json] = {
            "keep_going": settings.keep_going,
            "kernel_restarts": settings.kernel_restarts,
            "jobs": settings.jobs,
            "auto": auto,
            "verify_reused": verify_reused,
            "cell_timeout": execution_timeout,
            "kernel_name": None if kernel_name == cls.nb_kernel_name(nb) else kernel_name,
            "secrets": list(settings.secrets),
            "edited": {name: edits[name].as_json() for name in sorted(prepared.edited)} or None,
            "cwd": str(Path.cwd()),
        }
        start = Start(notebook, prepared.record, ENGINE, output, options=how)
        cell_status.reset(nb)
        file.save()
        progress = Progress(len(nb.cells), progress_bar)
        try:
            execution = Execution(
                nb,
                file,
                steps,
                progress,
                keep_going=settings.keep_going,
                autosave_seconds=autosave_cell_every,
                on_output=OutputLog(log_output, stdout_file, stderr_file).write,
                on_event=observers.take,
                on_kernel=lambda versions: runs.kernel_started(opened, told["run_id"], versions),
                jobs=settings.jobs,
                facts=facts_of_cells(nb, steps, opened) if settings.jobs > 1 else (),
                kernel_name=kernel_name,
                startup_timeout=start_timeout,
                timeout=execution_timeout or traits.pop("timeout", None),
                secrets=concealed,
                **traits,
            )
            start = replace(
                start,
                notebook_file=_kept(opened, concealed.masked(nb)),
                checkout=checkout_of(place.parent if place else Path.cwd()),
            )
            ended = _execute(execution, opened, start, asked, told, steps, settings, on_run)
        finally:
            with signals_held_back():
                progress.close()
                cell_status.close(nb)
                file.save()
                file.sync()
                opened.close()
        _tell(opened, settings, told, steps, ended)
        opened.close()
        _raise_if_stopped(ended)
        nb.cells = concealed.masked(nb.cells)  # papermill writes it once more
        _with_allowed_errors(nb, ended)
        if settings.keep_going and ended.how.is_failure:
            nb.cells.insert(0, summary_cell(nb, steps, ended))
        return nb

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


def _execute(
    execution: Execution,
    store: Store,
    start: Start,
    asked: Asked,
    told: dict[str, Any],
    steps: Mapping[int, DeclaredStep],
    settings: Settings,
    on_run: Callable[[Run], None] | None,
) -> Ended:
    """Begin or resume the run, execute it, and record how it ended, whatever happens."""
    run: Run | None = None
    try:
        with signals_held_back():
            run = begin(store, start, asked)
        told["run_id"] = run.run_id
        _log.info("%s", run.announcement())
        if on_run is not None:
            on_run(run)
        runs.declare(store, run.run_id, told["notebook"], steps.values())
        execution.given = steps_given(store, run.run_id, (step.cell.name for step in steps.values()))
        ended = execution.run(told, Losses(store, run.run_id, steps, settings))
    except BaseException as error:
        if run is not None:
            ended = _ended_by(error)
            _record_end(store, run, ended)
            _tell(store, settings, told, steps, ended)
        raise
    _record_end(store, run, ended)
    return ended


def _kept(store: Store, nb: NotebookNode) -> str:
    """Digest of the notebook in the store: as its author wrote it, without what papermill has put in."""
    given = nb.metadata.get("papermill", {}).get("parameters")
    cells = [c for c in nb.cells if not (given and "injected-parameters" in c.metadata.get("tags", []))]
    return store.notebooks.put({**nb, "cells": cells})


def _ended_by(error: BaseException) -> Ended:
    stopped = isinstance(error, KeyboardInterrupt)
    failure = runs.Failure(type(error).__name__, str(error))
    return Ended(CellEnd.STOPPED if stopped else CellEnd.FAILED, error=failure)


def _record_end(store: Store, run: Run, ended: Ended) -> None:
    with signals_held_back():
        runs.finish(store, run.run_id, ended.state, ended.error)


def _tell(
    store: Store,
    settings: Settings,
    told: Mapping[str, Any],
    steps: Mapping[int, DeclaredStep],
    ended: Ended,
) -> None:
    """Call the hooks for this end, and record that; to be stopped by a person or the system is none."""
    if ended.how is CellEnd.STOPPED:
        return
    targets = settings.on_success if ended.state is State.COMPLETED else settings.on_failure
    for call in hooks.tell(targets, ended.outcome(told, steps), settings.folder):
        try:
            runs.hook_called(store, told["run_id"], call)
        except StoreError as error:  # the run has ended, and how is recorded
            _log.warning("run %s: the call of %s is not recorded: %s", told["run_id"], call.hook, error)


def _raise_if_stopped(ended: Ended) -> None:
    if ended.how is not CellEnd.STOPPED:
        return
    if ended.stop_signal == signal.SIGTERM:
        sys.exit(128 + signal.SIGTERM)
    if _in_papermills_command():
        sys.exit(128 + signal.SIGINT)
    raise KeyboardInterrupt


def _in_papermills_command() -> bool:
    """Whether papermill's command line runs this; it would make status 1, as of a failure, of Ctrl-C."""
    click = sys.modules.get("click.globals")
    context = click.get_current_context(silent=True) if click is not None else None
    return context is not None and context.command.name == "papermill"


def _identity(path: Any) -> str:
    """What names a notebook in the ledger; empty for one that came from a pipe or from memory."""
    from durable_nb.batch.engine_output import is_local, local_path

    if not isinstance(path, str) or path == "-":
        return ""
    return str(local_path(path)) if is_local(path) else path


def _with_allowed_errors(nb: NotebookNode, ended: Ended) -> None:
    """Leave papermill one error to raise: the one that ended the run, not the last that came of it."""
    shown = None if ended.state is State.COMPLETED else _first_failed(nb, ended)
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and index != shown:
            cell.outputs = [_allowed(output) for output in cell.outputs]


def _first_failed(nb: NotebookNode, ended: Ended) -> int | None:
    """The cell whose error papermill raises: the first that is marked as failed, whatever came of it."""
    marked = (index for index, cell in enumerate(nb.cells) if cell.metadata.papermill.exception)
    return next(marked, ended.cell)


def _allowed(output: NotebookNode) -> NotebookNode:
    if output["output_type"] != "error":
        return output
    return AllowedError(output)  # type: ignore[no-untyped-call]  # nbformat has no types for it


if "papermill.iorw" in sys.modules:  # papermill loads engines while it is being loaded itself
    from durable_nb.batch.engine_reading import install

    install()

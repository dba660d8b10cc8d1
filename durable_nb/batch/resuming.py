"""Go on with a run that is recorded: as it was, or with what a person changes in it.

`resume` goes on with one run. `plan_resume` says before what it would do, and refuses what cannot be done
while nothing has happened yet. `unfinished_runs` finds the runs that are worth it. The command
``durable-nb resume`` only calls these, and so may any program::

    from durable_nb.batch.resuming import Changes, resume

    report = resume(store, "20261122-231502-3f9a", Changes(parameters={"day": "2026-11-02"}))
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from durable_nb.batch import runs
from durable_nb.batch.beginning import Run, busy
from durable_nb.batch.changes import Changes, check_changes, given_values
from durable_nb.batch.fixes import Fix, compare_notebooks
from durable_nb.batch.inspecting.reports import RunReport, run_record, run_report
from durable_nb.batch.parameters import prepare
from durable_nb.batch.reading import read_notebook
from durable_nb.batch.steps import declared_steps
from durable_nb.core.errors import DamagedError, UsageError
from durable_nb.core.model import Json, State
from durable_nb.core.secrets import MASK, SECRET_VARIABLE
from durable_nb.store import giving
from durable_nb.store.store import Store

__all__ = ["Changes", "Resumption", "plan_resume", "resume"]

_OPTIONS = frozenset(
    {
        "auto",
        "cell_timeout",
        "cwd",
        "jobs",
        "keep_going",
        "kernel_name",
        "kernel_restarts",
        "secrets",
        "verify_reused",
    }
)
"""The options that are recorded, as `run_notebook` takes them."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """What going on with a run would do."""

    record: RunReport
    """The run as it stands."""
    notebook: Path
    """The file that would be executed."""
    fix: Fix | None
    """What it changes of what the run executed last; None where that is not kept."""
    parameters: Mapping[str, Any]
    """All parameters, changed or not; for memory, because secrets are among them."""
    shown: Mapping[str, Json]
    """The same for people, without secrets."""
    given: Mapping[tuple[str, str], Any]
    """(step, name) → value that is given by hand."""
    options: Mapping[str, Any]
    """Further options of `run_notebook`."""
    changes: Changes

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do: the run has completed, and nothing is changed."""
        return self.record.state is State.COMPLETED and not self.changes

    def lines(self) -> list[str]:
        """What is changed, for people, one line each."""
        lines = [
            f"{name}: {_was(self.record, name)} → {self.shown.get(name)!r}"
            for name in self.changes.parameters
        ]
        lines += [f"{step}.{name} given by hand" for step, name in self.given]
        lines += [f"{step}.{name} not given any more" for step, name in self.changes.taken_back]
        if self.fix is not None and (self.fix or self.changes.notebook is not None):
            lines += [f"{self.notebook.name}: {line}" for line in self.fix.lines()]
        return lines


def plan_resume(
    store: Store, run_id: str, changes: Changes | None = None, *, cwd: Path | None = None
) -> Resumption:
    """What `resume` would do; nothing is executed, and nothing is recorded.

    Args:
        store: Where the run is.
        run_id: The run's id, the beginning of one, or ``last``.
        changes: What is to be different.
        cwd: The kernel's working directory, if not the one that the run had.

    Raises:
        UnknownRunError: There is no such run; the nearest are named.
        UsageError: A process is busy with it, it was made in a notebook's front end, its notebook is gone, or
            a change names what the notebook does not have.
        NotebookError: The notebook cannot be read.
    """
    changes = changes if changes is not None else Changes()
    runs.settle_dead_runs(store)
    record = run_record(store, run_id)
    _check_resumable(store, record)
    notebook = _notebook(store, record, changes)
    nb = read_notebook(notebook)
    check_changes(store, changes, declared_steps(nb).values())
    given = given_values(store, changes)
    for step, name in changes.taken_back:
        giving.check_given(store, record.run_id, step, name)
    parameters = {**_kept(record), **changes.parameters}
    options = _options(record, cwd)
    prepared = prepare(nb, parameters, secrets=options.get("secrets") or ())
    fix = _fix(store, record, nb)
    return Resumption(record, notebook, fix, prepared.values, prepared.record, given, options, changes)


def resume(
    store: Store,
    run_id: str,
    changes: Changes | None = None,
    *,
    output: str | None = None,
    progress: bool = False,
    on_run: Callable[[Run], None] | None = None,
    **options: Any,
) -> RunReport:
    """Go on with a run, in this process.

    What is proven up to date is reused. A changed parameter is recorded with who changed it, when, and what
    it was; so is a value given by hand, which holds in this run only. A run that has completed is left as it
    is, unless something is changed.

    Args:
        store: Where the run is.
        run_id: The run's id, the beginning of one, or ``last``.
        changes: What is to be different.
        output: Where the executed notebook goes, if not where it went before.
        progress: Whether to draw a progress bar on a terminal.
        on_run: Called with the run once it goes on.
        options: Options of `run_notebook` that are to be other than those that the run had.

    Raises:
        UsageError: As from `plan_resume`; nothing was run.
        StoreError: The store or the output cannot be written.
        RunStoppedError: Ctrl-C or SIGTERM, after an orderly end.
    """
    planned = plan_resume(store, run_id, changes, cwd=options.get("cwd"))
    if planned.is_done:
        return run_report(store, planned.record.run_id)
    return go_on(store, planned, output=output, progress=progress, on_run=on_run, **options)


def go_on(
    store: Store,
    planned: Resumption,
    *,
    output: str | None = None,
    progress: bool = False,
    on_run: Callable[[Run], None] | None = None,
    **options: Any,
) -> RunReport:
    """Do what was planned; the arguments are those of `resume`."""
    from durable_nb.batch.engine_run import run_notebook  # with papermill, which is slow to import

    record_given(store, planned)
    call = call_of(planned, output=output, **options)
    return run_notebook(**call, store=store.path, progress=progress, on_run=on_run)


def record_given(store: Store, planned: Resumption) -> None:
    """Make values given by hand hold from now on, and those taken back no more."""
    run_id, notebook = planned.record.run_id, planned.record.notebook
    for step, name in planned.changes.taken_back:
        giving.take_back(store, run_id, step, name)
    for (step, name), value in planned.given.items():
        giving.give(store, run_id, step, name, value, notebook=notebook)
    store.flush()


def call_of(planned: Resumption, *, output: str | None = None, **options: Any) -> dict[str, Any]:
    """The arguments with which `run_notebook` does what was planned, but for the store."""
    changes, record = planned.changes, planned.record
    chosen = {name: value for name, value in options.items() if value is not None}
    return {
        "notebook": planned.notebook,
        "output": output or record.output or None,
        "parameters": dict(planned.parameters),
        **planned.options,
        **chosen,
        "resume": record.run_id,
        "from_step": changes.from_step,
        "force": changes.force,
        "tags": dict(changes.tags),
        "known_as": record.notebook if changes.recorded else None,
    }


def _check_resumable(store: Store, record: RunReport) -> None:
    if record.engine not in _ENGINES:
        raise UsageError(
            f"run {record.run_id} was made in a notebook's own kernel: run its cells again there, or all of "
            f"them here: durable-nb run {record.notebook or 'NOTEBOOK'}"
        )
    if record.state is State.RUNNING:
        row = store.ledger.rows("select run_id, pid, host from runs where run_id = ?", [record.run_id])[0]
        raise UsageError(busy(row))
    strange = sorted(record.options.keys() - _OPTIONS)
    if strange:
        made_by = record.versions.get("durable_nb", "another version")
        raise UsageError(
            f"run {record.run_id} was made by durable_nb {made_by} with {', '.join(strange)}, which this "
            "version does not know. Upgrade: pip install --upgrade durable_nb"
        )


_ENGINES = frozenset({"durable"})
"""What executes runs that can be gone on with."""


def _notebook(store: Store, record: RunReport, changes: Changes) -> Path:
    """The file to be executed."""
    if changes.notebook is not None:
        return changes.notebook.absolute()
    kept = store.notebooks.path(record.notebook_file) if record.notebook_file else None
    if changes.recorded:
        if kept is None:
            raise UsageError(f"run {record.run_id} has kept no notebook: name a file with --notebook")
        store.notebooks.get(record.notebook_file)
        return kept
    if record.notebook and Path(record.notebook).exists():
        return Path(record.notebook)
    where = f"{record.notebook} is gone" if record.notebook else "its notebook came from no local file"
    way = ", or execute it as the run has kept it: --recorded" if kept is not None and kept.exists() else ""
    raise UsageError(f"run {record.run_id}: {where}. Name the file: --notebook FILE{way}")


def _fix(store: Store, record: RunReport, nb: NotebookNode) -> Fix | None:
    if not record.notebook_file:
        return None
    try:
        before = store.notebooks.get(record.notebook_file)
        return compare_notebooks(nbformat.from_dict(before), nb)
    except (DamagedError, UsageError):
        return None  # there is nothing to compare with; what is executed is decided otherwise


def _kept(record: RunReport) -> dict[str, Json]:
    """The parameters of the run; of secrets only the environment may know the value."""
    return {
        name: value
        for name, value in record.parameters.items()
        if not (value == MASK and SECRET_VARIABLE + name.upper() in os.environ)
    }


def _options(record: RunReport, cwd: Path | None) -> dict[str, Any]:
    options: dict[str, Any] = {name: value for name, value in record.options.items() if value is not None}
    folder = cwd or (Path(str(options["cwd"])) if "cwd" in options else None)
    if folder is not None and not folder.is_dir():
        raise UsageError(
            f"run {record.run_id} worked in {folder}, which is gone: make it, or name another: --cwd FOLDER"
        )
    return options if folder is None else {**options, "cwd": folder.absolute()}


def _was(record: RunReport, name: str) -> str:
    return repr(record.parameters[name]) if name in record.parameters else "its default"

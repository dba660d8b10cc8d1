"""Go on with a run that is recorded: as it was, or with what a person changes in it.

`resume` goes on with one run. `plan_resume` says before what it would do, and refuses what cannot be done
while nothing has happened yet. `unfinished_runs` finds the runs that are worth it. The command
``durable-nb resume`` only calls these, and so may any program::

    from durable_nb.batch.resuming import Changes, resume

    report = resume(store, "20261122-231502-3f9a", Changes(parameters={"day": "2026-11-02"}))
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from durable_nb.batch import runs
from durable_nb.batch.beginning import Run, busy
from durable_nb.batch.changes import Changes, check_changes, given_values, not_given
from durable_nb.batch.fixes import Fix, compare_notebooks
from durable_nb.batch.inspecting.effective import change_in_words
from durable_nb.batch.inspecting.reports import RunReport, run_record, run_report
from durable_nb.batch.parameter_edits import path_of
from durable_nb.batch.parameters import check, declared_parameters
from durable_nb.batch.reading import read_notebook
from durable_nb.batch.steps import declared_steps
from durable_nb.core.errors import DamagedError, NotebookError, UnknownStepError, UsageError
from durable_nb.core.model import Json, State
from durable_nb.core.parameters import Parameter
from durable_nb.core.secrets import MASK, SECRET_VARIABLE
from durable_nb.store import giving
from durable_nb.store.parameter_edits import edits_of
from durable_nb.store.store import Store

__all__ = ["Changes", "Resumption", "plan_resume", "resume"]

_OPTIONS = frozenset(
    {
        "auto",
        "cell_timeout",
        "cwd",
        "edited",
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
    """All that the run is given, changed or not; for memory, because secrets are among them."""
    shown: Mapping[str, Json]
    """The same, and what is edited for the notebook, for people, without secrets."""
    edited: tuple[str, ...]
    """Parameters that are or were edited for the notebook."""
    declared: tuple[Parameter, ...]
    """Those that the notebook declares."""
    given: Mapping[tuple[str, str], Any]
    """(step, name) → value that is given by hand."""
    besides: Mapping[str, Sequence[str]]
    """Step of which some outputs are given by hand → those that are not."""
    options: Mapping[str, Any]
    """Further options of `run_notebook`."""
    changes: Changes

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do: the run has completed, and nothing is changed."""
        return self.record.state is State.COMPLETED and not self.changes

    def lines(self) -> list[str]:
        """What is changed, for people, one line each."""
        edited = [n for n in self.edited if self.record.parameters.get(n) != self.shown.get(n)]
        lines = [self._changed(name) for name in (*self.changes.parameters, *edited)]
        lines += [f"{step}.{name} given by hand" for step, name in self.given]
        lines += [f"{step}.{name} not given any more" for step, name in self.changes.taken_back]
        lines += [
            f"{step} is executed all the same, for what it makes besides: {', '.join(names)}"
            for step, names in self.besides.items()
        ]
        if self.fix is not None and (self.fix or self.changes.notebook is not None):
            lines += [f"{self.notebook.name}: {line}" for line in self.fix.lines()]
        return lines

    def _changed(self, name: str) -> str:
        sides = {"was": self.record.parameters, "now": self.shown}
        change = {when: values[name] for when, values in sides.items() if name in values}
        return change_in_words(name, change, self.declared)


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
    steps, fix = declared_steps(nb), _fix(store, record, nb)
    try:
        check_changes(store, changes, steps.values())
    except UnknownStepError as error:
        raise _renamed(error, record, fix) from error
    given = given_values(store, changes)
    for step, name in changes.taken_back:
        giving.check_given(store, record.run_id, step, name)
    known_as = record.notebook if changes.recorded else path_of(notebook)
    was_edited = _edited(record) if known_as == record.notebook else {}
    parameters = {**_kept(record, was_edited), **changes.parameters}
    options = _options(record, cwd)
    edits = {name: edit.value for name, edit in edits_of(store, known_as).items()}
    checked = check(nb, parameters, edited=edits, secrets=options.get("secrets") or ())
    return Resumption(
        record=record,
        notebook=notebook,
        fix=fix,
        parameters={name: value for name, value in checked.values.items() if name not in checked.edited},
        shown=checked.record,
        edited=tuple(name for name in {**was_edited, **edits} if name not in parameters),
        declared=declared_parameters(nb),
        given=given,
        besides=not_given(store, record.run_id, changes, steps.values()),
        options=options,
        changes=changes,
    )


def left_alone(store: Store, run_id: str, changes: Changes | None = None) -> str:
    """Why a run is not to be gone on with, for people: it has completed, and nothing is changed.

    Returns:
        Empty where there is something to do.

    Raises:
        UnknownRunError: There is no such run; the nearest are named.
    """
    record = run_record(store, run_id)
    if record.state is not State.COMPLETED or changes:
        return ""
    lines = [f"Run {record.run_id} has completed and nothing is changed: nothing was executed."]
    if record.notebook:
        file = shlex.quote(record.notebook)
        if fix := _fix_of_file(store, record):
            lines.append(
                f"The notebook has been edited since: {'; '.join(fix.lines())}. To execute it in this run:"
            )
            lines.append(f"  durable-nb resume {record.run_id} --notebook {file}")
        lines.append("To begin another run, which executes only what is not up to date:")
        lines.append(f"  durable-nb run {file}")
    return "\n".join(lines)


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
    if left_alone(store, run_id, changes):
        return run_report(store, run_id)
    planned = plan_resume(store, run_id, changes, cwd=options.get("cwd"))
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
            f"run {record.run_id} was made by durable_nb {made_by} with the options {', '.join(strange)}, "
            "which this version does not know. Upgrade: pip install --upgrade durable_nb"
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
        try:
            store.notebooks.get(record.notebook_file)
        except DamagedError as error:
            raise DamagedError(f"run {record.run_id}: {error}. Name a file: --notebook FILE") from error
        return kept
    if record.notebook and Path(record.notebook).exists():
        return Path(record.notebook)
    where = f"{record.notebook} is gone" if record.notebook else "its notebook came from no local file"
    way = ", or execute it as the run has kept it: --recorded" if kept is not None and kept.exists() else ""
    raise UsageError(f"run {record.run_id}: {where}. Name the file: --notebook FILE{way}")


def _renamed(error: UnknownStepError, record: RunReport, fix: Fix | None) -> UnknownStepError:
    """The same error, which also says where the step may have gone that the run had."""
    if fix is None or not fix.gone:
        return error
    new = f"; new in it: {', '.join(fix.new)}" if fix.new else ""
    return UnknownStepError(
        f"{error}. Gone from the notebook since run {record.run_id} executed it: {', '.join(fix.gone)}{new}"
    )


def _fix(store: Store, record: RunReport, nb: NotebookNode) -> Fix | None:
    if not record.notebook_file:
        return None
    try:
        before = store.notebooks.get(record.notebook_file)
        return compare_notebooks(nbformat.from_dict(before), nb)
    except (DamagedError, UsageError):
        return None  # there is nothing to compare with; what is executed is decided otherwise


def _fix_of_file(store: Store, record: RunReport) -> Fix | None:
    """What the run's notebook file, as it is now, changes of what the run executed."""
    try:
        return _fix(store, record, read_notebook(Path(record.notebook)))
    except NotebookError:
        return None  # gone, or no notebook any more


def _edited(record: RunReport) -> Mapping[str, Json]:
    """The parameters that an edit had given the run their value."""
    edited: Any = record.options.get("edited") or {}
    return dict(edited)


def _kept(record: RunReport, edited: Collection[str]) -> dict[str, Json]:
    """What the run was given; edits hold as they are now, and a secret may be in the environment."""
    return {
        name: value
        for name, value in record.parameters.items()
        if name not in edited and not (value == MASK and SECRET_VARIABLE + name.upper() in os.environ)
    }


def _options(record: RunReport, cwd: Path | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        name: value for name, value in record.options.items() if value is not None and name != "edited"
    }
    folder = cwd or (Path(str(options["cwd"])) if "cwd" in options else None)
    if folder is not None and not folder.is_dir():
        raise UsageError(
            f"run {record.run_id} worked in {folder}, which is gone: make it, or name another: --cwd FOLDER"
        )
    return options if folder is None else {**options, "cwd": folder.absolute()}

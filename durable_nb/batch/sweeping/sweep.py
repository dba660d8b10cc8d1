"""One run of a notebook for each row of a table: what the rows share is computed once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from durable_nb.batch.parameter_edits import edited_parameters
from durable_nb.batch.reading import read_notebook
from durable_nb.batch.steps import declared_steps
from durable_nb.batch.sweeping.done_rows import DoneRows, PlanOf
from durable_nb.batch.sweeping.row_pool import RowPool
from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.row_worker import task_of
from durable_nb.batch.sweeping.rows import SweepRow, plan_rows
from durable_nb.batch.sweeping.summary import SUMMARY, metrics_in, summarise
from durable_nb.batch.sweeping.table import Row, read_table
from durable_nb.core.model import Json, State
from durable_nb.store.files import make_folder, translated
from durable_nb.store.location import find_store
from durable_nb.store.store import open_store
from durable_nb.store.tables import write_columns


@dataclass(slots=True)
class SweepProgress:
    """How far a sweep is."""

    rows: Sequence[SweepRow]
    jobs: int
    running: dict[int, float] = field(default_factory=dict)
    """Number of a row that is being done → when it began, by the monotonic clock."""
    results: dict[int, RowResult] = field(default_factory=dict)
    durations: list[float] = field(default_factory=list)
    """Seconds that rows took which have ended, waiting for others included."""

    @property
    def counts(self) -> dict[State, int]:
        """Number of rows by state, in the order of the states."""
        found = Counter(result.state for result in self.results.values())
        found[State.RUNNING] = len(self.running)
        found[State.PENDING] = len(self.rows) - len(self.running) - len(self.results)
        return {state: found[state] for state in State if found[state]}

    @property
    def seconds_left(self) -> float | None:
        """About how long the rest will take, from what the rows took so far; None before the first ended."""
        if not self.durations:
            return None
        now, usual = time.monotonic(), sum(self.durations) / len(self.durations)
        begun = [max(0.0, usual - (now - since)) for since in self.running.values()]
        pending = len(self.rows) - len(self.running) - len(self.results)
        return max(max(begun, default=0.0), (sum(begun) + usual * pending) / self.jobs)


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What became of all rows."""

    notebook: str
    rows: Sequence[SweepRow]
    results: Mapping[int, RowResult]
    """Number of a row → what became of it; every row has one."""
    summary: Path
    """The Parquet file with parameters, metrics and ends."""
    columns: Mapping[str, Sequence[Any]]
    """What is in it."""
    stopped: bool = False
    """Whether it was asked to stop; the same call goes on from there."""

    @property
    def counts(self) -> dict[State, int]:
        """Number of rows by state."""
        found = Counter(result.state for result in self.results.values())
        return {state: found[state] for state in State if found[state]}

    @property
    def state(self) -> State:
        """What the sweep came to: the worst of its rows."""
        for state in (State.FAILED, State.INTERRUPTED, State.CANCELLED, State.PENDING, State.WAITING):
            if state in self.counts:
                return state
        return State.COMPLETED

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        rows: list[Json] = []
        for row in self.rows:
            told = self.results[row.number].as_json()
            told.pop("number")
            rows.append({"row": row.number, "parameters": dict(row.shown), **told, "output": str(row.output)})
        return {
            "notebook": self.notebook,
            "state": self.state.value,
            "counts": {state.value: number for state, number in self.counts.items()},
            "summary": str(self.summary),
            "rows": rows,
        }


def sweep(
    notebook: Path,
    table: Path | Sequence[Row],
    folder: Path,
    *,
    jobs: int = 1,
    parameters: Mapping[str, Any] | None = None,
    store: Path | None = None,
    secrets: Sequence[str] = (),
    dask: str | None = None,
    plan: PlanOf | None = None,
    on_change: Callable[[SweepProgress], None] = lambda _: None,
    **options: Any,
) -> SweepReport:
    """Execute a notebook once for each row of a table, or go on with the rows that are not done.

    Steps that several rows share, because nothing that they depend on differs, are executed once: rows that
    need one at the same time wait for the row that executes it. A row that fails stops no other.

    Args:
        notebook: The notebook's file; a cell of it declares parameters.
        table: One row a run: a CSV, Parquet, YAML or JSON file, or the rows themselves.
        folder: Where executed notebooks and ``summary.parquet`` go.
        jobs: How many rows are done at the same time; with `dask` the most that are with it at once.
        parameters: Values that all rows have; those in the table win.
        store: The store's folder, if not the one that belongs to the notebook.
        secrets: Names of parameters that must not be written down, besides those that look secret.
        dask: Address of a Dask scheduler whose workers do the rows; notebook, store and folder must be
            in a folder that they share with this machine.
        plan: Tells what becomes of each step of a row; a row of which everything is proven to be as its last
            run left it is not run again. Without it, or on a cluster, where this machine proves nothing, each
            row is run, and reuses what it can.
        on_change: Called when a row has begun, and when one has ended.
        options: Further options of each run, as `run_notebook` takes them: kernel_name, keep_going, …
            Each run has the tag ``sweep``: the name of the folder.

    Raises:
        NotebookError: The notebook cannot be read.
        UsageError: The table does not fit the notebook; nothing was run.
        StoreError: The folder or the summary cannot be written.
    """
    nb = read_notebook(notebook)
    declared_steps(nb)  # what is wrong with a step is said once, and not by each row
    rows_given = read_table(table) if isinstance(table, Path) else table
    target = folder.absolute()
    where = (store or find_store(notebook)).absolute()
    with closing(open_store(where)) as opened:
        edited = {name: edit.value for name, edit in edited_parameters(opened, notebook).items()}
    rows = plan_rows(nb, notebook, rows_given, target, same=parameters, edited=edited, secrets=secrets)
    with translated(target):
        make_folder(target)
    tags = {"sweep": target.name, **(options.pop("tags", None) or {})}
    options = {**options, "secrets": list(secrets) or None, "tags": tags}
    follower = _Follower(SweepProgress(rows, jobs), on_change)
    if plan is not None and dask is None:
        with closing(open_store(where)) as opened:
            follower.had_ended(DoneRows(opened, notebook, nb, options, plan).find(rows))
    left = [row for row in rows if row.number not in follower.progress.results]
    tasks = [task_of(r.number, notebook.absolute(), r.output, r.given, where, options) for r in left]
    stopped = _do(tasks, jobs, dask, follower)
    return _report(notebook, follower.progress, target / SUMMARY, metrics_in(nb), stopped=stopped)


class _Follower:
    """Keeps the progress up to date."""

    def __init__(self, progress: SweepProgress, on_change: Callable[[SweepProgress], None]) -> None:
        self.progress = progress
        self._on_change = on_change

    def start(self, number: int) -> None:
        self.progress.running[number] = time.monotonic()
        self._on_change(self.progress)

    def had_ended(self, results: Mapping[int, RowResult]) -> None:
        self.progress.results.update(results)
        if results:
            self._on_change(self.progress)

    def end(self, result: RowResult) -> None:
        now = time.monotonic()
        self.progress.durations.append(now - self.progress.running.pop(result.number, now))
        self.progress.results[result.number] = result
        self._on_change(self.progress)


def _do(tasks: Sequence[Mapping[str, Any]], jobs: int, dask: str | None, follower: _Follower) -> bool:
    """Do the rows; whether it was asked to stop."""
    if not tasks:
        return False
    if dask is None:
        pool = RowPool(jobs, follower.start, follower.end)
        pool.run(tasks)
        return pool.stop_signal is not None
    from durable_nb.batch.sweeping.dask_rows import DaskRows

    cluster = DaskRows(dask, jobs, follower.start, follower.end)
    cluster.run(tasks)
    return cluster.stop_signal is not None


def _report(
    notebook: Path, progress: SweepProgress, path: Path, metrics: Sequence[str], *, stopped: bool
) -> SweepReport:
    results = {
        row.number: progress.results.get(row.number) or _not_begun(row.number) for row in progress.rows
    }
    summary = summarise(progress.rows, results, metrics)
    write_columns(path, summary.columns, summary.types)
    return SweepReport(str(notebook), progress.rows, results, path, summary.columns, stopped)


def _not_begun(number: int) -> RowResult:
    return RowResult(number, State.PENDING)

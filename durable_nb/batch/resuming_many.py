"""Go on with several runs, some at a time, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from durable_nb.batch.changes import Changes
from durable_nb.batch.inspecting.reports import RunReport
from durable_nb.batch.resuming import Resumption, call_of, plan_resume, record_given
from durable_nb.batch.sweeping.row_pool import RowPool, Task
from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.batch.sweeping.row_worker import task_of
from durable_nb.core.errors import DurableError
from durable_nb.core.model import State
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class Resumed:
    """What became of one of several runs."""

    record: RunReport
    """The run as it stood before."""
    result: RowResult

    @property
    def state(self) -> State:
        """What the run came to."""
        return self.result.state


def resume_all(
    store: Store,
    found: Iterable[RunReport],
    changes: Changes | None = None,
    *,
    jobs: int = 1,
    on_plan: Callable[[Resumption], None] = lambda _: None,
    on_start: Callable[[RunReport], None] = lambda _: None,
    on_end: Callable[[Resumed], None] = lambda _: None,
    **options: Any,
) -> list[Resumed]:
    """Go on with runs; one that cannot be gone on with, or fails, does not stop the others.

    Args:
        store: Where they are.
        found: The runs, as from `unfinished_runs`.
        changes: What is to be different in each of them.
        jobs: How many at the same time.
        on_plan: Called with what would be done, for each run before any of them begins.
        on_start: Called with a run that begins.
        on_end: Called with what became of one.
        options: Options of `run_notebook` that are to be other than those that the runs had.

    Returns:
        What became of each, in their order. After Ctrl-C or SIGTERM those that had not begun are cancelled.
    """
    records = dict(enumerate(found, 1))
    ended: dict[int, Resumed] = {}

    def end(result: RowResult) -> None:
        ended[result.number] = Resumed(records[result.number], result)
        on_end(ended[result.number])

    tasks: list[Task] = []
    for number, record in records.items():
        try:
            planned = plan_resume(store, record.run_id, changes, cwd=options.get("cwd"))
            on_plan(planned)
            record_given(store, planned)
            tasks.append(_task(number, store, planned, options))
        except DurableError as error:
            end(RowResult(number, State.FAILED, record.run_id, f"{type(error).__name__}: {error}"))
    store.close()  # DuckDB lets one process at a time have the ledger; the others do the work now
    pool = RowPool(jobs, lambda number: on_start(records[number]), end)
    pool.run(tasks)
    for number in records.keys() - ended.keys():
        end(RowResult(number, State.CANCELLED, records[number].run_id, "stopped before it began"))
    return [ended[number] for number in records]


def _task(number: int, store: Store, planned: Resumption, options: dict[str, Any]) -> Task:
    call = call_of(planned, **options)
    notebook, output, parameters = (call.pop(name) for name in ("notebook", "output", "parameters"))
    return task_of(number, notebook, output, parameters, store.path, call)

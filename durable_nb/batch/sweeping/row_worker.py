"""The process that does rows of a sweep, one after the other: tasks on its stdin, results on its stdout.

A process of its own for each row that is being done: a run listens to Ctrl-C and changes the working
directory, which are one a process; and what goes wrong in one row cannot take others with it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from durable_nb.batch.sweeping.row_result import RowResult
from durable_nb.core.errors import DurableError
from durable_nb.core.model import State

_NO_MORE = ""


def main() -> None:
    """Do the rows that come in, until there are no more or this process is asked to stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    answers = _private_stdout()
    tasks = _Tasks(sys.stdin)
    try:
        for task in tasks:
            result = do_row(task)
            answers.write(json.dumps(result.as_json()) + "\n")
            answers.flush()
            tasks.done()
            if result.state is State.CANCELLED:
                break
    except KeyboardInterrupt:
        return  # between two rows there is nothing to be put in order


def do_row(task: Mapping[str, Any]) -> RowResult:
    """Execute the notebook for one row, or go on with its unfinished run.

    Args:
        task: What `task_of` made.
    """
    from durable_nb.batch.engine_run import RunStoppedError, run_notebook

    number = int(task["number"])
    options: dict[str, Any] = dict(task["options"])
    if "cwd" in options:
        options["cwd"] = Path(options["cwd"])
    try:
        report = run_notebook(
            Path(task["notebook"]),
            task["output"],
            task["parameters"],
            store=Path(task["store"]),
            progress=False,
            **options,
        )
    except RunStoppedError as stopped:
        report = stopped.report
    except DurableError as error:
        return RowResult(number, State.FAILED, error=f"{type(error).__name__}: {error}")
    return _result(number, Path(task["store"]), report)


def _result(number: int, folder: Path, report: Any) -> RowResult:
    from durable_nb.batch.inspecting.metrics import metrics_of_run
    from durable_nb.store.store import open_store

    with closing(open_store(folder)) as store:
        metrics = metrics_of_run(store, report.run_id)
    counts = report.counts
    return RowResult(
        number,
        report.state,
        report.run_id,
        _cause(report),
        report.seconds,
        counts.get(State.COMPLETED, 0),
        counts.get(State.REUSED, 0),
        report.saved_seconds,
        metrics,
    )


def _cause(report: Any) -> str:
    """What went wrong, in one line, with the step in which it did."""
    if report.state is State.COMPLETED:
        return ""
    failed = next((step for step in report.steps if step.state is State.FAILED and step.error), None)
    text = f"step {failed.step}: {failed.error}" if failed is not None else str(report.error)
    return next(iter(text.strip().splitlines()), "")


def task_of(
    number: int,
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    store: Path,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """One row as JSON: what `do_row` needs."""
    given = {name: value for name, value in options.items() if value is not None}
    return {
        "number": number,
        "notebook": str(notebook),
        "output": str(output),
        "parameters": dict(parameters),
        "store": str(store),
        "options": {name: str(v) if isinstance(v, Path) else v for name, v in given.items()},
    }


def _private_stdout() -> TextIO:
    """The pipe for results; kernels and libraries that print get stderr in its place."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return private


class _Tasks:
    """Tasks as they come; if nobody is there any more to send some, the row in work is stopped."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._busy = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while line := self._lines.get():
            self._busy.set()
            yield json.loads(line)

    def done(self) -> None:
        """The last task is done, and its result is sent."""
        self._busy.clear()

    def _read(self) -> None:
        for line in self._source:
            self._lines.put(line)
        self._lines.put(_NO_MORE)
        if self._busy.is_set():
            os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()

"""papermill's metadata in a notebook and its cells: the same fields, and always true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from nbformat import NotebookNode

from durable_nb.core.model import Json
from durable_nb.core.snapshot import SNAPSHOT

OURS = SNAPSHOT
"""Key of a cell's metadata for what papermill has no field for."""
PENDING, RUNNING, COMPLETED, FAILED = "pending", "running", "completed", "failed"


def reset(nb: NotebookNode) -> None:
    """Begin: nothing has run, no cell has outputs."""
    about = nb.metadata.setdefault("papermill", NotebookNode())
    about.update(start_time=_now(), end_time=None, duration=None, exception=None)
    _blank(nb)


def begin_again(nb: NotebookNode) -> None:
    """Another kernel takes over: all cells are still to be run in it."""
    nb.metadata.papermill["exception"] = None
    _blank(nb)


def _blank(nb: NotebookNode) -> None:
    for cell in nb.cells:
        blank = {"exception": None, "start_time": None, "end_time": None, "duration": None, "status": PENDING}
        cell.metadata["papermill"] = NotebookNode(blank)
        cell.metadata.pop(OURS, None)
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = []


def start(cell: NotebookNode, ours: Mapping[str, Json] | None = None) -> None:
    """The cell is about to run.

    Args:
        cell: The cell.
        ours: The snapshot of its step while it runs, if it has one.
    """
    about = cell.metadata.papermill
    about.update(start_time=_now(), status=RUNNING, exception=False)
    if ours:
        cell.metadata[OURS] = NotebookNode({**ours, "at": _epoch(about["start_time"])})


def finish(
    nb: NotebookNode, cell: NotebookNode, *, failed: bool, ours: Mapping[str, Json] | None = None
) -> None:
    """The cell's execution ended; if it `failed`, so did the notebook.

    Args:
        nb: The notebook.
        cell: The cell.
        failed: Whether it did not do what it should.
        ours: What papermill has no field for: the state, which tells a cell that failed from one that is
            blocked; and of a step the other parts of its snapshot.
    """
    about = cell.metadata.papermill
    about.update(status=FAILED if failed else COMPLETED, exception=failed, end_time=_now())
    about["duration"] = _seconds(about["start_time"], about["end_time"])
    if ours and "step" in ours:
        ours = {"seconds": about["duration"], **ours, "at": _epoch(about["end_time"])}
    if ours:
        cell.metadata[OURS] = NotebookNode(ours)
    if failed:
        nb.metadata.papermill["exception"] = True


def finish_ending(cell: NotebookNode, *, failed: bool) -> None:
    """A cell for the end of a failed run has ended: the notebook's error stays the one that made it fail."""
    about = cell.metadata.papermill
    about.update(status=FAILED if failed else COMPLETED, exception=False, end_time=_now())
    about["duration"] = _seconds(about["start_time"], about["end_time"])


def close(nb: NotebookNode) -> None:
    """No more cells will run; what did not run stays pending."""
    about = nb.metadata.papermill
    about["end_time"] = _now()
    about["duration"] = _seconds(about["start_time"], about["end_time"])


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _epoch(time: str) -> float:
    return round(datetime.fromisoformat(time).timestamp(), 3)


def _seconds(start_time: str, end_time: str) -> float:
    return (datetime.fromisoformat(end_time) - datetime.fromisoformat(start_time)).total_seconds()

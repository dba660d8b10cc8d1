"""How the execution of a cell can end, and what is left in the cell to tell of it."""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output


class CellEnd(StrEnum):
    """How the execution of a cell ended."""

    COMPLETED = "completed"
    ERROR_ALLOWED = "error_allowed"
    """It raised, as its tag ``raises-exception`` expects."""
    EXITED = "exited"
    """``sys.exit(0)``: the notebook ends here on purpose."""
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    """A person or the system asked this process to end."""
    DIED = "died"
    """The kernel's process ended."""
    OVERDUE = "overdue"
    """The step's time limit passed, and its code did not listen: its kernel was killed."""
    BLOCKED = "blocked"
    """It was not run: it needs what a cell that failed would have made."""
    WAITING = "waiting"
    """It was not run: a person has to say first what became of it."""

    @property
    def goes_on(self) -> bool:
        """Whether the next cell may run."""
        return self in {CellEnd.COMPLETED, CellEnd.ERROR_ALLOWED}

    @property
    def lets_others_go_on(self) -> bool:
        """Whether cells that do not need this one may be run, where that is wanted."""
        return self not in {CellEnd.EXITED, CellEnd.STOPPED}

    @property
    def is_failure(self) -> bool:
        """Whether the cell did not do what its author wanted."""
        return not self.goes_on and self is not CellEnd.EXITED


def ensure_error(cell: NotebookNode, name: str, value: str, traceback: list[str] | None = None) -> None:
    """Add an error output, unless the kernel has sent one."""
    if not any(output.output_type == "error" for output in cell.outputs):
        cell.outputs.append(error_output(name, value, traceback))


def error_output(name: str, value: str, traceback: list[str] | None = None) -> NotebookNode:
    """An error as nbformat keeps it."""
    output: NotebookNode = new_output(
        "error", ename=name, evalue=value, traceback=traceback or [f"{name}: {value}"]
    )
    return output


def how_it_ended(provisioner: Any) -> str:
    """What became of the kernel that `provisioner` has started, once it is gone."""
    process = getattr(provisioner, "process", None)
    code = getattr(process, "returncode", None)
    if code is None:
        return "the kernel's process ended"
    if code >= 0:
        return f"the kernel exited with status {code}"
    if code == -signal.SIGKILL:
        return "the kernel was killed by SIGKILL (the system does that when memory runs out)"
    known = {number.value: number.name for number in signal.Signals}
    return f"the kernel was killed by {known.get(-code, f'signal {-code}')}"

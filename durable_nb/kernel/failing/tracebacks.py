"""The traceback of a step's error as its author sees it: from the cell on, and without our own frames."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

_OURS = str(Path(__file__).parents[2])


def traceback_text(shell: InteractiveShell, error: BaseException, cell_name: str) -> str:
    """The traceback as text, with what has led to the error.

    Args:
        shell: Where the cell ran.
        error: What was raised.
        cell_name: The file name that IPython's compiler gave the cell.
    """
    whole = traceback.TracebackException.from_exception(error)
    for part in _linked(whole):
        part.stack = _seen_by_the_author(part.stack, cell_name)
    kind, label = shell.compile.format_code_name(cell_name) or ("File", cell_name)
    return "".join(whole.format()).replace(f'"{cell_name}"', f'"{kind} {label}"')


def _linked(error: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """An error, those that it holds, and those that came before it; each one once."""
    queue, seen = [error], set()
    while queue:
        part = queue.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            queue += [
                p for p in (part.__cause__, part.__context__, *(part.exceptions or ())) if p is not None
            ]


def _seen_by_the_author(stack: traceback.StackSummary, cell_name: str) -> traceback.StackSummary:
    start = next((at for at, frame in enumerate(stack) if frame.filename == cell_name), 0)
    theirs = [frame for frame in stack[start:] if not frame.filename.startswith(_OURS)]
    # What only our own code knows about is shown whole: nobody could find out else where it failed.
    return traceback.StackSummary.from_list(theirs or list(stack))

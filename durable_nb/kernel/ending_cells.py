"""Cells for the end of a batch run: left alone until it has ended, then given its outcome."""

from __future__ import annotations

from IPython.core.inputtransformer2 import cell_magic
from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell

from durable_nb.core.endings import Ending, EndingMarker, comment_out_ending, find_ending
from durable_nb.kernel.results.recording import show_line
from durable_nb.kernel.showing import html
from durable_nb.kernel.told import outcome_of_run

_WHEN = {
    Ending.FAILURE: "runs at the end of a batch run that does not complete",
    Ending.SUCCESS: "runs at the end of a batch run that completes",
}


def rewrite_marker(lines: list[str]) -> list[str]:
    """Input transformer: ``%%on_failure`` becomes a comment, so that IPython runs the cell's body itself."""
    source = "".join(lines)
    marker = find_ending(source)
    if marker is None or not marker.magic:
        return lines
    return with_body(comment_out_ending(source), marker.line)


# As for a step's marker: whether such a cell is complete must be seen from its cell magic.
rewrite_marker.has_side_effects = True  # type: ignore[attr-defined]


def with_body(source: str, marker_line: int) -> list[str]:
    """The lines of a cell whose marker is a comment now; another cell magic below it is the cell's body.

    Args:
        source: The cell.
        marker_line: Index of the marker's line, from 0.
    """
    lines = source.splitlines(keepends=True)
    head, rest = lines[: marker_line + 1], lines[marker_line + 1 :]
    body = cell_magic(rest) if rest and rest[0].startswith("%%") else rest  # type: ignore[no-untyped-call]
    return head + body


class NotYet:
    """What runs in place of the cell's body as long as no run has ended: a line that says so."""

    awaits = False

    def __init__(self, shell: InteractiveShell, marker: EndingMarker) -> None:
        self._shell = shell
        self._marker = marker

    def __call__(self) -> None:
        """Show the line."""
        name, when = f"on_{self._marker.ending}", _WHEN[self._marker.ending]
        line = html.line(html.text(name, bold=True), html.text(f" · {when}"))
        show_line(self._shell, {"text/plain": f"{name} · {when}", "text/html": html.quiet(line)})


def give_outcome(shell: InteractiveShell, info: ExecutionInfo | None, marker: EndingMarker) -> bool:
    """Bind ``failure`` or ``success``, if the run has ended; whether it has, so that the cell's body runs."""
    outcome = outcome_of_run(info)
    if outcome is None:
        return False
    shell.user_ns[marker.ending.value] = outcome
    return True

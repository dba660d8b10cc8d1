"""Tab and Shift-Tab in a marker and behind ``%steps``: where the shell asks, and what it is told."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from IPython.core.completer import (
    Completion,
    CompletionContext,
    SimpleCompletion,
    context_matcher,
    cursor_to_position,
)
from IPython.core.interactiveshell import InteractiveShell

from durable_nb.core.marker_cursor import Expects, cursor_in_marker
from durable_nb.kernel.assisting.candidates import Candidate, candidates_at
from durable_nb.kernel.assisting.steps_line import candidates_behind_steps, typed_behind_steps
from durable_nb.kernel.session import Session

_ORIGIN = "durable_nb.marker"
_HIGH = 1000.0
"""Priority of what is known for sure: other completers take a marker for Python."""


class _Offer(NamedTuple):
    """What may stand before the cursor, from an index in the cell on."""

    start: int
    candidates: list[Candidate]


class Assistance:
    """Hooks of one shell. Where the cursor is in no marker, everything is as it is without them.

    Args:
        shell: The shell.
        session: Its session.
    """

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        self._shell = shell
        self._session = session
        self._matcher = self._new_matcher()

    def install(self) -> None:
        """Hook into the shell, and into its kernel if it has one."""
        completer = self._shell.Completer
        completer.custom_matchers.append(self._matcher)
        completer.completions = self._completing(completer.completions)  # type: ignore[assignment, method-assign]
        if (kernel := self._kernel) is not None:
            kernel.do_inspect = self._inspecting(kernel.do_inspect)

    def remove(self) -> None:
        """Leave the shell as it was."""
        completer = self._shell.Completer
        completer.custom_matchers.remove(self._matcher)
        del completer.completions
        if self._kernel is not None:
            del self._kernel.do_inspect

    @property
    def _kernel(self) -> Any:
        return getattr(self._shell, "kernel", None)

    # Tab.

    def _offer(self, source: str, position: int) -> _Offer | None:
        """What may stand at the cursor; None where that is for others to say."""
        typed = typed_behind_steps(source, position)
        if typed is not None:
            return _Offer(typed.start, candidates_behind_steps(self._session, typed))
        cursor = cursor_in_marker(source, position)
        if cursor is None or cursor.expects is Expects.MAGIC:
            return None
        return _Offer(cursor.start, candidates_at(self._session, source, cursor))

    def _completing(
        self, completions: Callable[[str, int], Iterator[Completion]]
    ) -> Callable[[str, int], Iterator[Completion]]:
        """The completer's own method: a matcher can say neither a signature nor that nothing fits."""

        def completing(text: str, offset: int) -> Iterator[Completion]:
            offer = self._offer(text, offset)
            if offer is None:
                yield from completions(text, offset)
                return
            for text_, kind, about in offer.candidates:
                yield Completion(offer.start, offset, text_, type=kind, signature=about, _origin=_ORIGIN)

        return completing

    def _new_matcher(self) -> Any:
        """For those who ask in IPython's older way, line by line."""

        @context_matcher(identifier=_ORIGIN, priority=_HIGH)  # type: ignore[untyped-decorator]
        def marker(context: CompletionContext) -> dict[str, Any]:
            source = context.full_text
            position = cursor_to_position(source, context.cursor_line, context.cursor_position)
            offer = self._offer(source, position)
            if offer is None:
                return {"completions": []}
            return {
                "completions": [SimpleCompletion(text, type=kind) for text, kind, _ in offer.candidates],
                "matched_fragment": source[offer.start : position],
                "suppress": True,
                "ordered": True,
            }

        return marker

    # Shift-Tab.

    def _inspecting(self, inspect: Callable[..., Any]) -> Callable[..., Any]:
        """The kernel's own method: the shell's is told only a word, and an option is more than that."""

        def inspecting(code: str, cursor_pos: int, *args: Any, **kwargs: Any) -> Any:
            # JupyterLab asks about what it offers with a cursor behind the end of the code.
            bundle = self._tooltip(code, min(cursor_pos, len(code)))
            if bundle is None:
                return inspect(code, cursor_pos, *args, **kwargs)
            return {"status": "ok", "found": True, "data": dict(bundle), "metadata": {}}

        return inspecting

    def _tooltip(self, source: str, position: int) -> Mapping[str, str] | None:
        cursor = cursor_in_marker(source, position)
        if cursor is None or (cursor.expects is Expects.NOTHING and cursor.option is None):
            return None
        if cursor.option is not None:
            return {"text/plain": cursor.option.as_text(), "text/html": cursor.option.as_html()}
        text = _help_of_step(self._shell)
        return {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}


def _help_of_step(shell: InteractiveShell) -> str:
    magic = shell.find_cell_magic("step")  # type: ignore[no-untyped-call]
    return str(magic.__doc__)

"""Events on their way from the kernel to the engine that started it."""

from __future__ import annotations

from collections.abc import Callable

from IPython.core.interactiveshell import InteractiveShell

from durable_nb.core.event_message import as_message
from durable_nb.core.event_spans import Spans
from durable_nb.core.model import StepEvent
from durable_nb.core.protocol import EVENT_MIME
from durable_nb.kernel.context import RunContext
from durable_nb.kernel.results.recording import show_line

_NOWHERE = "durable_nb-event"
"""A display id under which nothing was ever shown: front ends pass over a change of it."""


def beyond_the_kernel(run: RunContext, shell: InteractiveShell) -> list[Callable[[StepEvent], None]]:
    """Who is told of a kernel's events besides its store and its log."""
    if not run.is_batch:
        return [Spans()]
    return [Forwarding(shell)] if run.spans else [Forwarding(shell), Spans()]


class Forwarding:
    """An observer that sends events to the engine, which logs them and makes spans of them.

    Args:
        shell: Of the kernel.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def __call__(self, event: StepEvent) -> None:
        """Send an event."""
        show_line(self._shell, {EVENT_MIME: as_message(event)}, _NOWHERE, again=True)

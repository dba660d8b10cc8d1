"""Who is told of a run's events in the engine's process: its log, and OpenTelemetry where it is loaded."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from durable_nb.core.event_log import log_event
from durable_nb.core.event_message import from_message
from durable_nb.core.event_spans import Spans, is_loaded
from durable_nb.core.model import StepEvent
from durable_nb.store.store import Store

_log = logging.getLogger("durable_nb.batch")


class Observers:
    """Told of the engine's own events and of those that its kernel sends.

    Args:
        store: Where the kernel leaves its events; no cell keeps this process from bringing them into the
            ledger.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.makes_spans = is_loaded()
        """Whether spans are made here; else the kernel makes them, if the notebook has set up where to."""
        self._spans = Spans()

    def __call__(self, event: StepEvent) -> None:
        """Take in an event."""
        log_event(event)
        if self.makes_spans:
            self._spans(event)

    def take(self, message: Mapping[str, Any]) -> None:
        """Take in what the kernel sent; it may have another version of durable_nb than the engine."""
        try:
            event = from_message(message)
        except ValueError as error:
            _log.debug("the kernel sent something else than an event: %s", error)
            return
        self(event)
        self._store.stir()

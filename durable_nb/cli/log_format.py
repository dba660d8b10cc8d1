"""``--log-format``: the log of a run on stderr."""

from __future__ import annotations

import logging
import sys

from durable_nb.core.event_log import JsonLines

FORMATS = ("text", "json")


def log_to_stderr(log_format: str) -> None:
    """Log what durable_nb does: each event as a JSON object a line, or what ends as a line of text."""
    handler = logging.StreamHandler(sys.stderr)
    as_json = log_format == "json"
    handler.setFormatter(
        JsonLines() if as_json else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logger = logging.getLogger("durable_nb")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if as_json else logging.INFO)
    logger.propagate = False

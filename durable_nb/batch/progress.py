"""What a person at a terminal sees while a notebook is executed."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from durable_nb.batch.terminal import can_repaint
from durable_nb.core.model import State

_log = logging.getLogger(__name__)


class Progress:
    """The bar of one execution; on a terminal only, and what is logged meanwhile stands above it."""

    def __init__(self, cells: int, wanted: bool | Mapping[str, Any]) -> None:
        settings: dict[str, Any] = {"unit": "cell", "desc": "starting", "dynamic_ncols": True}
        if isinstance(wanted, Mapping):
            settings.update(wanted)
        else:
            settings["disable"] = not (wanted and can_repaint(sys.stderr))
        self._bar = tqdm(total=cells, **settings)
        self._steps: dict[str, str] = {}
        self._log = ExitStack()
        if not self._bar.disable:
            self._log.enter_context(logging_redirect_tqdm())
            for handler in logging.getLogger().handlers:
                handler.addFilter(_is_news)
                self._log.callback(handler.removeFilter, _is_news)

    def start(self, name: str) -> None:
        """A cell, or the step of that name, is being executed."""
        self._bar.set_description(name)

    def step(self, about: Mapping[str, Any]) -> None:
        """A step has come to a state; `about` is what the kernel publishes under its cell."""
        name, state = str(about.get("step", "")), str(about.get("state", ""))
        if state == State.RUNNING and not about.get("attempt"):
            self._tell(f"{name} {about.get('reason', '')}")
        self._steps[name] = state
        counts = Counter(self._steps.values())
        self._bar.set_postfix_str(", ".join(f"{number} {state}" for state, number in sorted(counts.items())))

    def _tell(self, words: str) -> None:
        """Say what keeps a step from running; whoever starts runs by a timetable finds it in the log."""
        if self._bar.disable:
            _log.warning("Step %s", words)
        else:
            self._bar.write(words, file=sys.stderr)

    def advance(self) -> None:
        """A cell is done with."""
        self._bar.update()

    def restart(self) -> None:
        """All cells are run again, in another kernel."""
        self._bar.update(-self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is and go to the next line."""
        self._bar.close()
        self._log.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Not that an attempt was interrupted: the engine says the same, and how the run goes on."""
    return getattr(record, "state", "") != State.INTERRUPTED

"""What a person sees while a notebook is executed: a bar on a terminal, a line a step in a log."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from durable_nb.core.wording import duration

_log = logging.getLogger("durable_nb.batch")


class Progress:
    """The bar of one execution; where nobody watches a terminal, lines in the log ``durable_nb.batch``."""

    def __init__(self, cells: int, wanted: bool | Mapping[str, Any]) -> None:
        settings: dict[str, Any] = {"unit": "cell", "desc": "starting", "dynamic_ncols": True}
        if isinstance(wanted, Mapping):
            settings.update(wanted)
        else:
            settings["disable"] = not (wanted and sys.stderr.isatty())
        self._bar = tqdm(total=cells, **settings)
        self._steps: dict[str, str] = {}

    def start(self, name: str) -> None:
        """A cell, or the step of that name, is being executed."""
        self._bar.set_description(name)

    def step(self, about: Mapping[str, Any]) -> None:
        """A step has come to a state; `about` is what the kernel publishes under its cell."""
        name, state = str(about.get("step", "")), str(about.get("state", ""))
        self._steps[name] = state
        counts = Counter(self._steps.values())
        self._bar.set_postfix_str(", ".join(f"{number} {state}" for state, number in sorted(counts.items())))
        if self._bar.disable and state != "running":
            _log.info("%s", _line(name, state, about))

    def advance(self) -> None:
        """A cell is done with."""
        self._bar.update()

    def close(self) -> None:
        """Leave the bar as it is and go to the next line."""
        self._bar.close()


def _line(name: str, state: str, about: Mapping[str, Any]) -> str:
    parts = [f"step {name}", state]
    if about.get("reason"):
        parts.append(str(about["reason"]))
    saved = about.get("saved_seconds")
    if state == "reused" and saved:
        parts.append(f"saved {duration(saved)}")
    elif about.get("seconds") is not None:
        parts.append(duration(about["seconds"]))
    return " · ".join(parts)

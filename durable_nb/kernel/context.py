"""Which run, notebook and cell the kernel is working on, from what engine and front end tell it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from durable_nb.core.model import Json
from durable_nb.core.protocol import RUN_VARIABLE
from durable_nb.store.location import find_store
from durable_nb.store.origin import new_run_id


@dataclass(frozen=True, slots=True)
class RunContext:
    """The run that the steps of this kernel belong to."""

    run_id: str
    store: Path
    notebook: str
    """Path of the notebook; empty where nothing tells it."""
    engine: str
    """``interactive`` outside a batch run."""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    """Step → number of its last attempt in this run, where the run is resumed."""

    verify_reused: float = 0.0
    """The fraction of reusable steps that are executed anyway, to see whether the same comes out."""

    forced: Mapping[str, float] = field(default_factory=dict)
    """Step that is to be executed whatever is proven → since when, in seconds since the epoch."""

    is_ahead: bool = False
    """Whether this kernel executes steps of the run before their turn, for another one that tells of them."""

    spans: bool = False
    """Whether the engine makes OpenTelemetry spans of this kernel's events."""

    @property
    def is_batch(self) -> bool:
        """Whether an engine started this kernel, which then begins and ends the run itself."""
        return self.engine != "interactive"


def is_auto_run() -> bool:
    """Whether the engine that started this kernel wants every code cell to be a step."""
    described = os.environ.get(RUN_VARIABLE)
    return bool(described and json.loads(described).get("auto"))


def is_engines_kernel() -> bool:
    """Whether an engine started this kernel, so that no front end ever talks to it."""
    return bool(os.environ.get(RUN_VARIABLE))


def find_run(user_ns: Mapping[str, Any]) -> RunContext:
    """The run of this kernel: the engine's, or a new one for this session."""
    described = os.environ.get(RUN_VARIABLE)
    if described:
        told = json.loads(described)
        return RunContext(
            told["run_id"],
            Path(told["store"]),
            told["notebook"],
            told["engine"],
            told.get("parameters") or {},
            told.get("attempts") or {},
            told.get("verify_reused") or 0.0,
            told.get("forced") or {},
            is_ahead=bool(told.get("ahead")),
            spans=bool(told.get("spans")),
        )
    notebook = _notebook(user_ns)
    return RunContext(new_run_id(), find_store(notebook), str(notebook or ""), "interactive")


def _notebook(user_ns: Mapping[str, Any]) -> Path | None:
    told = user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    if not told:
        return None
    path = Path(str(told))
    # Jupyter may tell the path from its own root, while the kernel starts in the notebook's folder.
    if path.is_absolute():
        return path if path.exists() else None
    for candidate in (Path.cwd() / path, Path.cwd() / path.name):
        if candidate.exists():
            return candidate
    return None

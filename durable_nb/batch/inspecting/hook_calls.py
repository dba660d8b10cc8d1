"""Whom a run has told how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from durable_nb.core.model import Json
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class HookReport:
    """One call of a hook."""

    at: datetime
    hook: str
    """Function, or URL without what may be secret in it."""
    error: str
    """Why it could not be told; empty if it was."""

    def __str__(self) -> str:
        """For people."""
        return f"{self.hook} was not told: {self.error}" if self.error else f"{self.hook} was told"

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        at = self.at.isoformat(timespec="milliseconds")
        return {"at": at, "hook": self.hook, "error": self.error or None}


def run_hooks(store: Store, run_id: str) -> list[HookReport]:
    """Every call of a hook in a run, the oldest first."""
    found = []
    for row in store.ledger.rows(_CALLS, [run_id]):
        data = json.loads(row["data"])
        at = row["happened_at"].replace(tzinfo=UTC)
        found.append(HookReport(at, data.get("hook") or "", data.get("error") or ""))
    return found


_CALLS = """
    select happened_at, data from events where run_id = ? and kind = 'hook_called' order by happened_at
"""

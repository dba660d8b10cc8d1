"""The values that people have given outputs of steps by hand, in one run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from durable_nb.core.model import Json
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class GivenReport:
    """A value that holds in a run in place of what its step makes."""

    step: str
    name: str
    value: str
    """In short, for people."""
    user: str
    at: datetime

    def __str__(self) -> str:
        """For people."""
        return f"{self.step}.{self.name} = {self.value}, by {self.user or 'somebody'}"

    def as_json(self) -> dict[str, Json]:
        """Names and JSON values."""
        at = self.at.isoformat(timespec="milliseconds")
        return {"step": self.step, "name": self.name, "value": self.value, "user": self.user, "at": at}


def run_given(store: Store, run_id: str) -> list[GivenReport]:
    """The values by hand that hold in a run, the oldest first; those taken back are none."""
    holding: dict[tuple[str, str], GivenReport] = {}
    for row in store.ledger.rows(_GIVEN, [run_id]):
        at = row["happened_at"].replace(tzinfo=UTC)
        for value in json.loads(row["values"] or "[]"):
            given = GivenReport(row["step"], value["name"], value["value"], row["user"] or "", at)
            holding[given.step, given.name] = given
    return list(holding.values())


_GIVEN = """
    select happened_at, step, "user", "values" from overrides o
    where run_id = ? and override = 'set'
        and not exists (select 1 from overrides u where u.override = 'undo' and u.undoes = o.override_id)
    order by happened_at
"""

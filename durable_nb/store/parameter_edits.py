"""Parameters that a person has edited for a notebook: they hold in each run that is given no other value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from durable_nb.core.errors import UsageError
from durable_nb.core.model import Json
from durable_nb.core.overrides import PARAMETER, Change, Override, OverrideKind
from durable_nb.store import decisions
from durable_nb.store.store import Store


@dataclass(frozen=True, slots=True)
class Edit:
    """A value that a person has set for a parameter."""

    name: str
    value: Json
    user: str
    host: str
    at: datetime

    def as_json(self) -> dict[str, Json]:
        """Who and when, for programs."""
        return {"user": self.user, "host": self.host, "at": self.at.isoformat(timespec="milliseconds")}


def record_edit(store: Store, notebook: str, name: str, value: Json) -> Edit:
    """Decide that a parameter of a notebook has a value from now on; `forget_edit` ends that.

    Args:
        store: The store of the notebook.
        notebook: Its absolute path.
        name: Of the parameter.
        value: What it is to be.

    Raises:
        DamagedError: An earlier edit cannot be read.
        StoreError: It could not be written.
    """
    before = edits_of(store, notebook).get(name)
    was = "" if before is None else json.dumps(before.value)
    change = _change(notebook, name, was, json.dumps(value))
    return _edit(_decide(store, OverrideKind.PARAMETER, notebook, change))


def forget_edit(store: Store, notebook: str, name: str) -> Edit:
    """Decide that a parameter has its default again.

    Returns:
        The edit that held.

    Raises:
        UsageError: It was not edited.
        DamagedError: An edit cannot be read.
        StoreError: It could not be written.
    """
    holding = [one for one in store.overrides.of_parameters(notebook) if one.changes[0].name == name]
    if not holding:
        known = ", ".join(edits_of(store, notebook)) or "none"
        raise UsageError(f"parameter {name} of {notebook} is not edited; edited are: {known}")
    change = _change(notebook, name, holding[-1].changes[0].now, "")
    for one in holding:
        _decide(store, OverrideKind.UNDO, notebook, change, undoes=one.override_id)
    return _edit(holding[-1])


def edits_of(store: Store, notebook: str) -> Mapping[str, Edit]:
    """Parameter of a notebook → the edit that holds.

    Raises:
        DamagedError: An edit cannot be read: nobody knows which value was meant.
        StoreVersionError: A newer durable_nb wrote it.
    """
    return {edit.name: edit for edit in map(_edit, store.overrides.of_parameters(notebook))}


def _change(notebook: str, name: str, was: str, now: str) -> Change:
    text = f"{notebook}: {name} {was or 'its default'} → {now or 'its default'}"
    return Change(PARAMETER, name, was, now, text)


def _decide(store: Store, kind: OverrideKind, notebook: str, change: Change, undoes: str = "") -> Override:
    return decisions.decide(store, kind, "", notebook=notebook, changes=(change,), undoes=undoes)


def _edit(override: Override) -> Edit:
    (change,) = override.changes
    at = datetime.fromtimestamp(override.at, UTC)
    return Edit(change.name, json.loads(change.now), override.user, override.host, at)

"""Runs by what people type of them: an id, the beginning of one, or ``last``."""

from __future__ import annotations

import difflib

from durable_nb.core.errors import UnknownRunError
from durable_nb.store.store import Store

LAST = "last"
_SHOWN = 3

_IDS = "select run_id from runs order by coalesce(resumed_at, started_at) desc, run_id desc"
_BEGINNING = "select run_id from runs where starts_with(run_id, ?) order by started_at desc limit 4"


def find_run(store: Store, text: str) -> str:
    """The id of a run.

    Args:
        store: Where to look.
        text: A run's id, the beginning of one that no other run shares, or ``last``.

    Raises:
        UnknownRunError: There is none, or more than one that begins like this; the nearest are named.
    """
    if text == LAST:
        newest = store.ledger.rows(f"{_IDS} limit 1")
        if newest:
            return str(newest[0]["run_id"])
        raise UnknownRunError(f"the store {store.path} has no runs yet. Start one: durable-nb run NOTEBOOK")
    found = [str(row["run_id"]) for row in store.ledger.rows(_BEGINNING, [text])]
    if text in found or len(found) == 1:
        return text if text in found else found[0]
    if found:
        raise UnknownRunError(
            f"{text!r} begins the id of several runs, such as {' and '.join(found[:2])}; give more of it."
        )
    raise UnknownRunError(f"the store {store.path} has no run {text!r}{_nearest(store, text)}")


def _nearest(store: Store, text: str) -> str:
    known = [str(row["run_id"]) for row in store.ledger.rows(_IDS)]
    near = difflib.get_close_matches(text, known, n=_SHOWN) or known[:_SHOWN]
    if not known:
        return ", or any other yet. Start one: durable-nb run NOTEBOOK; list them: durable-nb runs"
    return f". The nearest are: {', '.join(near)}. See all: durable-nb runs"

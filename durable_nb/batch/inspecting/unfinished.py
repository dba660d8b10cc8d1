"""The runs that failed or died, and that nothing has made up for since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from durable_nb.batch import runs
from durable_nb.batch.inspecting.reports import RunReport, all_records
from durable_nb.core.model import State
from durable_nb.store.store import Store

_FAILED = frozenset({State.FAILED, State.INTERRUPTED})


def unfinished_runs(
    store: Store,
    *,
    notebook: Path | None = None,
    since_seconds: float | None = None,
    tags: Mapping[str, str] | None = None,
) -> list[RunReport]:
    """The runs that failed, or whose process died, oldest first.

    Those that somebody stopped, or that wait for a person, are none of them. Of several runs of one notebook
    with the same parameters only the newest counts.

    Args:
        store: Where to look.
        notebook: Only runs of this notebook.
        since_seconds: Only runs that were started or resumed within so many seconds.
        tags: Only runs that are marked with all of these.
    """
    runs.settle_dead_runs(store)
    newest: dict[tuple[str, str], RunReport] = {}
    for record in all_records(store, notebook.absolute() if notebook is not None else None):
        what = record.notebook or record.run_id, json.dumps(dict(record.parameters), sort_keys=True)
        newest.setdefault(what, record)
    wanted = (tags or {}).items()
    found = [r for r in newest.values() if r.state in _FAILED and wanted <= r.tags.items()]
    if since_seconds is not None:
        found = [record for record in found if _age(record) <= since_seconds]
    return sorted(found, key=lambda record: record.started_at)


def _age(record: RunReport) -> float:
    return (datetime.now(UTC) - (record.resumed_at or record.started_at)).total_seconds()

"""What a person waits for in the panel of a large store: pages of runs, searches, one run, the steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contest import OURS, Contender, Figures, Sizes, Subject, Target

NOTEBOOK = "/work/nightly.ipynb"
STEPS = 10
ASKED = {
    "page": {},
    "far page": {"page": 900},
    "failed": {"states": ["failed"]},
    "by time": {"sort": "seconds"},
    "parameter": {"parameter": "day=77"},
    "text": {"text": "column 77"},
}
"""Figure → what is asked of the table of runs."""
_FILL = (
    """
    INSERT INTO runs BY NAME
    SELECT 'run-' || i AS run_id, '/work/nightly.ipynb' AS notebook,
        json_object('day', i % 1000) AS parameters,
        json_object('team', 'ops') AS tags,
        CASE WHEN i % 20 = 0 THEN 'failed' ELSE 'completed' END AS state,
        make_timestamp(1700000000000000 + i * 1000000) AS started_at, 'durable' AS engine,
        make_timestamp(1700000000000000 + i * 1000000 + i % 977 * 1000) AS finished_at, 'h' AS host, 1 AS pid,
        CASE WHEN i % 20 = 0 THEN 'KeyError' END AS error_type,
        CASE WHEN i % 20 = 0 THEN 'no column ' || i END AS error_message
    FROM range($runs) t(i)
    """,
    """
    INSERT INTO attempts BY NAME
    SELECT 'run-' || i AS run_id, 'step_' || s AS step, 1 AS attempt, 0 AS reuse,
        '/work/nightly.ipynb' AS notebook,
        CASE WHEN i % 20 = 0 AND s = 9 THEN 'failed' ELSE 'completed' END AS state,
        make_timestamp(1700000000000000 + i * 1000000 + s) AS started_at, 0.5 AS seconds,
        make_timestamp(1700000000000000 + i * 1000000 + s + 1) AS finished_at,
        CASE WHEN i % 20 = 0 AND s = 9 THEN 'KeyError' END AS error_type,
        CASE WHEN i % 20 = 0 AND s = 9 THEN 'no column ' || i END AS error_message
    FROM range($runs) t(i), range($steps) u(s)
    """,
    """
    INSERT INTO steps BY NAME
    SELECT '/work/nightly.ipynb' AS notebook, 'step_' || s AS step, s AS position, 'completed' AS state,
        'run-' || ($runs - 1) AS run_id, make_timestamp(1700000000000000) AS updated_at
    FROM range($steps) t(s)
    """,
)


def fill(folder: Path, sizes: Sizes) -> Figures:
    """Make a ledger with many runs."""
    import duckdb

    from durable_nb.core.model import EventKind, StepEvent
    from durable_nb.store.store import open_store

    store = open_store(folder / ".durable")
    store.record(StepEvent(EventKind.RUN_FINISHED, "first", 1_600_000_000.0, data={"state": "completed"}))
    store.close()
    with duckdb.connect(str(folder / ".durable" / "ledger.duckdb")) as connection:
        runs = sizes["attempts"] // STEPS
        for sql in _FILL:
            wanted = {name: value for name, value in (("runs", runs), ("steps", STEPS)) if f"${name}" in sql}
            connection.execute(sql, wanted)
    return {}


def ask(folder: Path, sizes: Sizes) -> Figures:
    """Open a panel, and ask what a person asks, each some times."""
    from durable_nb.dashboard.opening import find_place
    from durable_nb.dashboard.panel import Panel

    views: dict[str, Any] = {}
    panel = Panel(find_place(folder / ".durable"))
    figures = {"open": seconds(lambda: panel.open(views.__setitem__))}
    assert panel.ask("runs", {})["ok"]["total"] == sizes["attempts"] // STEPS, views["panel"]
    for name, query in ASKED.items():
        figures[name] = least(lambda query=query: answered(panel, "runs", query=query), sizes)
    last = f"run-{sizes['attempts'] // STEPS - 1}"
    figures["run"] = least(lambda: answered(panel, "run", run_id=last), sizes)
    figures["steps"] = least(panel.board.read_ledger, sizes)
    panel.close()
    return figures


def answered(panel: Any, method: str, **arguments: Any) -> None:
    assert "ok" in panel.ask(method, arguments)


def least(work: Callable[[], object], sizes: Sizes) -> float:
    return min(seconds(work) for _ in range(sizes["times"]))


def seconds(work: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


SUBJECTS = [
    Subject(
        name="dashboard",
        title="The panel of a large store",
        measures={name: f"{name}, ms" for name in ("open", *ASKED, "run", "steps")},
        contenders={OURS: Contender((fill, ask))},
        quick={"attempts": 100_000, "times": 3},
        full={"attempts": 1_000_000, "times": 5},
        targets=[Target("page", 500.0), Target("text", 1000.0), Target("steps", 500.0)],
    )
]

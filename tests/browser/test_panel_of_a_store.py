"""The panel of a store in a real browser, while other processes work on it, hold it, or have damaged it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from browser.conftest import OpenPanel
from browser.jupyter import PanelOnPage, save

from durable_nb.core.model import EventKind, StepEvent
from durable_nb.store.store import open_store

EVIL = "<img src=x onerror=\"window.hacked='yes'\">"
HELD = """%%step held
import pathlib, time
while not pathlib.Path('go').exists():
    time.sleep(0.02)"""
FAILS = "%%step fails --retries 1 --backoff 0\nraise ValueError('no 42')"
ATTEMPTS = 1_000_000
STEPS = 10
FILL = (
    """
    insert into runs by name
    select 'run-' || i as run_id, 'nightly.ipynb' as notebook, json_object('day', i % 1000) as parameters,
        case when i % 20 = 0 then 'failed' else 'completed' end as state, 'durable' as engine,
        make_timestamp(1700000000000000 + i * 1000000) as started_at, 'h' as host, 1 as pid,
        make_timestamp(1700000000000000 + i * 1000000 + i % 977) as finished_at
    from range($runs) t(i)
    """,
    """
    insert into attempts by name
    select 'run-' || i as run_id, 'step_' || s as step, 1 as attempt, 0 as reuse, 'nightly.ipynb' as notebook,
        'completed' as state, 0.5 as seconds,
        make_timestamp(1700000000000000 + i * 1000000 + s) as started_at,
        make_timestamp(1700000000000000 + i * 1000000 + s + 1) as finished_at
    from range($runs) t(i), range($steps) u(s)
    """,
)
HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("update meta set created_by = 'held'")
print("held", flush=True)
sys.stdin.readline()
"""


def record_a_run(folder: Path) -> None:
    """A store with one run, as an engine records it."""
    with closing(open_store(folder / ".durable")) as store:
        about = {"notebook": "nightly.ipynb", "engine": "durable"}
        store.record(StepEvent(EventKind.RUN_STARTED, "first", 1_600_000_000.0, data=about))
        store.record(StepEvent(EventKind.RUN_FINISHED, "first", 1_600_000_001.0, data={"state": "completed"}))
        store.flush()


def test_a_run_of_another_process_is_shown_as_it_goes(
    open_panel: OpenPanel, tmp_path: Path, start_python: Callable[..., subprocess.Popen[str]]
) -> None:
    """It is running with the time it takes; each step as it begins and ends; in the end its error."""
    notebook = save(tmp_path / "nightly.ipynb", ["%%step first\nx = 1", HELD, FAILS])
    shown = open_panel(tmp_path / ".durable", notebook)
    shown.until(".strip-info")
    process = start_python(
        "durable_nb.cli", "run", "nightly.ipynb", "out.ipynb", "-p", "day", "3", "--keep-going"
    )

    shown.until(".run-row .pill.tone-running")
    shown.tab("Steps")
    shown.until("[data-step=held] .pill.tone-running")
    where = shown.page.locator("[data-step=held] .at-waits").inner_text()
    first = shown.page.locator("[data-step=first] .pill").inner_text()
    (tmp_path / "go").touch()
    shown.until("[data-step=held] .pill.tone-completed")
    shown.until("[data-step=fails] .pill.tone-failed")
    tries = shown.page.locator("[data-step=fails] .at-tries").inner_text()
    shown.tab("Runs")
    shown.until(".run-row .pill.tone-failed")

    assert f"process {process.pid} on " in where
    assert first == "completed"
    assert tries.startswith("2")
    assert "ValueError: no 42" in shown.page.locator(".run-row .at-error").inner_text()


def test_a_store_that_is_made_held_and_let_go(open_panel: OpenPanel, tmp_path: Path) -> None:
    """The panel says what is the matter and what to do, keeps what it knew, and goes on by itself."""
    notebook = save(tmp_path / "nightly.ipynb", ["%%step first\nx = 1"])
    shown = open_panel(tmp_path / ".durable", notebook)
    shown.until(".strip-info")
    missing = shown.page.locator(".strip-info").inner_text()
    record_a_run(tmp_path)
    shown.until("[data-run=first]")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / ".durable" / "ledger.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        shown.page.get_by_label("Search in the errors of runs").fill("anything")
        shown.until(".strip-warning button")
        PanelOnPage(shown.page.locator(".durable-nb")).press("Look again")
        shown.until(".strip-warning button:enabled")
        held = shown.page.locator(".strip-warning").first.inner_text()
        kept = shown.page.locator("[data-run=first]").count()
        shown.page.get_by_label("Search in the errors of runs").fill("")
        holder.communicate("\n")
    shown.until(".panel:not(:has(.strip)) [data-run=first]")

    assert "There is no store" in missing
    assert "The panel tries again by itself" in held
    assert kept == 1


def test_a_million_attempts_are_no_burden(open_panel: OpenPanel, tmp_path: Path) -> None:
    """The page has the runs of one page; turning it, searching and opening a run answer."""
    record_a_run(tmp_path)
    runs = ATTEMPTS // STEPS
    with duckdb.connect(str(tmp_path / ".durable" / "ledger.duckdb")) as connection:
        connection.execute(FILL[0], {"runs": runs})
        connection.execute(FILL[1], {"runs": runs, "steps": STEPS})

    shown = open_panel(tmp_path / ".durable", tmp_path / "nightly.ipynb")
    shown.until(f"[data-run=run-{runs - 1}]")
    total = shown.page.locator(".pages b").inner_text()
    rows = shown.page.locator("[data-run]").count()
    shown.page.get_by_role("button", name="Next").click()
    shown.until(f"[data-run=run-{runs - 26}]")
    shown.page.get_by_role("button", name="Sort by started", exact=False).click()
    shown.until("[data-run=first]")
    shown.page.locator("[data-run=run-0] .row-open").click()
    shown.until("[data-run=run-0] .facts")

    assert total == f"{runs + 1:,}"
    assert rows == 25
    assert shown.page.locator("[data-run=run-0] .facts").is_visible()


@pytest.mark.parametrize("view", ["Steps", "Runs"])
def test_a_store_of_somebody_else_runs_nothing_in_the_page(
    open_panel: OpenPanel, tmp_path: Path, view: str
) -> None:
    """Names of steps, notebooks, users and machines that a ledger holds are text, whoever wrote them."""
    notebook = save(tmp_path / "nightly.ipynb", ["%%step first\nx = 1", FAILS])
    subprocess.run(
        [sys.executable, "-m", "durable_nb.cli", "run", "nightly.ipynb", "out.ipynb"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    with duckdb.connect(str(tmp_path / ".durable" / "ledger.duckdb")) as connection:
        connection.execute("update attempts set step = ?, error_type = ? where step = 'fails'", [EVIL, EVIL])
        connection.execute("update steps set step = ?, reason = ? where step = 'fails'", [EVIL, EVIL])
        connection.execute("update runs set notebook = ?, error_type = ?, host = ?", [EVIL, EVIL, EVIL])
        connection.execute("update steps set notebook = ?", [EVIL])
        connection.execute("update attempts set notebook = ?", [EVIL])

    shown = open_panel(tmp_path / ".durable", Path(EVIL))
    shown.tab(view)
    shown.until(".row-open")
    for row in shown.page.locator(".row-open").all():
        row.click()
        row.page.locator("[aria-expanded=true]").first.wait_for()
    text = shown.page.locator(".durable-nb").inner_text()

    assert notebook.exists()
    assert EVIL in text
    assert shown.page.evaluate("window.hacked") is None
    assert shown.page.locator(".durable-nb img").count() == 0

"""SIGKILL at any moment: the store opens, and everything it acknowledged is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from durable_nb.store import open_store

SCRIPT = Path(__file__).with_name("store_process.py")
CHANCE = random.Random(7)


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE_NB_KEY_FILE", str(tmp_path / "key"))


def start(what: str, folder: Path, name: str, *more: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), what, str(folder), name, *more], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def acknowledged(process: subprocess.Popen[str]) -> list[str]:
    """End a process and return what it had printed in full."""
    output, _ = process.communicate()
    return [line[:-1] for line in output.splitlines(keepends=True) if line.endswith("\n")]


def killed_after(most: int, what: str, folder: Path, name: str) -> list[str]:
    """Kill a process that writes, between two of its acknowledgements: after ``most`` of them at the latest.

    Returns:
        What it has acknowledged; a few more, if it was faster than the kill.
    """
    process = start(what, folder, name)
    assert process.stdout is not None
    first = [process.stdout.readline().strip() for _ in range(CHANCE.randint(1, most))]
    time.sleep(CHANCE.uniform(0, 0.02))  # by chance: in the middle of what is written next
    process.kill()
    return [*first, *acknowledged(process)]


def test_while_traces_are_written(tmp_path: Path) -> None:
    """Every acknowledged trace is there, none is damaged, and recover tells the ledger about all."""
    known: list[str] = []
    for kill in range(4):
        known += killed_after(12, "traces", tmp_path / "store", f"r{kill}")
    store = open_store(tmp_path / "store")

    traces = {trace.trace_id for trace in store.traces.all()}

    assert len(known) >= 4
    assert set(known) <= traces
    assert set(store.traces.files()) == traces
    assert store.recover().traces_added == len(traces)
    assert store.recover().traces_added == 0
    attempts = store.ledger.rows("SELECT trace_id FROM attempts WHERE state = 'completed'")
    assert {row["trace_id"] for row in attempts} == traces
    store.close()


def test_while_artifacts_are_written(tmp_path: Path) -> None:
    """Every acknowledged value is there and is the one that was stored."""
    known: dict[str, list[str]] = {}
    for kill in range(3):
        name = f"r{kill}"
        known[name] = killed_after(8, "artifacts", tmp_path / "store", name)
    store = open_store(tmp_path / "store")

    assert sum(map(len, known.values())) >= 3
    for name, fingerprints in known.items():
        for number, fingerprint in enumerate(fingerprints):
            assert store.artifacts.get(fingerprint, store.context())[0] == f"{name} {number}"
    for fingerprint in store.artifacts.all():
        store.artifacts.get(fingerprint, store.context())


def test_while_events_are_written(tmp_path: Path) -> None:
    """Every acknowledged event is in the ledger, whenever its process was killed."""
    for kill in range(6):
        name = f"r{kill}"
        known = killed_after(4, "events", tmp_path / "store", name)
        store = open_store(tmp_path / "store")
        rows = store.ledger.rows("SELECT attempt FROM events WHERE run_id = ?", [name])
        assert {row["attempt"] for row in rows} >= set(range(1, int(known[-1]) + 1))
        store.close()


def test_while_the_ledger_is_made(tmp_path: Path) -> None:
    """A process that dies while it makes the ledger leaves one that opens, or none; nothing is damaged."""
    made = 0
    for kill in range(8):
        folder = tmp_path / f"store{kill}"
        process = start("events", folder, "r")
        time.sleep(0.005 * kill)
        process.kill()
        process.communicate()
        store = open_store(folder)
        made += store.ledger.path.exists()
        store.ledger.rows("FROM run_summary")
        store.ledger.record([])
        store.close()

    assert made < 8


def test_eight_processes(tmp_path: Path) -> None:
    """Eight processes that write at once, two of which are killed, lose no acknowledged event."""
    folder = tmp_path / "store"
    processes = {f"r{n}": start("events", folder, f"r{n}", "3600" if n < 2 else "2") for n in range(8)}
    time.sleep(1)
    processes["r0"].kill()
    processes["r1"].kill()
    known = {name: acknowledged(process) for name, process in processes.items()}
    store = open_store(folder)

    for name, lines in known.items():
        rows = store.ledger.rows("SELECT attempt FROM events WHERE run_id = ?", [name])
        found = sorted(row["attempt"] for row in rows)
        expected = list(range(1, int(lines[-1]) + 1 if lines else 1))
        assert found[: len(expected)] == expected
        assert len(found) == len(set(found))
        attempts = store.ledger.rows("SELECT attempt FROM attempts WHERE run_id = ?", [name])
        assert {row["attempt"] for row in attempts} >= {n for n in expected if n % 2}
    assert all(known[f"r{n}"] for n in range(2, 8))
    store.close()

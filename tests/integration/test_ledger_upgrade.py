"""A ledger of an older format: brought into the present one with all its rows, whatever happens meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from durable_nb.core.model import EventKind, StepEvent
from durable_nb.store.ledger import Ledger
from durable_nb.store.ledger_sql import FORMAT

_NEW_COLUMNS = ("tags", "notebook_file", "engine_options", "versions", "git_commit", "git_dirty")
"""Of runs, since format 1."""


def started(run_id: str = "r1", **data: object) -> StepEvent:
    return StepEvent(EventKind.RUN_STARTED, run_id, 1_700_000_000.0, data={"notebook": "/n.ipynb", **data})  # type: ignore[arg-type]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store whose ledger has format 1, made by taking away what came later; its last row is in its log."""
    ledger = Ledger(tmp_path / "store")
    ledger.record([started(parameters={"alpha": 1})])
    ledger.close()
    make_old = (
        "import os, sys, duckdb; c = duckdb.connect(sys.argv[1]); "
        "views = c.sql('SELECT view_name FROM duckdb_views() WHERE NOT internal').fetchall(); "
        "[c.execute(f'DROP VIEW {name}') for name, in views]; "
        "[c.execute(f'ALTER TABLE runs DROP COLUMN {name}') for name in sys.argv[2:]]; "
        "c.execute('UPDATE meta SET format = 1'); c.execute('CHECKPOINT'); "
        "c.execute(\"INSERT INTO runs (run_id, state) VALUES ('in the log', 'failed')\"); os._exit(0)"
    )
    subprocess.check_call([sys.executable, "-c", make_old, str(ledger.path), *_NEW_COLUMNS])
    assert ledger.path.with_name("ledger.duckdb.wal").exists()
    return ledger.folder


def test_reading_upgrades(old: Path) -> None:
    """All rows are there, also those in DuckDB's log; what was not known then is null; new facts go in."""
    ledger = Ledger(old)

    rows = ledger.rows("SELECT run_id, parameters, tags FROM runs ORDER BY run_id")

    assert [("in the log", None, None), ("r1", '{"alpha":1}', None)] == [
        (row["run_id"], row["parameters"] and row["parameters"].replace(" ", ""), row["tags"]) for row in rows
    ]
    assert [] == ledger.rows("FROM parameter_changes")
    ledger.record([started("r2", tags={"team": "ops"})])
    assert ["ops"] == [
        row["team"] for row in ledger.rows("SELECT tags->>'team' AS team FROM runs WHERE run_id = 'r2'")
    ]
    with duckdb.connect(str(ledger.path), read_only=True) as direct:
        assert [(FORMAT,)] == direct.sql("SELECT format FROM meta").fetchall()


def test_writing_upgrades(old: Path) -> None:
    """The first thing that happens may be an event of another run."""
    ledger = Ledger(old)

    ledger.record([started("r2")])

    assert 3 == len(ledger.rows("FROM runs"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_folder_that_cannot_be_written(old: Path, tmp_path: Path) -> None:
    """It is read as if it were upgraded, and stays as it is."""
    before = (old / "ledger.duckdb").read_bytes()
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    code = (
        "import os, sys; from pathlib import Path; from durable_nb.store.ledger import Ledger\n"
        "from durable_nb.store.ledger_file import _schema; _schema()  # the user may not read this file\n"
        "import duckdb, pyarrow; os.setgid(65534); os.setuid(65534)\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        "for _ in range(2): print(ledger.rows('SELECT run_id, tags FROM runs ORDER BY run_id'))"
    )

    shown = subprocess.check_output([sys.executable, "-c", code, str(old)], text=True)

    found = "[{'run_id': 'in the log', 'tags': None}, {'run_id': 'r1', 'tags': None}]"
    assert [found, found] == shown.splitlines()
    assert before == (old / "ledger.duckdb").read_bytes()


@pytest.mark.parametrize("point", ["CHECKPOINT older", "INSERT INTO", "CHECKPOINT ledger"])
def test_killed_while_it_upgrades(old: Path, point: str) -> None:
    """The ledger is the old one or the new one, and the next process brings it to its end."""
    dies = (
        "import os, sys, pathlib; import durable_nb.store.ledger as module\n"
        "class Dying:\n"
        "    def __init__(self, inner): self.inner = inner\n"
        "    def __getattr__(self, name): return getattr(self.inner, name)\n"
        "    def execute(self, sql, *more):\n"
        "        if sys.argv[2] in sql: os._exit(9)\n"
        "        return self.inner.execute(sql, *more)\n"
        "import duckdb; connect = duckdb.connect\n"
        "duckdb.connect = lambda *a, **k: Dying(connect(*a, **k))\n"
        "module.Ledger(pathlib.Path(sys.argv[1])).rows('FROM runs')"
    )
    assert 9 == subprocess.call([sys.executable, "-c", dies, str(old), point])

    assert 2 == len(Ledger(old).rows("FROM runs"))

"""Runs outlive the ledger: what was recorded of them is kept in files, and comes back from these."""

from __future__ import annotations

import json
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from durable_nb.batch import runs
from durable_nb.batch.asked import Asked
from durable_nb.batch.beginning import Start, begin
from durable_nb.batch.git import Checkout
from durable_nb.batch.hooks import HookCall
from durable_nb.batch.inspecting.hook_calls import run_hooks
from durable_nb.batch.inspecting.reports import list_runs, run_record, run_report
from durable_nb.cli.app import main
from durable_nb.core.errors import DurableWarning, StoreFullError
from durable_nb.core.model import State
from durable_nb.store.store import Store, open_store

Typed = Callable[..., tuple[int, str]]
SECRET = "s3cr3t-0f-the-day"
CELLS = (
    "%%params\nsize: int = 3\ntoken: str = ''",
    "%%step load\nraw = list(range(size))",
    "%%step clean\nrows = len(raw) / 0",
    "%%step total\ntotal = rows + 1\nprint('total', total)",
)
QUESTIONS = (
    ("show", "last"),
    ("runs",),
    ("history", "clean"),
    ("logs", "clean"),
    ("query", "FROM parameter_changes"),
    (
        "query",
        "SELECT step, attempt, reuse, state, reason, started_at, finished_at FROM attempts ORDER BY ALL",
    ),
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Path:
    """A folder with a run that failed, was given another input, and failed again."""
    folder = tmp_path_factory.mktemp("ran")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = new_notebook(cells=[new_code_cell(source) for source in CELLS], metadata={"kernelspec": kernel})
    nbformat.write(nb, folder / "nb.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DURABLE_NB_KEY_FILE", str(user_key))
        patch.setenv("DURABLE_NB_SECRET_TOKEN", SECRET)
        store = ("--store", str(folder / ".durable"))
        for words in (
            ("run", str(folder / "nb.ipynb"), "--tag", "team=ops", "--on-failure", "nowhere:tell", *store),
            ("resume", "--last", "-p", "size", "4", *store),
        ):
            with pytest.raises(SystemExit) as ended:
                main([*words, "--json"])
            assert 1 == ended.value.code
    return folder


@pytest.fixture
def typed(ran: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs the command on a copy of that store: its exit status, and what it printed."""
    shutil.copytree(ran / ".durable", tmp_path / "store")

    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*words, "--store", str(tmp_path / "store"), "--json"])
        return int(ended.value.code or 0), capsys.readouterr().out

    return call


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / ".durable")) as opened:
        yield opened


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(str(tmp_path / "nb.ipynb"), {"size": 4}, "durable", options={"jobs": 2})


def lose(store: Store) -> Store:
    """The store without its ledger, as another process would open it."""
    store.close()
    store.ledger.path.unlink()
    return open_store(store.path)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_every_command_answers_as_before(typed: Typed, tmp_path: Path) -> None:
    """Parameters, tags, options, failures, reasons, times, hooks and changed inputs are all there again."""
    before = [typed(*words) for words in QUESTIONS]
    (tmp_path / "store" / "ledger.duckdb").unlink()

    after = [typed(*words) for words in QUESTIONS]

    assert before == after
    shown: dict[str, Any] = json.loads(after[0][1])
    assert {"team": "ops"} == shown["tags"]
    assert {"value": 4, "from": "given"} == shown["effective_parameters"]["size"]
    assert ["nowhere:tell"] == [hook["hook"] for hook in shown["hooks"]]
    assert ["completed", "failed", "pending"] == [step["state"] for step in shown["steps"]]


def test_a_damaged_ledger_costs_nothing_of_a_run(typed: Typed, tmp_path: Path) -> None:
    """The same, with a warning that says where the damaged file is kept."""
    before = typed("show", "last")
    path = tmp_path / "store" / "ledger.duckdb"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.warns(DurableWarning, match="damaged"):
        after = typed("show", "last")

    assert before == after


def test_it_goes_on_where_it_was(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that came back from its files is resumed like any other: attempts go on counting."""
    monkeypatch.setenv("DURABLE_NB_SECRET_TOKEN", SECRET)
    (tmp_path / "store" / "ledger.duckdb").unlink()

    status, printed = typed("resume", "--last", "--set", "clean.rows=41", "-o", str(tmp_path / "o.ipynb"))

    report = json.loads(printed)
    assert (0, "completed", {"team": "ops"}) == (status, report["state"], report["tags"])
    attempts = json.loads(typed("show", "last")[1])["attempts"]
    assert [1, 2, 3] == [one["attempt"] for one in attempts if one["step"] == "clean"]
    assert "total 42" in (tmp_path / "o.ipynb").read_text()


def test_no_file_holds_a_secret(ran: Path) -> None:
    """Neither the records of runs nor anything else in the store."""
    holding = [path for path in ran.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]

    assert [] == holding


def test_a_run_that_had_only_begun(store: Store, start: Start) -> None:
    """Killed before anything else was recorded, it is known with all that it was begun with."""
    first = begin(store, start)
    runs.finish(store, first.run_id, State.FAILED)
    asked = Asked(new_run=True, tags={"team": "ops"})
    again = Start(**{**_fields(start), "checkout": Checkout("c0ffee", True)})
    second = begin(store, again, asked)
    before = run_record(store, second.run_id)

    after = run_record(lose(store), second.run_id)

    assert before == after
    assert (first.run_id, {"team": "ops"}, "c0ffee") == (after.parent_run_id, after.tags, after.git_commit)
    assert (State.RUNNING, None) == (after.state, after.resumed_at)


def _fields(start: Start) -> dict[str, Any]:
    return {name: getattr(start, name) for name in Start.__dataclass_fields__}


def test_what_the_ledger_never_learnt(store: Store, start: Start) -> None:
    """A process that dies between its record and the ledger has recorded all the same, and once."""
    run = begin(store, start)
    runs.finish(store, run.run_id, State.FAILED, runs.Failure("ValueError", "no rows"))
    before = run_report(store, run.run_id)
    store.ledger.learn(store.runs.events())
    assert before == run_report(store, run.run_id)
    other = open_store(store.path.parent / "other")
    other.flush()
    shutil.copytree(store.path / "runs", other.path / "runs")

    found = other.recover()

    assert 2 == found.runs_added
    assert 0 == other.recover().runs_added
    assert before == run_report(other, run.run_id)


def test_a_damaged_record_costs_only_itself(store: Store, start: Start) -> None:
    """It is told of once; the others come back."""
    ids = [begin(store, start, Asked(new_run=True)).run_id for _ in range(2)]
    path = next(store.runs.folder.glob(f"{ids[0]}*"))
    path.write_bytes(path.read_bytes().replace(b"durable", b"durably"))

    with pytest.warns(DurableWarning, match="not as it was written"):
        found = list_runs(lose(store))

    assert [ids[1]] == [report.run_id for report in found]


def test_a_ledger_without_room(store: Store, start: Start) -> None:
    """Where only small files have room, a run does not begin, and it is known why."""
    with file_size_limit(20_000), pytest.raises(StoreFullError):
        begin(store, start)

    opened = open_store(store.path)
    (report,) = list_runs(opened)
    opened.recover()
    assert State.FAILED is report.state
    assert "StoreFullError" in report.error
    assert report.run_id == begin(opened, start).run_id
    opened.close()


def test_hooks_come_back(store: Store, start: Start) -> None:
    """Also that one could not be told."""
    run = begin(store, start)
    runs.finish(store, run.run_id, State.FAILED)
    runs.hook_called(store, run.run_id, HookCall("mail:send", "OSError: no route"))

    (call,) = run_hooks(lose(store), run.run_id)

    assert "mail:send was not told: OSError: no route" == str(call)


def test_sibling_stores_share_nothing(store: Store, start: Start) -> None:
    """A record under another run's name is no record of it."""
    run = begin(store, start)
    path = next(store.runs.folder.iterdir())
    path.rename(path.with_name(path.name.replace(run.run_id, "20200101-000000-0000")))

    with pytest.warns(DurableWarning, match="another run than its name says"):
        assert [] == list_runs(lose(store))

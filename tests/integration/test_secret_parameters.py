"""Secrets of runs: cells have them, and no file of store, notebooks, logs and reports does."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from integration.leaking import forms, leaks, texts_of, write
from oracle.kernels import ForkedKernels, cell

from durable_nb.batch.changes import Changes
from durable_nb.batch.engine_run import run_notebook
from durable_nb.batch.inspecting.reports import RunReport
from durable_nb.batch.resuming import resume
from durable_nb.batch.sweeping.sweep import sweep
from durable_nb.core.errors import UsageError
from durable_nb.core.fingerprint import digest, fingerprint
from durable_nb.core.model import State
from durable_nb.store.store import open_store

TOKEN = "s3cr'et/T0ken-é"
DEFAULT = "written-in-the-notebook"
CELLS = (
    f"""%%params
day = 'monday'
token = ''  # for the service
badge = '{DEFAULT}'  # secret""",
    """%%step load
n = len(token) + len(day)
print('token', token, {'t': token})
token""",
    """%%step login --retries 1 --backoff 0.01
import logging, pathlib
logging.warning('with %s', token)
if not pathlib.Path('open').exists():
    raise ValueError(f'cannot log in as {token} with {badge}')
session = n""",
    """%%step header
header = {'Authorization': f'Bearer {token}'}
header""",
    """%%step ask
length = len(header['Authorization'])
length""",
    """%%step keep --writes private/note.txt
from pathlib import Path
Path('private').mkdir(exist_ok=True)
Path('private/note.txt').write_text(token)
kept = 1""",
    """import os, sys
for part in (token[:5], token[5:], chr(10)):
    sys.stdout.write(part)
    sys.stdout.flush()
sys.stderr.write(repr(token) + badge)
os.system(f'echo "{token}"')
print(header)
header""",
    """from IPython.display import HTML, JSON, display
display(HTML(f'<a href="?k={token}">{token}</a>'))
display(JSON({'key': token, 'id': [badge]}))""",
    """%%step frame
import pandas as pd
table = pd.DataFrame({'t': [token] * 3, 'n': [1, 2, 3]})
table""",
)


@dataclass
class Story:
    """What became of runs with a secret."""

    folder: Path
    reports: list[RunReport] = field(default_factory=list)
    leaks: list[list[str]] = field(default_factory=list)
    log: str = ""

    def run(self, **options: Any) -> None:
        self.reports.append(
            run_notebook(
                self.folder / "in.ipynb",
                str(self.folder / "out.ipynb"),
                {"token": TOKEN},
                progress=False,
                keep_going=True,
                on_failure="tell_us:told",
                **options,
            )
        )
        self.leaks.append([path for path in leaks(self.folder, TOKEN, DEFAULT) if path != "in.ipynb"])

    def states(self, number: int) -> dict[str, State]:
        return {step.step: step.state for step in self.reports[number].steps}


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Story:
    """A run that fails, the same resumed, and once more with nothing left to do."""
    folder = tmp_path_factory.mktemp("story")
    write(folder / "in.ipynb", *CELLS)
    (folder / "tell_us.py").write_text(
        "import json, pathlib\n\n\ndef told(outcome):\n"
        "    text = str(outcome) + json.dumps(outcome.as_json(), ensure_ascii=False)\n"
        f"    pathlib.Path({str(folder / 'told.json')!r}).write_text(text)\n"
    )
    made, lines = Story(folder), Lines()
    root = logging.getLogger()
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DURABLE_NB_KEY_FILE", str(user_key))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.delenv("DURABLE_NB_STORE", raising=False)
        try:
            made.run()
            (folder / "open").touch()
            made.run()
            made.run()
        finally:
            root.removeHandler(lines)
            root.setLevel(level)
    made.log = "\n".join(lines.lines)
    return made


def test_leaks_are_found(tmp_path: Path) -> None:
    """The search finds a secret in packed files, or there would be nothing to these tests."""
    pq.write_table(pa.table({"a": [f"x{TOKEN}"] * 3}), tmp_path / "a.parquet")
    with closing(duckdb.connect(str(tmp_path / "b.duckdb"))) as connection:
        connection.execute("create table t as select $1::json as j", [json.dumps({"a": [TOKEN]})])
    (tmp_path / "c").write_text(fingerprint(TOKEN))

    assert ["a.parquet", "b.duckdb", "c"] == leaks(tmp_path, TOKEN)


def test_no_file_has_the_secret(story: Story) -> None:
    """After a failure, a resume and a reuse no file holds it: store, notebook, hook, IPython's history."""
    assert [[], [], []] == story.leaks


def test_no_log_has_the_secret(story: Story) -> None:
    """Neither does what is logged, tracebacks included."""
    assert "login" in story.log
    assert not [secret for secret in (TOKEN, repr(TOKEN)[1:-1], DEFAULT) if secret in story.log]


def test_reports_mask_the_secret(story: Story) -> None:
    """Parameters, errors and reasons say that there is one."""
    text = json.dumps([report.as_json() for report in story.reports], ensure_ascii=False)

    assert {"token": "[secret]"} == story.reports[0].parameters
    assert "cannot log in as [secret] with [secret]" in text
    assert not [form for form in (*forms(TOKEN), DEFAULT) if form in text]


def test_the_hook_is_told_without_it(story: Story) -> None:
    """Who is told of a failure gets no secret."""
    assert "cannot log in as [secret]" in (story.folder / "told.json").read_text()


def test_the_same_secret_is_the_same_run(story: Story) -> None:
    """The run is resumed, and a step that only reads the secret is reused."""
    assert story.reports[0].run_id == story.reports[1].run_id
    assert [State.FAILED, State.COMPLETED, State.COMPLETED] == [report.state for report in story.reports]
    assert State.REUSED == story.states(1)["load"] == story.states(2)["login"] == story.states(2)["ask"]


def test_what_holds_it_is_made_again(story: Story) -> None:
    """A step whose result, or whose file, holds the secret is not stored: it executes each time."""
    states = story.states(2)

    assert {State.COMPLETED} == {states[name] for name in ("header", "keep", "frame")}


def test_outputs_are_shown_without_it(story: Story) -> None:
    """Output that comes in pieces, of other processes, as HTML, JSON and tables is masked."""
    nb = nbformat.read(story.folder / "out.ipynb", as_version=4)
    text = json.dumps(nb.cells, ensure_ascii=False)

    assert text.count("[secret]") > 12
    assert "Bearer [secret]" in text


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., RunReport]:
    def call(*sources: str, given: dict[str, Any] | None = None, **options: Any) -> RunReport:
        path = write(tmp_path / "in.ipynb", *sources)
        return run_notebook(path, str(tmp_path / "out.ipynb"), given, progress=False, **options)

    return call


def test_a_default_that_only_the_kernel_knows(
    execute: Callable[..., RunReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that the notebook takes from the environment is masked from its cell on."""
    monkeypatch.setenv("SERVICE_TOKEN", TOKEN)

    report = execute(
        "%%params\nimport os\ntoken = os.environ['SERVICE_TOKEN']\nday = ''",
        "print(token, day)",
        "%%step a\nx = len(token)\nraise ValueError(token + day)",
        given={"day": "not-for-others"},
        secrets=["day"],
    )

    assert report.state is State.FAILED
    assert report.traceback.endswith("[secret][secret]")
    assert [] == leaks(tmp_path, TOKEN, "not-for-others")


def test_another_secret_executes(execute: Callable[..., RunReport], tmp_path: Path) -> None:
    """A step that reads a secret is executed with another one, and the reason does not tell it."""
    sources = ("%%params\ntoken = ''", "%%step a\nx = len(token)")
    execute(*sources, given={"token": TOKEN})

    report = execute(*sources, given={"token": "another-token"})

    assert [(State.COMPLETED, "token changed")] == [(step.state, step.reason) for step in report.steps]
    assert [] == leaks(tmp_path, TOKEN, "another-token")


def test_sweeps_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of a sweep, and runs that are resumed later, leave no secret either."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    path = write(
        tmp_path / "in.ipynb",
        "%%params\ntoken = ''\nalpha = 1\nurl = ''",
        "%%step a\nx = len(token)\nprint(url)",
        "%%step b\nimport os\ny = alpha\nif not os.path.exists('ok'):\n    raise ValueError(token)",
    )
    given = {"token": TOKEN, "url": f"https://x.org/?k={TOKEN}"}
    rows = [{"alpha": 1}, {"alpha": 2}]

    swept = sweep(path, rows, tmp_path / "out", parameters=given)
    found = leaks(tmp_path, TOKEN)
    (tmp_path / "ok").touch()
    with closing(open_store(tmp_path / ".durable")) as store:
        with pytest.raises(UsageError, match="holds a secret, which is not kept"):
            resume(store, "last")
        resumed = resume(store, "last", Changes(parameters=given))

    assert {State.FAILED: 2} == {state: n for state, n in swept.counts.items() if n}
    assert State.COMPLETED is resumed.state
    assert [] == found == leaks(tmp_path, TOKEN)


def test_a_plan_knows_the_secret(execute: Callable[..., RunReport], tmp_path: Path) -> None:
    """A plan tells the same secret from another one, and shows neither."""
    execute(
        "%%params\ntoken = ''\nday = 'monday'", "%%step a\nx = len(token) + len(day)", given={"token": TOKEN}
    )

    def plan(token: str) -> str:
        command = [
            sys.executable,
            "-m",
            "durable_nb.cli",
            "plan",
            tmp_path / "in.ipynb",
            "-p",
            "token",
            token,
        ]
        return subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout

    same, other = plan(TOKEN), plan("another-token")
    assert ["reuse", "execute"] == [json.loads(text)["steps"][0]["decision"] for text in (same, other)]
    assert not [form for form in (*forms(TOKEN), "another-token") if form in same + other]


def test_nothing_runs_with_a_wrong_parameter(execute: Callable[..., RunReport], tmp_path: Path) -> None:
    """A parameter that does not fit is refused before any kernel starts: not even a run is recorded."""
    with pytest.raises(UsageError, match="threshold: expected float, got 'abc'"):
        execute("%%params\nthreshold = 0.5", given={"threshold": "abc"})

    assert not (tmp_path / ".durable").exists()
    assert not (tmp_path / "out.ipynb").exists()


def test_in_a_notebook_it_is_kept_out_of_the_store(forked: ForkedKernels, tmp_path: Path) -> None:
    """Where no engine runs the cells, the store has no secret either."""
    life = forked.run(
        tmp_path,
        [
            cell(f"%%params\nimport os\ntoken = {TOKEN!r}\nday = 'monday'"),
            cell("%%step a\nprint(token)\nx = len(token)"),
            cell("%%step b --retries 1 --backoff 0.01\nraise ValueError(token)"),
            cell("%%step c\ny = [token]"),
        ],
        go_on=True,
        farewell=True,
    )

    assert ["", "completed", "failed", "completed"] == life.states
    assert "holds a secret" in life.cells[3].warning
    assert [] == leaks(tmp_path / ".durable", TOKEN)


def test_environment_variables(forked: ForkedKernels, tmp_path: Path) -> None:
    """Of a variable that a step reads, and that looks secret, not even the plain fingerprint is kept."""
    step = "%%step a --env SERVICE_TOKEN\nimport os\nx = len(os.environ['SERVICE_TOKEN'])"

    lives = [
        forked.run_cells(tmp_path, step, environment={"SERVICE_TOKEN": value})
        for value in (TOKEN, TOKEN, "another")
    ]

    assert [["completed"], ["reused"], ["completed"]] == [life.states for life in lives]
    plain = digest("set", TOKEN)
    assert not [path for path in tmp_path.rglob("*.parquet") for text in texts_of(path) if plain in text]


def test_asked_for_by_name(forked: ForkedKernels, tmp_path: Path) -> None:
    """``durable_nb.secret`` finds what the environment holds; without it, it says what to do."""
    ask = "%%params\nimport durable_nb\ntoken = durable_nb.secret('token')"
    with_step = [
        cell(ask),
        cell("%%step a\nx = len(token)"),
        cell("%%step b\ny = len(durable_nb.secret('token'))"),
    ]

    without = forked.run(tmp_path, [cell(ask)], go_on=True)
    found = forked.run(tmp_path, with_step, environment={"DURABLE_NB_SECRET_TOKEN": TOKEN})
    again = forked.run(tmp_path, with_step, environment={"DURABLE_NB_SECRET_TOKEN": TOKEN})

    assert "-p token VALUE" in without.cells[0].traceback
    assert ["", "completed", "completed"] == found.states
    assert ["", "reused", "completed"] == again.states
    assert "not durable" in found.cells[2].warning

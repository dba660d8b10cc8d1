"""The panel of a store without a kernel of its notebooks: runs listed, looked at, compared, resumed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from panel_seen import Seen, runs_of, write

from durable_nb.core.errors import UsageError
from durable_nb.dashboard.fallback import as_html, as_text
from durable_nb.dashboard.server import serving
from durable_nb.store.store import open_store

EVIL = "<img src=x onerror=alert(1)>"
PARAMS = "%%params\nday = 3  # of the month\napi_key = ''"
LOAD = (
    "%%step load\nimport pandas as pd\nframe = pd.DataFrame({'<b>': range(day)})\nprint(len(frame), 'rows')"
)
TOTAL = f"%%step total\nif day > 3:\n    raise ValueError('{EVIL}')\ntotal = int(frame.sum().iloc[0])"
_PATIENCE = 120.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, user_key: Path) -> Path:
    """A store with two real batch runs: one completed, one failed."""
    made = tmp_path_factory.mktemp("store")
    write(made / "nb.ipynb", "%load_ext durable_nb", PARAMS, LOAD, TOTAL)
    for day in ("3", "4"):
        run(made, user_key, f"out-{day}.ipynb", "-p", "day", day, "--tag", f"who={EVIL}")
    return made


def run(folder: Path, key: Path, *words: str) -> int:
    command = [sys.executable, "-m", "durable_nb.cli", "run", "nb.ipynb", *words]
    environment = {**os.environ, "DURABLE_NB_KEY_FILE": str(key)}
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True).returncode


@pytest.fixture
def seen(folder: Path, see: Callable[[Path | None], Seen]) -> Seen:
    return see(folder / ".durable")


def test_what_failed_is_seen_at_once(seen: Seen, folder: Path) -> None:
    """The newest run is first, with its state, parameters, tags and error; its notebook's steps are shown."""
    rows = seen.views["runs"]["rows"]

    assert ["failed", "completed"] == [row["state"] for row in rows]
    assert ({"day": "4"}, {"who": EVIL}, f"ValueError: {EVIL}") == tuple(
        rows[0][name] for name in ("parameters", "tags", "error")
    )
    assert {"completed": 1, "failed": 1} == rows[0]["counts"]
    assert ["runs", "steps", "parameters"] == seen.views["panel"]["views"]
    assert [str(folder / "nb.ipynb")] == seen.views["panel"]["notebooks"]
    assert ["load", "total"] == [row["step"] for row in seen.views["steps"]["rows"]]
    assert "failed" == seen.views["steps"]["rows"][1]["state"]


def test_a_run_and_a_difference_are_told(seen: Seen) -> None:
    """One run with its steps and versions; two runs side by side, as the command tells them."""
    failed, completed = seen.views["runs"]["rows"]

    run = seen.ok("run", run_id=failed["run_id"])
    difference = seen.ok("compare", left=completed["run_id"], right=failed["run_id"])

    assert (["load", "total"], True) == ([step["step"] for step in run["steps"]], run["can_resume"])
    assert "durable_nb" in run["versions"]
    assert ["day 3 → 4"] == difference["parameters"]


def test_a_table_is_seen_without_its_library(seen: Seen) -> None:
    """The first rows come straight from the file; names of columns are nothing but text."""
    preview = seen.ok("preview", step="load", output="frame")

    assert ("table", [{"name": "<b>", "type": "int64"}]) == (preview["kind"], preview["columns"])
    assert ([["0"], ["1"], ["2"], ["3"]], [4, 1]) == (preview["rows"], preview["shape"])


def test_without_a_kernel_steps_are_not_run(seen: Seen) -> None:
    """What needs a kernel says so; what needs none can be done, and is taken back."""
    why_not = {action["do"]: action["why_not"] for action in seen.views["steps"]["rows"][0]["actions"]}
    done = seen.ok("act", do="invalidate", step="load", args={})
    stale = seen.views["steps"]["rows"][0]["stale"]
    seen.ok("act", **done["undo"])

    assert (True, "") == (
        why_not["run"].startswith("no kernel works on this notebook"),
        why_not["invalidate"],
    )
    assert (True, False) == (stale, seen.views["steps"]["rows"][0]["stale"])
    refused = seen.problem("apply_parameters", values={"day": "2"}, run=True)["text"]
    assert refused.startswith("no kernel works on this notebook")


def test_without_a_kernel_parameters_are_set_for_runs(
    tmp_path: Path, user_key: Path, see: Callable[..., Seen]
) -> None:
    """What would become stale is said; the next run takes the value, until it is taken back."""
    write(tmp_path / "nb.ipynb", "%load_ext durable_nb", PARAMS, LOAD)
    ended = [run(tmp_path, user_key)]
    seen = see(tmp_path / ".durable")

    def field() -> dict[str, Any]:
        return next(cell for cell in seen.views["parameters"]["cells"] if cell["name"] == "day")

    before = field()
    checked = seen.ok("check_parameters", values={"day": "2"})
    wrong = seen.ok("check_parameters", values={"day": "soon", "api_key": "hush"})
    applied = seen.ok("apply_parameters", values={"day": "2"}, run=False)
    held, stale = field(), seen.views["steps"]["rows"][0]["waits"]
    ended.append(run(tmp_path, user_key, "--new-run"))
    seen.until(lambda: {"day": "2"} in [row["parameters"] for row in seen.views["runs"]["rows"]])
    seen.until(lambda: seen.views["steps"]["rows"][0]["stale"] is False)
    seen.ok("act", **applied["undo"])

    where = "in runs of this notebook that are given no other value"
    assert ("3", "default", None) == (before["value"], before["from"], before["edit"])
    assert (["load"], True) == (checked["stale"], checked["text"].endswith(f"holds {where}"))
    assert "expected int, got 'soon'" == wrong["errors"]["day"]
    assert wrong["errors"]["api_key"].startswith("a secret is not kept: give it to each run")
    assert f"day = 2 {where}" == applied["text"]
    assert ("2", "edit", seen.views["panel"]["user"]) == (held["value"], held["from"], held["by"])
    assert "day 3 → 2" == stale
    assert [0, 0] == ended
    assert ("3", "default") == (field()["value"], field()["from"])


def test_a_failed_run_is_resumed_by_a_process_of_its_own(seen: Seen, folder: Path) -> None:
    """It is said first what will happen; the run is followed to its end; a secret is written nowhere."""
    run_id = next(row["run_id"] for row in seen.views["runs"]["rows"] if row["state"] == "failed")
    wanted = {"run_ids": [run_id], "parameters": {"day": "2", "api_key": "hush-4711"}, "notebook": ""}

    foretold = seen.ok("foretell_resume", **wanted)
    job = seen.ok("resume", **wanted)
    seen.until(lambda: seen.views["jobs"] and seen.views["jobs"][0]["done"])
    seen.until(lambda: seen.views["runs"]["states"] == {"completed": 2})

    assert "day: 4 → 2" in foretold["text"]
    assert "executes load" in foretold["text"]
    ended = seen.views["jobs"][0]
    assert (job["job"], {run_id: "completed"}, False) == (ended["job"], ended["states"], ended["failed"])
    kept = [path.read_text() for path in (folder / ".durable" / "jobs").iterdir()]
    assert "hush-4711" not in "".join([*kept, json.dumps(seen.views)])


def test_a_resume_outlives_its_panel(
    see: Callable[[Path | None], Seen], folder: Path, tmp_path: Path
) -> None:
    """The process that asked for it is killed at once; another panel sees the run finish."""
    one = see(folder / ".durable")
    run_id = one.views["runs"]["rows"][0]["run_id"]
    code = (
        "import sys, os, signal\n"
        "from durable_nb.dashboard.opening import find_place\n"
        "from durable_nb.dashboard.panel import Panel\n"
        "panel = Panel(find_place(sys.argv[1]))\n"
        "panel.open(lambda *_: None)\n"
        "wanted = {'run_ids': [sys.argv[2]], 'parameters': {'day': '1', 'api_key': 'a-secret'}}\n"
        "print(panel.ask('resume', wanted), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / ".durable"), run_id],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (-signal.SIGKILL, "'ok'") == (done.returncode, done.stdout[1:5]), done.stderr
    one.until(lambda: one.views["jobs"] and one.views["jobs"][0]["done"])
    one.until(
        lambda: (
            {"day": "1", "api_key": "[secret]"}
            in [row["parameters"] for row in one.views["runs"]["rows"] if row["state"] == "completed"]
        )
    )
    assert {run_id: "completed"} == one.views["jobs"][0]["states"]


def test_wrong_parameters_are_refused_before_anything_begins(seen: Seen) -> None:
    """A value that does not fit, a notebook that is not there, nothing chosen: each is said."""
    run_id = seen.views["runs"]["rows"][0]["run_id"]
    before = len(seen.views["jobs"])

    key = {"api_key": "a-secret"}
    wrong = seen.problem("resume", run_ids=[run_id], parameters={"day": "soon", **key})["text"]
    gone = seen.problem("resume", run_ids=[run_id], parameters=key, notebook="gone.ipynb")["text"]
    none = seen.problem("resume", run_ids=[])["text"]

    assert "day: expected int, got 'soon'" == wrong
    assert "gone.ipynb" in gone
    assert "choose the runs that are to be resumed" == none
    assert before == len(seen.views["jobs"])


def test_runs_are_filtered_sorted_and_paged(tmp_path: Path, see: Callable[[Path | None], Seen]) -> None:
    """State, notebook, parameter, tag, time and the text of errors choose; what is chosen is counted."""
    with closing(open_store(tmp_path / ".durable")) as store:
        runs_of(30, store, tags={"team": "ops"})
    seen = see(tmp_path / ".durable")

    def ids(**query: Any) -> list[str]:
        return [row["run_id"] for row in seen.ok("runs", query=query)["rows"]]

    assert 8 == len(ids(states=["failed"]))
    assert ["run-0028", "run-0024"] == ids(states=["failed"])[:2]
    assert 10 == len(ids(notebook="NB-1"))
    assert ["run-0007"] == ids(parameter="day=7")
    assert (30, 0) == (len(ids(tag="team=ops")), len(ids(tag="team=dev")))
    assert ["run-0012"] == ids(text="no column 12")
    assert 5 == len(ids(since=1_700_000_025.0))
    assert ["run-0000", "run-0001"] == ids(sort="seconds", descending=False, size=2)
    assert ["run-0004", "run-0005"] == ids(descending=False, size=2, page=3)
    last = seen.ok("runs", query={"size": 20, "page": 99})
    assert (2, 2, 10, 30) == (last["page"], last["pages"], len(last["rows"]), last["total"])
    assert {"completed": 22, "failed": 8} == last["states"]
    assert "found 'colour'" in seen.problem("runs", query={"sort": "colour"})["text"]
    assert [] == ids(parameter="'; drop table runs; --=1")


def test_a_store_that_is_not_there_is_no_error(tmp_path: Path, see: Callable[[Path | None], Seen]) -> None:
    """The panel says how one comes to be, and shows the first run when it is there."""
    seen = see(tmp_path / ".durable")
    before = seen.views["panel"]["problem"]
    with closing(open_store(tmp_path / ".durable")) as store:
        runs_of(1, store)
    seen.until(lambda: len(seen.views["runs"]["rows"]) == 1)

    assert ("info", True) == (before["kind"], before["text"].startswith("There is no store at"))
    seen.until(lambda: seen.views["panel"]["problem"] is None)


def test_a_locked_ledger_leaves_what_was_known(tmp_path: Path, see: Callable[[Path | None], Seen]) -> None:
    """Another program has the file open: the panel says so, shows what it knew, and goes on afterwards."""
    with closing(open_store(tmp_path / ".durable")) as store:
        runs_of(3, store)
    seen = see(tmp_path / ".durable")
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / ".durable" / "ledger.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()

    said = seen.problem("runs", query={})
    seen.ok("refresh")
    problem, kept = seen.views["panel"]["problem"], len(seen.views["runs"]["rows"])
    holder.communicate("\n")

    assert ("warning", "warning", 3) == (said["kind"], problem["kind"], kept)
    assert "tries again by itself" in problem["next"]
    seen.until(lambda: "nb is not there" in (seen.views["panel"]["problem"] or {"text": ""})["text"])


_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("update meta set created_by = 'held'")
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_ledger_of_a_newer_format_is_told(tmp_path: Path, see: Callable[[Path | None], Seen]) -> None:
    """Nothing is written into it, and what to do is said."""
    with closing(open_store(tmp_path / ".durable")) as store:
        runs_of(1, store)
    with closing(duckdb.connect(str(tmp_path / ".durable" / "ledger.duckdb"))) as connection:
        connection.execute("update meta set format = 99")

    seen = see(tmp_path / ".durable")

    problem = seen.views["panel"]["problem"]
    assert "has format 99" in problem["text"]
    assert problem["next"].startswith("pip install --upgrade durable_nb")
    assert [] == seen.views["steps"]["rows"]


def test_a_damaged_output_is_told(folder: Path, seen: Seen) -> None:
    """A file that was cut off is named; the rest of the panel goes on."""
    output = next(o for o in seen.ok("detail", step="load")["outputs"] if o["name"] == "frame")
    store = open_store(folder / ".durable")
    rows = store.ledger.rows("select fingerprint from outputs where name = 'frame' and kind = 'value'")
    store.close()
    whole = {row["fingerprint"]: store.artifacts.path(row["fingerprint"]) for row in rows}
    kept = {path: path.read_bytes() for path in whole.values()}
    for path, content in kept.items():
        path.write_bytes(content[:-20])

    said = seen.problem("preview", step="load", output="frame")
    for path, content in kept.items():
        path.write_bytes(content)

    assert output["summary"].startswith("DataFrame")
    assert "not a readable artifact" in said["text"]


def test_the_table_without_a_widget_is_escaped() -> None:
    """Names and errors are text in the saved notebook too."""
    row = {"step": EVIL, "state": "failed", "seconds": 1.0, "saved_seconds": 0, "error": EVIL, "waits": ""}
    views = {"panel": {"notebook": EVIL}, "steps": {"rows": [row]}}

    assert "<img" not in as_html(views)
    assert EVIL in as_text(views)
    assert "no steps yet" in as_html({})


def test_the_page_is_behind_a_token_on_this_machine_only(folder: Path) -> None:
    """Voilà shows the panel to who has the token; without it there are no kernels, and no files with it."""
    with serving(folder / ".durable") as server:
        page = fetched(server.url)
        outside = {path: fetched(server.url.partition("?")[0] + path) for path in ("", "api/kernels")}
        settings = fetched(server.url.replace("?", "voila/files/voila.json?"))
        listening = {
            c.laddr.ip for c in psutil.Process(server.process.pid).net_connections() if c.status == "LISTEN"
        }
        token = server.url.partition("token=")[2]
        seen = " ".join(psutil.Process(server.process.pid).cmdline())
        kept = server.door

    assert "anywidget" in page
    assert all("/login" in text and "anywidget" not in text for text in outside.values())
    assert token not in settings
    assert ({"127.0.0.1"}, False, False) == (listening, token in seen, kept.exists())


def test_the_server_ends_with_the_command(folder: Path) -> None:
    """Not even SIGKILL of the command leaves a server behind."""
    opened = [sys.executable, "-m", "durable_nb.cli", "dashboard", str(folder / ".durable"), "--no-browser"]
    with subprocess.Popen(opened, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        next(line for line in command.stdout if "token=" in line)
        servers = psutil.Process(command.pid).children()

        command.kill()

    assert [] == psutil.wait_procs(servers, timeout=60)[1]
    assert len(servers) == 1


def test_a_port_that_is_taken_is_told(folder: Path) -> None:
    """Nothing is started, and what to do is said."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(UsageError, match=f"port {port} cannot be used"), serving(folder, port=port):
            pass


def fetched(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()

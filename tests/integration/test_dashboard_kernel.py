"""The panel in a notebook's kernel: it shows what happens there and elsewhere, and changes it when asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbformat.v4 import new_code_cell, new_notebook
from panel_front import Front

from durable_nb.batch import edited_parameters, set_parameter, unset_parameter
from durable_nb.store.store import open_store

SECRET = "hush-hush-4711"
PARAMS = f"""%%params
limit = 3       # how many; range: 1..9
day = "2026-01-01"
mode = "fast"   # choices: fast, slow
api_key = "{SECRET}"
"""
LOAD = "%%step load\nrows = list(range(limit))\nprint('loaded', len(rows))"
TOTAL = "%%step total\ntotal = sum(rows)"
BAD = "%%step bad\nbad = total / 0"
HELD = """%%step held
import pathlib, time
print('held')
while not pathlib.Path('go').exists():
    time.sleep(0.05)"""
CELLS = ["%load_ext durable_nb", PARAMS, LOAD, TOTAL, BAD]


def save(path: Path, cells: list[str]) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=list(map(new_code_cell, cells)), metadata={"kernelspec": kernel}), path)
    return path


def parameter(front: Front, name: str) -> dict[str, Any]:
    return next(cell for cell in front.views["parameters"]["cells"] if cell["name"] == name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("panel")
    save(made / "nb.ipynb", CELLS)
    return made


@pytest.fixture(scope="module")
def front(folder: Path, user_key: Path) -> Iterator[Front]:
    """A page with the panel of a kernel in which the notebook has run."""
    manager = KernelManager()
    own = {"JPY_SESSION_NAME": str(folder / "nb.ipynb"), "DURABLE_NB_KEY_FILE": str(user_key)}
    manager.start_kernel(cwd=str(folder), env={**os.environ, **own})
    made = Front(manager)
    made.run("%load_ext durable_nb\n")
    for source in CELLS[1:4]:
        made.run(source)
    made.open()
    yield made
    made.close()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def held(folder: Path, front: Front) -> Iterator[Callable[[], None]]:
    """A cell that runs until it is let go."""
    request = front.send(HELD)
    front.until(lambda: front.shown.get(request) == "held\n")

    def let_go() -> None:
        (folder / "go").touch()
        front.until(lambda: request in front.ended)

    yield let_go
    let_go()
    (folder / "go").unlink()


def test_a_panel_is_right_as_soon_as_it_is_there(front: Front, folder: Path) -> None:
    """A page that gets nothing but the state of the widget has all views."""
    panel, steps = front.views["panel"], front.views["steps"]

    assert (True, str(folder / "nb.ipynb"), None) == (panel["here"], panel["notebook"], panel["problem"])
    assert ["load", "total", "bad"] == [row["step"] for row in steps["rows"]]
    assert ["load", "total", "bad", "parameters"] == sorted(
        (node["step"] for node in steps["graph"]["nodes"]), key=["load", "total", "bad", "parameters"].index
    )
    assert "table" in front.bundles[-1]["text/html"]


def test_parameters_are_typed_and_secrets_stay(front: Front) -> None:
    """Each parameter has its field; nothing that is sent holds the value of a secret."""
    cells = {cell["name"]: cell for cell in front.views["parameters"]["cells"]}

    assert {"limit": "int", "day": "date", "mode": "choice", "api_key": "str"} == {
        name: cell["type"] for name, cell in cells.items()
    }
    assert ([1, 9], ["fast", "slow"]) == (cells["limit"]["range"], cells["mode"]["choices"])
    assert (True, "", "") == tuple(cells["api_key"][name] for name in ("secret", "value", "default"))
    assert SECRET not in json.dumps([front.views, front.answers, front.bundles])


def test_who_runs_a_step_that_is_up_to_date_wants_it_executed(front: Front) -> None:
    """It is said first; the cell itself, run as ever, is reused before and after."""
    front.run(LOAD)
    tried = front.row("load")["attempts"]

    foretold = front.ok("foretell", do="run", step="load", args={})
    done = front.ok("act", do="run", step="load", args={})
    front.until(lambda: front.row("load")["attempts"] == tried + 1 and not front.row("load")["queued"])
    front.until(lambda: front.row("load")["state"] == "completed")
    front.run(LOAD)
    front.until(lambda: front.row("load")["state"] == "reused")

    assert (["load"], True) == (foretold["steps"], foretold["text"].startswith("executes load"))
    assert foretold["text"].endswith("although it is up to date")
    assert "load runs, although it is up to date" == done["text"]
    assert tried + 1 == front.row("load")["attempts"]


def test_a_failure_is_shown_as_it_happens(front: Front) -> None:
    """A step that fails is failed in the panel, with its error and its traceback."""
    front.run(BAD)
    front.until(lambda: front.row("bad").get("state") == "failed")

    detail = front.ok("detail", step="bad")
    assert "ZeroDivisionError: division by zero" == front.row("bad")["error"]
    assert "ZeroDivisionError" == detail["error"]["type"]
    assert "bad = total / 0" in detail["error"]["traceback"]
    assert "retry" in [action["do"] for action in front.row("bad")["actions"]]


def test_a_running_step_is_shown_and_questions_are_answered(front: Front, held: Callable[[], None]) -> None:
    """While a cell runs, its step is running; a front end with a subshell gets answers, and may cancel."""
    front.until(lambda: front.row("held").get("state") == "running")
    subshell = front.new_subshell()
    asked = front.start_asking("detail", subshell, step="load")
    front.until(lambda: asked in front.answers)
    foretold = front.ok("foretell", subshell, do="run", step="total", args={})

    assert "loaded 3\n" == front.answers[asked]["ok"]["attempts"][-1]["output"]
    assert "waits for the cell that runs now" in foretold["text"]
    assert True is front.views["panel"]["busy"]
    held()
    front.until(lambda: front.row("held").get("state") == "completed")
    front.until(lambda: not front.views["panel"]["busy"])


def test_a_question_takes_nothing_from_a_running_step(front: Front, folder: Path) -> None:
    """Messages come with the events of cells: what the running step has measured is still its own."""
    code = HELD.replace("held\n", "measured\n", 1).replace(
        "print('held')", "import durable_nb\ndurable_nb.metric('m', 7)\nprint('held')"
    )
    request = front.send(code)
    front.until(lambda: front.shown.get(request) == "held\n")
    front.ok("watching", front.new_subshell())
    (folder / "go").touch()
    front.until(lambda: request in front.ended)
    (folder / "go").unlink()

    said = front.run("print(durable_nb.query('select step, value from metrics').to_dict('records'))")
    assert "[{'step': 'measured', 'value': 7.0}]\n" == said


def test_a_question_is_no_input_of_a_running_step(front: Front, folder: Path) -> None:
    """What the panel reads to answer, the notebook above all, is not what the running step has read."""
    code = HELD.replace("held\n", "undisturbed\n", 1)
    request = front.send(code)
    front.until(lambda: front.shown.get(request) == "held\n")
    subshell = front.new_subshell()
    for ask, arguments in (("detail", {"step": "load"}), ("check_parameters", {"values": {"limit": "4"}})):
        front.ok(ask, subshell, **arguments)
    front.ok("foretell", subshell, do="run_from", step="load", args={})
    (folder / "go").touch()
    front.until(lambda: request in front.ended)
    save(folder / "nb.ipynb", [*CELLS, "1"])

    front.run(code)

    save(folder / "nb.ipynb", CELLS)
    (folder / "go").unlink()
    said = front.run("print(durable_nb.query(\"select reason from attempts where step = 'undisturbed'\"))")
    assert "go is there now" in said
    assert "nb.ipynb" not in said


def test_an_edited_parameter_makes_steps_stale_and_runs_them(front: Front) -> None:
    """Typed values are checked; applied, the variable and the stale steps change; who did it is kept."""
    wrong = front.ok("check_parameters", values={"limit": "50"})
    right = front.ok("check_parameters", values={"limit": "5"})
    applied = front.ok("apply_parameters", values={"limit": "5"}, run=False)
    front.until(lambda: front.row("load")["stale"] is True)
    assert {"limit": "expected a number from 1 to 9, got 50"} == wrong["errors"]
    assert ["load", "total"] == right["stale"][:2]
    assert "limit 3 → 5" == front.row("load")["waits"]
    assert "5\n" == front.run("print(limit)")

    front.ok("act", do="run_from", step="load", args={})
    front.until(lambda: front.row("load")["stale"] is False and front.row("total")["stale"] is False)
    assert "10\n" == front.run("print(total)")
    front.ok("act", **applied["undo"])
    assert "3\n" == front.run("print(limit)")


def test_an_applied_value_holds_for_runs_too(front: Front, folder: Path) -> None:
    """It is recorded who set what, and when; runs of the notebook take it; the undo takes both back."""
    began = time.time()

    applied = front.ok("apply_parameters", values={"limit": "5", "mode": "slow"}, run=False)
    front.until(lambda: parameter(front, "mode")["from"] == "edit")
    field = parameter(front, "limit")
    with closing(open_store(folder / ".durable")) as store:
        made = dict(edited_parameters(store, folder / "nb.ipynb"))
        front.ok("act", **applied["undo"])
        front.until(lambda: parameter(front, "limit")["from"] == "default")
        left = dict(edited_parameters(store, folder / "nb.ipynb"))

    where = "in this kernel, and in runs of this notebook that are given no other value"
    assert f"limit = 5, mode = slow {where}" == applied["text"]
    assert ({"limit": 5, "mode": "slow"}, {}) == ({name: edit.value for name, edit in made.items()}, left)
    assert ("5", "edit", made["limit"].user) == (field["value"], field["from"], field["by"])
    assert began <= field["at"] <= time.time()
    assert "3 fast\n" == front.run("print(limit, mode)")


def test_a_default_that_is_put_back_is_no_edit(front: Front, folder: Path) -> None:
    """Neither is what was set for runs taken for what the kernel holds: the panel shows both."""
    front.ok("apply_parameters", values={"limit": "5"}, run=False)
    front.run("limit = 3")
    front.ok("refresh")
    front.until(lambda: parameter(front, "limit")["from"] == "default")
    field = parameter(front, "limit")

    done = front.ok("apply_parameters", values={"limit": "3"}, run=False)

    assert ("3", "5") == (field["value"], field["edit"]["value"])
    assert done["text"].startswith("limit = 3 in this kernel, and in runs")
    with closing(open_store(folder / ".durable")) as store:
        assert {} == edited_parameters(store, folder / "nb.ipynb")


def test_what_was_changed_since_is_not_taken_back(front: Front, folder: Path) -> None:
    """Somebody else has set another value: the undo says so, and changes nothing."""
    applied = front.ok("apply_parameters", values={"limit": "5"}, run=False)
    with closing(open_store(folder / ".durable")) as store:
        set_parameter(store, folder / "nb.ipynb", "limit", 7)
        refused = front.ask("act", **applied["undo"])["problem"]["text"]
        unset_parameter(store, folder / "nb.ipynb", "limit")
    kept = front.run("print(limit)")
    front.ok("apply_parameters", values={"limit": "3"}, run=False)

    assert refused.startswith("limit has been changed since, and stays:")
    assert "set it to 7" in refused
    assert "5\n" == kept


def test_a_secret_stays_in_the_kernel(front: Front, folder: Path) -> None:
    """It is bound there and written nowhere; its undo needs nobody to type it again."""
    applied = front.ok("apply_parameters", values={"api_key": "hush-hush-4712"}, run=False)
    held = front.run("print(api_key == 'hush-hush-4712')")
    front.ok("act", **applied["undo"])

    assert "api_key = [secret] in this kernel only: a secret is not kept" == applied["text"]
    assert ("True\n", "True\n") == (held, front.run(f"print(api_key == {SECRET!r})"))
    with closing(open_store(folder / ".durable")) as store:
        assert {} == edited_parameters(store, folder / "nb.ipynb")
    kept = [path.read_bytes() for path in (folder / ".durable").rglob("*") if path.is_file()]
    assert not any(b"hush-hush-47" in content for content in kept)


def test_what_has_just_run_is_not_stale(front: Front, folder: Path) -> None:
    """A plan waits until all cells have ended; a step that has completed since is not called stale by it."""
    below = HELD.replace("held", "below")
    save(folder / "nb.ipynb", [*CELLS[:4], below])
    front.run(LOAD)
    front.run(TOTAL)
    front.ok("refresh")

    applied = front.ok("apply_parameters", values={"limit": "6"}, run=True)
    front.until(lambda: front.row("below").get("state") == "running")
    front.until(lambda: front.row("load")["state"] == "completed")
    row = front.row("load")
    (folder / "go").touch()
    front.until(lambda: front.row("load")["stale"] is False and front.row("total")["stale"] is False)
    (folder / "go").unlink()
    front.ok("act", **applied["undo"])
    front.run(LOAD)
    save(folder / "nb.ipynb", CELLS)
    front.ok("refresh")

    assert (None, "") == (row["stale"], row["waits"])


def test_a_value_set_by_hand_holds_and_is_taken_back(front: Front) -> None:
    """It is said first what it replaces; it holds in the kernel at once, and so does its undo."""
    front.run(LOAD)
    front.run(TOTAL)
    wanted = {"do": "set_output", "step": "total", "args": {"name": "total", "value": "77"}}

    foretold = front.ok("foretell", **wanted)
    done = front.ok("act", **wanted)
    front.until(lambda: front.row("total")["given"] == ["total"])
    held = front.run("print(total)")
    front.ok("act", **done["undo"])
    front.until(lambda: front.row("total")["given"] == [])

    assert foretold["text"].startswith("total.total is 77 instead of 3, in this run")
    assert ("77\n", "3\n") == (held, front.run("print(total)"))


def test_an_older_value_comes_back(front: Front) -> None:
    """Each value that an output had is listed once, and can be had again."""
    front.run("limit = 4")
    front.run(LOAD)
    front.run("limit = 3")
    front.run(LOAD)
    output = next(o for o in front.ok("detail", step="load")["outputs"] if o["name"] == "rows")
    older = next(trace for trace in output["traces"] if trace["summary"] == "[0, 1, 2, 3]")

    done = front.ok(
        "act", do="restore_value", step="load", args={"output": "rows", "trace_id": older["trace_id"]}
    )
    front.until(lambda: front.row("load")["given"] == ["rows"])

    assert "[0, 1, 2, 3]\n" == front.run("print(rows)")
    preview = front.ok("preview", step="load", output="rows")
    assert [0, 1, 2, 3] == json.loads(preview["text"])
    front.ok("act", **done["undo"])


def test_retries_are_edited_for_this_run(front: Front) -> None:
    """A step is tried as often as was said in the panel, and as its marker says once that is taken back."""
    wanted = {"do": "edit_options", "step": "bad", "args": {"options": {"retries": "2", "backoff": "0"}}}
    tried = front.row("bad")["attempts"]

    done = front.ok("act", **wanted)
    front.run(BAD)
    front.until(lambda: front.row("bad")["attempts"] == tried + 3)
    front.ok("act", **done["undo"])
    front.run(BAD)
    front.until(lambda: front.row("bad")["attempts"] == tried + 4)

    assert done["text"].startswith("bad: retries 0 → 2, backoff 1 → 0")
    again = front.ask("act", do="edit_options", step="bad", args={"options": {"retries": "many"}})
    assert "expected a whole number such as 3" in again["problem"]["text"]


def test_results_are_invalidated_and_that_is_undone(front: Front) -> None:
    """What will happen is said first; the plan follows both."""
    foretold = front.ok("foretell", do="invalidate", step="load", args={})
    done = front.ok("act", do="invalidate", step="load", args={})
    front.until(lambda: front.row("load")["stale"] is True)
    waits = front.row("load")["waits"]
    front.ok("act", **done["undo"])
    front.until(lambda: front.row("load")["stale"] is False)

    assert "its next run executes" in foretold["text"]
    assert waits.startswith("invalidated by")


def test_an_edit_is_accepted(front: Front, folder: Path) -> None:
    """The saved notebook has another cell than ran: its result counts on, once a person says so."""
    front.run(TOTAL)
    save(folder / "nb.ipynb", [*CELLS[:3], TOTAL.replace("sum(rows)", "sum(rows, start=0)"), BAD])
    front.ok("refresh")
    front.until(lambda: front.row("total")["stale"] is True)

    done = front.ok("act", do="accept", step="total", args={})
    front.until(lambda: front.row("total")["stale"] is False)

    front.ok("act", **done["undo"])
    save(folder / "nb.ipynb", CELLS)
    front.ok("refresh")


def test_another_process_is_seen_at_work(front: Front, folder: Path, user_key: Path) -> None:
    """A step that a batch run works on is running here too, and the panel says where."""
    cells = ["%load_ext durable_nb", HELD.replace("held", "far")]
    save(folder / "nb.ipynb", [*CELLS, cells[1]])
    command = [sys.executable, "-m", "durable_nb.cli", "run", "nb.ipynb", "out.ipynb", "--keep-going"]
    environment = {**os.environ, "DURABLE_NB_KEY_FILE": str(user_key), "DURABLE_NB_SECRET_API_KEY": SECRET}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        front.until(lambda: front.row("far").get("elsewhere"))
        where = front.row("far")["elsewhere"]
        (folder / "go").touch()
        front.until(lambda: front.row("far").get("state") == "completed")
    finally:
        process.kill()
        process.wait()
        (folder / "go").unlink(missing_ok=True)
        save(folder / "nb.ipynb", CELLS)

    assert where.startswith("run ")
    assert f"process {process.pid} on " in where


def test_a_running_step_is_cancelled(front: Front) -> None:
    """The panel interrupts it as Ctrl-C does, while it runs; it leaves nothing behind."""
    request = front.send(HELD.replace("held", "doomed") + "\nleft = 1")
    front.until(lambda: front.row("doomed").get("state") == "running")
    subshell = front.new_subshell()

    foretold = front.ok("foretell", subshell, do="cancel", step="doomed", args={})
    front.ok("act", subshell, do="cancel", step="doomed", args={})
    front.until(lambda: request in front.ended)
    front.until(lambda: front.row("doomed")["state"] == "cancelled")

    assert foretold["text"].startswith("interrupts doomed")
    assert front.ended[request].startswith("KeyboardInterrupt")
    assert "needs left of step doomed" in front.run("left")


def test_an_operation_that_waits_is_resolved(front: Front, folder: Path) -> None:
    """A step that may have done what it does waits for a person, who says in the panel what became of it."""
    charge = "%%step charge --at-most-once\nprint('charged')\nreceipt = int('R')"
    told = [front.run(charge), front.run(charge)]
    assert "WaitingError" in told[1], told
    front.until(lambda: front.row("charge").get("state") == "waiting")
    offered = {action["do"]: action["why_not"] for action in front.row("charge")["actions"]}
    foretold = front.ok("foretell", do="resolve_happened", step="charge", args={})
    known = front.ok("foretell", do="resolve_happened", step="charge", args={"values": {"receipt": "R-17"}})

    front.ok("act", do="resolve_happened", step="charge", args={"values": {"receipt": "R-17"}})
    front.until(lambda: front.row("charge")["state"] == "reused")

    assert ("", "") == (offered["resolve_happened"], offered["resolve_again"])
    assert "the value of receipt stays unknown" == foretold["problem"]["text"]
    assert ["receipt"] == foretold["wants"]
    assert "wants" not in known
    assert ["receipt"] == foretold["wants"]
    assert "R-17\n" == front.run("print(receipt)")


def test_errors_are_answers(front: Front) -> None:
    """What cannot be done is answered with why, and what is unknown with what is known."""
    texts = [
        front.ask("detail", step="nowhere")["problem"]["text"],
        front.ask("act", do="dance", step="load", args={})["problem"]["text"],
        front.ask("dance")["problem"]["text"],
        front.ask("detail")["problem"]["text"],
    ]

    assert "there is no step 'nowhere' here any more" == texts[0]
    assert texts[1].startswith("found the action 'dance', expected one of run, retry")
    assert "the panel was asked for 'dance', which this version does not know" == texts[2]
    assert "the panel was asked without step" == texts[3]


def test_a_closed_panel_lets_go_of_the_kernel(front: Front) -> None:
    """It leaves no observer and no thread behind."""
    code = (
        "import threading, durable_nb.kernel.magics as magics\n"
        "session = magics.session_of(get_ipython())\n"
        "before = len(session.observers)\n"
        "other = durable_nb.dashboard()\n"
        "other.close()\n"
        "names = [t.name for t in threading.enumerate()].count('durable_nb-dashboard')\n"
        "print(before == len(session.observers))"
    )

    assert "True\n" == front.run(code)


def test_the_magic_opens_a_panel_too(front: Front) -> None:
    """``%steps dashboard`` shows what ``durable_nb.dashboard()`` does; more words are refused."""
    front.run("%steps dashboard")

    assert "application/vnd.jupyter.widget-view+json" in front.bundles[-1]
    assert "expected %steps dashboard" in front.run("%steps dashboard now")

"""Renaming a step: what it has left counts under its new name, and nothing that it did is done again."""

from __future__ import annotations

import json
import os
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from oracle.kernels import KILLED, ForkedKernels, Life, cell, write

from durable_nb.batch.inspecting.history import step_history
from durable_nb.batch.inspecting.logs import step_logs
from durable_nb.cli.app import app, status_of
from durable_nb.core.errors import (
    DuplicateStepError,
    DurableWarning,
    StepNameError,
    UnknownStepError,
    UsageError,
)
from durable_nb.core.intents import Intent, IntentState
from durable_nb.core.model import Trace
from durable_nb.core.overrides import OverrideKind
from durable_nb.store import decisions, renaming, resolving
from durable_nb.store.store import Store, open_store

PRICES = "%%step {name}\nprices = [k, 2]\nprint('made', k)"
TOTAL = "%%step total\ntotal = sum(prices)"
DIES = "os.kill(os.getpid(), 9)"
SEND = """%%step {name} --at-most-once
import os, durable_nb
def said(text):
    with open(os.environ['WORLD'], 'a') as world:
        world.write(text + '\\n')
said(durable_nb.idempotency_key())
{then}
receipt = 'R-1'"""


class Place:
    """A notebook, kernels that run its cells, the store beside it, and the world outside."""

    def __init__(self, forked: ForkedKernels, folder: Path) -> None:
        self._forked = forked
        self.folder = folder / "here"
        self.folder.mkdir()
        self.world = folder / "world"
        self.world.touch()

    def run(self, *script: str | dict[str, Any], notebook: str = "nb.ipynb") -> Life:
        """Cells in a new kernel."""
        environment = {"JPY_SESSION_NAME": notebook, "WORLD": str(self.world)}
        actions = [cell(a) if isinstance(a, str) else a for a in script]
        return self._forked.run(self.folder, actions, go_on=True, environment=environment)

    @property
    def keys(self) -> list[str]:
        """One line for each time that something was done in the world."""
        return self.world.read_text().split()

    def store(self) -> closing[Store]:
        return closing(open_store(self.folder / ".durable"))

    def resolve(self, *words: str) -> int:
        store = str(self.folder / ".durable")
        return status_of(lambda: app.main(["resolve", *words, "--store", store], standalone_mode=False))


@pytest.fixture
def place(forked: ForkedKernels, tmp_path: Path) -> Place:
    return Place(forked, tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / ".durable")
    yield opened
    opened.close()


def saved(*sources: str) -> dict[str, Any]:
    return write("nb.ipynb", nbformat.writes(new_notebook(cells=[new_code_cell(s) for s in sources])))


def prices(name: str) -> str:
    return PRICES.format(name=name)


def send(name: str, then: str = "") -> str:
    return SEND.format(name=name, then=then)


def left(store: Store, step: str, **facts: Any) -> Trace:
    """A trace of a step."""
    common: dict[str, Any] = {
        "code": "c",
        "key": "k",
        "source": "",
        "options": {},
        "dependencies": (),
        "outputs": (),
        "display": (),
        "seconds": 1.0,
        "run_id": "r",
        "attempt": 1,
        "created_at": 1000.0,
    }
    return store.traces.add(Trace(step=step, **{**common, **facts}))


# What counts.


def test_renamed_it_is_reused_and_edited_it_executes(place: Place) -> None:
    """The new name has all that the old one left, and still only what fits code and inputs."""
    place.run("k = 1", prices("clean"), TOTAL)

    renamed = place.run(saved(prices("clean"), TOTAL), "%steps rename clean tidy")
    again = place.run("k = 1", prices("tidy"), TOTAL)
    other = place.run("k = 2", prices("tidy"), TOTAL)
    back = place.run("k = 1", prices("tidy").replace("k, 2", "k, 3"), TOTAL)

    assert "clean is tidy from now on: its result counts for tidy" in renamed.cells[0].shown
    assert "write %%step tidy above its cell" in renamed.cells[0].shown
    assert ["", "reused", "reused"] == again.states
    assert ["", "completed", "completed"] == other.states
    assert "k 1 → 2" in other.cells[1].reason
    assert "made 1" in again.cells[1].shown
    assert "completed" == back.states[1]
    assert "code" in back.cells[1].reason


def test_history_why_and_values_under_the_new_name(place: Place) -> None:
    """Earlier executions are those of the step, whatever it was called; the table has it once."""
    place.run("k = 1", prices("clean"))
    place.run(saved(prices("clean")), "%steps rename clean tidy")

    life = place.run(
        saved("k = 2", prices("tidy")),
        "k = 2",
        prices("tidy"),
        "%steps history tidy",
        "%steps why tidy",
        "%steps",
        "import durable_nb; durable_nb.load('tidy', 'prices')",
    )

    shown = [seen.shown for seen in life.cells]
    assert "k 1 → 2" in shown[2]
    assert "k 1 → 2" in shown[3]
    assert "tidy" in shown[4]
    assert "clean" not in shown[4]
    assert "[2, 2]" in shown[5]
    with place.store() as store:
        entries = step_history(store, "tidy").entries
        assert ["completed", "rename", "completed"] == [entry.state for entry in entries]
        assert "clean → tidy by" in entries[1].note
        assert [["clean"], ["tidy"]] == [
            [log.step for log in step_logs(store, "tidy", run=entry.run_id)] for entry in entries[::-2]
        ]


def test_another_notebook_goes_on_with_the_old_name(place: Place) -> None:
    """Nothing is taken from it; and what it does later counts for both."""
    place.run("k = 1", prices("clean"))
    place.run(saved(prices("clean")), "%steps rename clean tidy")

    elsewhere = place.run("k = 1", prices("clean"), "k = 5", prices("clean"), notebook="other.ipynb")
    here = place.run("k = 5", prices("tidy"))

    assert ["", "reused", "", "completed"] == elsewhere.states
    assert ["", "reused"] == here.states


def test_renamed_again_and_back(place: Place) -> None:
    """Through any number of names the step keeps what it left under each."""
    for k, name, next_name in ((1, "a", "b"), (2, "b", "c"), (3, "c", "a")):
        place.run(f"k = {k}", prices(name))
        place.run(saved(prices(name)), f"%steps rename {name} {next_name}")

    life = place.run(*(text for k in (1, 2, 3) for text in (f"k = {k}", prices("a"))))

    assert ["", "reused"] * 3 == life.states


def test_the_cell_ran_under_its_new_name_before_it_was_renamed(place: Place) -> None:
    """Who forgot it, and changed the marker first, can still do it."""
    place.run("k = 1", prices("clean"))
    changed = [cell("k = 2", "k"), cell(prices("clean"), "it"), cell(prices("tidy"), "it")]
    life = place.run(saved(prices("clean")), *changed, "%steps rename clean tidy", "k = 1", prices("tidy"))

    assert not life.errors[3]
    assert "reused" == life.states[5]


def test_what_was_decided_goes_with_it(store: Store) -> None:
    """An invalidated result stays invalidated, under every name; taken back for one name, for that one."""
    trace = left(store, "a")
    decisions.invalidate(store, "a")
    renaming.rename(store, "a", "b")

    assert store.overrides.standing("b").why_not(trace).startswith("invalidated by")
    decisions.undo(store, OverrideKind.INVALIDATE, "b")
    assert "" == store.overrides.standing("b").why_not(trace)
    assert store.overrides.standing("a").why_not(trace).startswith("invalidated by")


def test_who_when_and_from_what(store: Store) -> None:
    """It is a decision like others: in the files, in the ledger, and in the step's history."""
    left(store, "a")
    before = time.time()
    made = renaming.rename(store, "a", "b", notebook="nb.ipynb")
    store.recover()

    (row,) = store.ledger.rows('SELECT step, override, "user", changes FROM overrides')
    assert ("b", "rename") == (row["step"], row["override"])
    assert row["user"]
    assert made.at >= before - 1
    assert "a → b" in json.dumps(row["changes"], ensure_ascii=False)


# What is refused.


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ("clean", "2nd", StepNameError, "found the new name '2nd', expected a Python identifier"),
        ("clean", "a b", StepNameError, "expected a Python identifier"),
        ("clean", "clean", UsageError, "has this name already"),
        ("claen", "tidy", UnknownStepError, "there is no step 'claen' to be renamed; did you mean clean?"),
        ("nothing", "tidy", UnknownStepError, "steps are: clean, elsewhere, load"),
        ("clean", "load", DuplicateStepError, "another cell of the notebook is the step 'load'"),
        (
            "clean",
            "elsewhere",
            DuplicateStepError,
            "results of a step 'elsewhere' already, the last one of o",
        ),
    ],
)
def test_names_that_cannot_be_had(
    store: Store, old: str, new: str, error: type[UsageError], said: str
) -> None:
    """It is said why, with what can be done; nothing is decided."""
    for step, notebook in (("clean", "nb.ipynb"), ("load", "nb.ipynb"), ("elsewhere", "o.ipynb")):
        left(store, step, notebook=notebook)
    store.recover()

    with pytest.raises(error) as refused:
        renaming.rename(store, old, new, declared=["clean", "load"])

    assert said in str(refused.value)
    assert [] == list(store.overrides.all())


def test_words_that_are_no_names(place: Place) -> None:
    """The magic says what it expects."""
    life = place.run("k = 1", prices("clean"), "%steps rename clean", "%steps rename clean --force")

    assert all("expected %steps rename OLD NEW" in error for error in life.errors[2:])


def test_one_that_has_not_run_yet_can_be_renamed(store: Store) -> None:
    """It may be running for the first time just now."""
    renaming.rename(store, "clean", "tidy", declared=["clean"])
    trace = left(store, "clean")

    assert [trace.trace_id] == [found.trace_id for found in store.traces.latest("tidy")]
    assert ["tidy"] == [found.step for found in store.traces.candidates("tidy", "k")]


# At most once.


def test_a_renamed_step_waits_as_it_did(place: Place) -> None:
    """What may have been done under the old name is not done under the new one, until a person decides."""
    assert KILLED == place.run(send("notify", DIES)).exit
    place.run(saved(send("notify")), "%steps rename notify tell")

    first = place.run(send("tell"))
    second = place.run(send("tell"))

    assert ["waiting"] == first.states == second.states
    assert "durable-nb resolve tell --run-again" in first.errors[0]
    assert 1 == len(place.keys)
    with place.store() as store:
        assert ["tell"] == [intent.step for intent in resolving.waiting(store)]

    assert 0 == place.resolve("tell", "--run-again")
    third, fourth = place.run(send("tell")), place.run(send("tell"))

    assert (["completed"], ["reused"]) == (third.states, fourth.states)
    assert 2 == len(place.keys)
    assert 1 == len(set(place.keys))
    with place.store() as store:
        assert [] == resolving.waiting(store)


@pytest.mark.parametrize("asked", ["notify", "tell"])
def test_decided_before_it_ran_under_its_new_name(place: Place, asked: str) -> None:
    """A person's word counts under either name."""
    place.run(send("notify", DIES))
    place.run(saved(send("notify", DIES)), "%steps rename notify tell")

    assert 0 == place.resolve(asked, "--happened", "--value", "receipt=R-9")
    life = place.run(send("tell", DIES), "print(receipt)")

    assert "reused" == life.states[0]
    assert "R-9" in life.cells[1].shown
    assert 1 == len(place.keys)


def test_what_was_completed_is_not_done_again(place: Place) -> None:
    """Reused under the new name; edited, it asks, as under the old one."""
    place.run(send("notify"))
    place.run(saved(send("notify")), "%steps rename notify tell")

    reused = place.run(send("tell"))
    edited = place.run(send("tell").replace("R-1", "R-2"))

    assert (["reused"], ["waiting"]) == (reused.states, edited.states)
    assert "it has completed" in edited.errors[0]
    assert 1 == len(place.keys)


@pytest.mark.parametrize("then", ["", DIES], ids=["completed", "died"])
def test_taken_back_nothing_is_done_again(place: Place, then: str) -> None:
    """What was done under the new name is known under the old one when the renaming is taken back."""
    place.run(saved(send("notify")), "k = 1", "%steps rename notify tell")
    place.run(send("tell", then))
    with place.store() as store:
        (made,) = store.overrides.all()
        renaming.take_back(store, made)

    life = place.run(send("notify"))

    assert ["waiting" if then else "reused"] == life.states
    assert 1 == len(place.keys)


def test_a_renaming_that_cannot_be_read_is_no_permission(place: Place) -> None:
    """Nobody knows any more under which name it may have been begun: it waits; a person can go on."""
    place.run(send("notify", DIES))
    place.run(saved(send("notify")), "%steps rename notify tell")
    (path,) = (place.folder / ".durable" / "overrides").rglob("*.json")
    path.write_bytes(path.read_bytes()[:-20])

    refused = place.run(send("tell"))
    assert ["waiting"] == refused.states
    assert 1 == len(place.keys)

    with pytest.warns(DurableWarning, match="decision"):
        assert 0 == place.resolve("tell", "--run-again")
    assert ["completed"] == place.run(send("tell")).states


def test_a_later_word_counts(store: Store) -> None:
    """Of one operation under two names, what was said last is what is known; each is listed once."""
    begun = Intent("a", "1" * 8, "key", IntentState.BEGUN, 100.0)
    store.intents.put(begun)
    renaming.rename(store, "a", "b")
    assert ["a"] == [intent.step for intent in resolving.waiting(store)]

    store.intents.put(Intent("b", "2" * 8, "key", IntentState.COMPLETED, 200.0))

    assert [] == resolving.waiting(store)
    assert [IntentState.COMPLETED] == [intent.state for intent in resolving.operations(store, "b")]
    with pytest.raises(UnknownStepError):
        resolving.find(store, "b")


# At the same time.


HELD = """%%step NAME{options}
import os, signal
def said(text):
    with open(os.environ['WORLD'], 'a') as world:
        world.write(text)
print('held', os.getpid())
signal.sigwait([signal.SIGUSR1])
said('done')
x = 1"""
BLOCK = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])"


@pytest.mark.parametrize("options", ["", " --at-most-once"])
def test_a_kernel_that_still_runs_it_under_the_old_name(
    new_kernel: Any, tmp_path: Path, options: str
) -> None:
    """The cell under its new name waits for it, and reuses what it left."""
    held, world = HELD.format(options=options), tmp_path / "world"
    nbformat.write(new_notebook(cells=[new_code_cell(held.replace("NAME", "old"))]), tmp_path / "nb.ipynb")
    first, second = new_kernel(), new_kernel()
    for kernel in (first, second):
        kernel.environment |= {"JPY_SESSION_NAME": "nb.ipynb", "WORLD": str(world)}
        kernel.start()
    first.run(BLOCK)
    pid = int(first.evaluate("__import__('os').getpid()"))
    first.send(held.replace("NAME", "old"))
    first.wait_for_text("held")

    renamed = second.run("%steps rename old new")
    second.send(held.replace("NAME", "new"))
    waits = line_with(second, "which executes it")
    os.kill(pid, signal.SIGUSR1)
    one, other = first.finish(), second.finish()

    assert not renamed.error
    assert "new · waits for process" in waits
    assert not one.error
    assert not other.error
    assert "done" == world.read_text()


def line_with(kernel: Any, words: str) -> str:
    """Wait for a displayed line."""
    while True:
        message = kernel._client.get_iopub_msg(timeout=60)
        text = str(message["content"].get("data", {}).get("text/plain", ""))
        if words in text:
            return text


# Damage, and any order.


def test_a_damaged_renaming_costs_time_and_nothing_else(place: Place) -> None:
    """The step executes as if it had not been renamed; the old name is as it was."""
    place.run("k = 1", prices("clean"))
    place.run(saved(prices("clean")), "%steps rename clean tidy")
    (path,) = (place.folder / ".durable" / "overrides").rglob("*.json")
    path.write_bytes(b"{}")

    life = place.run("k = 1", prices("tidy"), prices("clean"), prices("tidy"))

    assert ["", "completed", "reused", "reused"] == life.states


def test_a_renaming_that_cannot_be_read_may_hide_an_invalidation(store: Store) -> None:
    """It was invalidated under the name that is lost: what cannot be proven executes."""
    trace = left(store, "a")
    made = renaming.rename(store, "a", "b")
    decisions.invalidate(store, "b")
    renaming.take_back(store, made)
    assert store.overrides.standing("a").why_not(trace).startswith("invalidated by")
    (path,) = (store.path / "overrides" / "a").glob("*-rename-*.json")
    path.write_bytes(b"")

    with pytest.warns(DurableWarning, match="decision"):
        standing = open_store(store.path).overrides.standing("a")

    assert "cannot be read" in standing.why_not(trace)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["back", "a", "b", "c", "d"]), max_size=8))
def test_through_any_names(tmp_path_factory: pytest.TempPathFactory, moves: list[str]) -> None:
    """Whatever names a step goes through, taken back or not: all that it left counts, and nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with closing(open_store(tmp_path_factory.mktemp("store"))) as store:
            foreign = left(store, "foreign").trace_id
            name, last, own = "a", None, []
            for number, move in enumerate(["a", *moves]):
                if move == "back" and last is not None:
                    renaming.take_back(store, last)
                    name, last = renaming.former_name(last), None
                elif move not in {"back", name}:
                    last = renaming.rename(store, name, move, declared=[name])
                    name = move
                own.append(left(store, name, run_id=f"r{number}", created_at=float(number)).trace_id)

                assert sorted(own) == store.traces.ids(name)
                assert own[::-1] == [trace.trace_id for trace in store.traces.latest(name)]
                assert {name} == {trace.step for trace in store.traces.candidates(name, "k")}
                assert {name} == store.overrides.present({name, *store.overrides.names(name).former})
            assert [foreign] == store.traces.ids("foreign")


# In the panel.


def test_the_panel_renames_and_takes_it_back(place: Place, see: Any) -> None:
    """The steps are seen under their present names, with what they left; undone, as before."""
    place.run(saved("k = 1", prices("clean"), TOTAL), "k = 1", prices("clean"), TOTAL)
    seen = see(place.folder / ".durable", place.folder / "nb.ipynb")
    assert ["clean", "total"] == [row["step"] for row in seen.views["steps"]["rows"]]

    done = seen.ok("rename", step="clean", name="tidy")
    refused = seen.problem("rename", step="clean", name="total")
    nbformat.write(
        new_notebook(cells=[new_code_cell(s) for s in ("k = 1", prices("tidy"), TOTAL)]),
        place.folder / "nb.ipynb",
    )
    seen.ok("refresh")
    rows = {row["step"]: row for row in seen.views["steps"]["rows"]}
    history = seen.ok("detail", step="tidy")["attempts"]
    undone = seen.ok("act", **done["undo"])

    assert "clean is tidy from now on: its result counts for tidy" == done["text"]
    assert "clean" == done["undo"]["args"]["name"]
    assert "another cell of the notebook is the step 'total'" in refused["text"]
    assert ["tidy", "total"] == list(rows)
    assert "completed" == rows["tidy"]["state"]
    assert rows["tidy"]["stale"] is False
    assert 1 == len(history)
    assert "former name" in undone["text"]
    with place.store() as store:
        assert () == store.overrides.names("tidy").former
